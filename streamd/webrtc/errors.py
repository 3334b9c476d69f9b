"""What WebRTC adds to the tree in ``streamd/errors.py``.

NegotiationError
├── TooManyPublishers   every place for a publisher is taken: 503, worth trying again
├── MuxFull             the UDP port carries as many peers as it may, or is closed: likewise
└── NegotiationFailed   the offer was sound, and yet no answer came of it
StreamdError
└── UnknownSession      no such WHIP session, or it is over
"""

from __future__ import annotations

from streamd.errors import NegotiationError, StreamdError


class TooManyPublishers(NegotiationError):
    """Every place for a publisher is taken, or the server is closing and has none (limit 0).

    ``retry_after`` is in seconds.
    """

    def __init__(self, limit: int, retry_after: int = 30) -> None:
        super().__init__(
            f"This server already carries {limit} broadcasts, as many as it may. "
            "Try again when one of them has ended."
            if limit
            else "This server takes no broadcasts at the moment. Try again shortly."
        )
        self.limit = limit
        self.retry_after = retry_after


class MuxFull(NegotiationError):
    """The UDP port carries as many peers as it may, or is closed."""

    def __init__(self) -> None:
        super().__init__("This server has no room for another connection. Try again shortly.")


class NegotiationFailed(NegotiationError):
    """The offer was sound, and yet no answer came of it."""


class UnknownSession(StreamdError):
    """No such WHIP session, or it is over."""

    def __init__(self) -> None:
        super().__init__("This broadcast session is not known here, or it has already ended.")
