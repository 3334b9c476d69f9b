"""What WebRTC adds to the tree in ``streamd/errors.py``.

NegotiationError
├── TooManyPublishers   every place for a publisher is taken: 503, worth trying again
├── MuxFull             the UDP port carries as many peers as it may, or is closed: likewise
├── NegotiationFailed   the offer was sound, and yet no answer came of it
├── PreconditionMissing a PATCH says not which ICE session it means: 428
├── StaleSession        it means one that is no longer: 412
└── UnsupportedChange   it is sound, and cannot be done: 422
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


class PreconditionMissing(NegotiationError):
    """A PATCH without If-Match (RFC 9725 §4.3.1)."""

    def __init__(self) -> None:
        super().__init__(
            "Say which ICE session is meant: “If-Match” with the session's newest ETag, "
            'or “If-Match: "*"” to restart ICE.'
        )


class StaleSession(NegotiationError):
    """A PATCH for an ICE session that a restart has replaced (RFC 9725 §4.3.1)."""

    def __init__(self) -> None:
        super().__init__("This ETag is not the session's newest one; ICE was restarted since.")


class UnsupportedChange(NegotiationError):
    """A readable PATCH that asks for what cannot be done (RFC 9725 §4.3.1)."""


class UnknownSession(StreamdError):
    """No such WHIP session, or it is over."""

    def __init__(self) -> None:
        super().__init__("This broadcast session is not known here, or it has already ended.")
