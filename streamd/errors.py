"""Every error streamd raises on purpose.

    StreamdError
    ├── ConfigError            a setting is unknown, of the wrong type or out of range
    ├── StoreError
    │   ├── StoreHeld          another process runs on the same var/ directory
    │   └── StoreUnavailable   Valkey does not answer
    ├── StreamError
    │   ├── UnknownStream      no such stream
    │   ├── AlreadyPublishing  the stream has a publisher
    │   ├── IllegalMove        the stream's state does not allow this
    │   └── InvalidStreamId    not a name for a stream
    ├── CaptionRefused         empty, too long, or too many a second
    ├── MediaError
    │   ├── MalformedMedia     the bytes break the format they claim to have
    │   └── UnsupportedMedia   sound bytes, but not something streamd relays
    ├── PublishError           `streamd publish` cannot send
    │   ├── PublishRefused     the server, or the file, says no: trying again changes nothing
    │   │   └── PlaceTaken     somebody publishes there; after a broken line it was this client
    │   └── PublishLost        the line is gone: it may come back
    ├── VerifyFailed           `streamd verify` could check nothing; ``.status`` of the answer, or 0
    ├── NegotiationError
    │   ├── MalformedOffer     the SDP cannot be read
    │   └── NoAcceptableCodec  the offer holds none of the codecs streamd relays
    └── AccessError
        ├── Unauthenticated    no valid key or token came with the request
        │   └── ProofNeeded    the device has yet to do its proof of work
        ├── ProofRefused       a proof of work is wrong, too late, or was used before
        ├── CodeRefused        not an access code for what it was entered for
        │   └── MistypedCode   not an access code at all: its check character does not fit
        ├── UnknownBatch       no such batch of access codes, or no more
        ├── TooOften           this network has done that as often as it may for now
        ├── IssuerUnreachable  a platform's keys cannot be fetched
        └── Forbidden          the key or the origin is known but may not do this

An error says what happened and what to do; facts stand in attributes. The web and feeds floors
turn these into HTTP and WebSocket codes, in one place each (`web/problems.py`, `feeds/codes.py`).
"""

from __future__ import annotations


class StreamdError(Exception):
    """Base of all errors raised on purpose. ``str(error)`` is a sentence a person understands."""


class ConfigError(StreamdError):
    """A setting is unknown, of the wrong type or out of range."""


class StoreError(StreamdError):
    """The store cannot be used."""


class StoreHeld(StoreError):
    """Another process holds the var/ directory."""

    def __init__(self, path: str, pid: int) -> None:
        super().__init__(
            f"{path} is in use by process {pid}. Stop that streamd first, "
            "or start this one with another directory in [store] dir."
        )
        self.path = path
        self.pid = pid


class StoreUnavailable(StoreError):
    """Valkey does not answer."""


class StreamError(StreamdError):
    """Something about one stream."""

    def __init__(self, message: str, stream: str) -> None:
        super().__init__(message)
        self.stream = stream


class UnknownStream(StreamError):
    """No such stream."""

    def __init__(self, stream: str) -> None:
        super().__init__(
            f"There is no stream “{stream}”. Check the address you were given.", stream
        )


class AlreadyPublishing(StreamError):
    """The stream has a publisher."""

    def __init__(self, stream: str) -> None:
        super().__init__(
            f"Someone is already broadcasting to “{stream}”. Stop that broadcast first, "
            "then start again.",
            stream,
        )


class CaptionRefused(StreamdError):
    """A caption is empty, too long, or one too many this second."""


class IllegalMove(StreamError):
    """The stream's state does not allow this move."""

    def __init__(self, stream: str, state: str, move: str) -> None:
        super().__init__(f"Stream “{stream}” is {state} and cannot {move}.", stream)
        self.state = state
        self.move = move


class InvalidStreamId(StreamError):
    """Not a name for a stream."""

    def __init__(self, stream: str) -> None:
        super().__init__(
            f"{stream!r} is not a stream id: use 1 to 63 lower-case letters, digits and hyphens.",
            stream,
        )


class MediaError(StreamdError):
    """Something about the media itself."""


class MalformedMedia(MediaError):
    """The bytes break the format they claim to have."""


class UnsupportedMedia(MediaError):
    """Sound bytes, but not something streamd relays."""


class PublishError(StreamdError):
    """`streamd publish` cannot send."""


class PublishRefused(PublishError):
    """The server, or the file, says no: trying again changes nothing."""


class PlaceTaken(PublishRefused):
    """Somebody publishes there; after a broken line perhaps this client, for the server."""


class PublishLost(PublishError):
    """The line is gone, or was never there: it may come back."""


class VerifyFailed(StreamdError):
    """`streamd verify` could check nothing; ``status`` is the server's answer, 0: none."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class NegotiationError(StreamdError):
    """An SDP exchange cannot succeed."""


class MalformedOffer(NegotiationError):
    """The SDP cannot be read."""


class NoAcceptableCodec(NegotiationError):
    """The offer holds none of the codecs streamd relays.

    ``medium`` is "video" or "audio" and ``offered`` the codecs it had, where they are known.
    """

    def __init__(
        self, accepted: tuple[str, ...], medium: str = "", offered: tuple[str, ...] = ()
    ) -> None:
        super().__init__(
            "The offer has no codec that streamd relays. Accepted: " + "; ".join(accepted) + "."
        )
        self.accepted = accepted
        self.medium = medium
        self.offered = offered


class AccessError(StreamdError):
    """The caller may not do this."""


class Unauthenticated(AccessError):
    """No valid key or token came with the request."""


class Forbidden(AccessError):
    """The key or the origin is known but may not do this."""


class ProofNeeded(Unauthenticated):
    """The device has yet to do its proof of work."""

    def __init__(self) -> None:
        super().__init__(
            "This browser has not been admitted yet. Solve the challenge of "
            "/api/v1/identity/challenge and send it to /api/v1/token."
        )


class ProofRefused(AccessError):
    """A proof of work is wrong, too late, or was used before."""


class CodeRefused(AccessError):
    """Not an access code for what it was entered for."""


class MistypedCode(CodeRefused):
    """Not an access code at all: its check character does not fit."""


class UnknownBatch(AccessError):
    """No such batch of access codes, or no more."""


class TooOften(AccessError):
    """This network has done that as often as it may for now; ``retry_after`` is in seconds."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class IssuerUnreachable(AccessError):
    """A platform's keys cannot be fetched."""
