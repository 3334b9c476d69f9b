"""What WHEP adds to the tree in ``streamd/errors.py``.

StreamError
└── NotLive              nobody broadcasts now: 409, worth trying again
NegotiationError
├── TooManyViewers       every viewer's place is taken: 503, worth trying again
└── NotCarried           WebRTC cannot carry this broadcast to this viewer: 406
    ├── BFrames          its pictures are reordered
    ├── ProfileMissing   its H.264 profile was not offered
    └── SoundMissing     its sound cannot be carried
"""

from __future__ import annotations

from streamd.errors import NegotiationError, StreamError


class NotLive(StreamError):
    """Nobody broadcasts now. ``retry_after`` is in seconds."""

    def __init__(self, stream: str, retry_after: int = 3) -> None:
        super().__init__(f"Nobody is broadcasting on “{stream}” now. Try again shortly.", stream)
        self.retry_after = retry_after


class TooManyViewers(NegotiationError):
    """Every viewer's place is taken, or the server is closing and has none (limit 0)."""

    def __init__(self, limit: int, retry_after: int = 30) -> None:
        super().__init__(
            f"This server already has {limit} WebRTC viewers, as many as it may. "
            "Watch by WebSocket or HLS, or try again later."
            if limit
            else "This server takes no viewers at the moment. Try again shortly."
        )
        self.limit = limit
        self.retry_after = retry_after


class NotCarried(NegotiationError):
    """WebRTC cannot carry this broadcast to this viewer; WebSocket and HLS can."""


class BFrames(NotCarried):
    """The pictures are reordered, which RTP's H.264 in WebRTC does not know."""

    def __init__(self) -> None:
        super().__init__(
            "This broadcast has B-frames, which WebRTC cannot carry. Watch by WebSocket or HLS."
        )


class ProfileMissing(NotCarried):
    """``profile`` is the stream's, ``offered`` are the viewer's profile-level-ids."""

    def __init__(self, profile: str, offered: tuple[str, ...]) -> None:
        super().__init__(
            f"This broadcast is H.264 {profile}, and the offer has no payload type that can "
            "carry it. Watch by WebSocket or HLS."
        )
        self.profile = profile
        self.offered = offered


class SoundMissing(NotCarried):
    """The sound is Opus in more than two channels, or AAC that cannot be made Opus."""

    def __init__(self, codec: str) -> None:
        super().__init__(
            f"This broadcast's sound is {codec}, which WebRTC cannot carry. Watch by WebSocket or "
            "HLS, or send an offer without an audio section to see the picture alone."
        )
        self.codec = codec
