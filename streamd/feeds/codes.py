"""Every code a client can be given, and the errors that carry them.

    FeedError               ends one command with Centrifuge's error {code, message, temporary}
    ├── UnknownChannel      102
    ├── PermissionDenied    103
    ├── AlreadySubscribed   105
    ├── LimitExceeded       106
    ├── BadRequest          107
    ├── NotAvailable        108
    ├── NotLive             108, temporary
    ├── TokenExpiredError   109
    ├── TooManyRequests     111, temporary
    ├── TryAgain            100, temporary
    └── RpcError            a code of streamd's own contract: 1001–1010
    Disconnected            ends the connection with one row of ``Disconnect``

Sources: error and disconnect codes from centrifugal/centrifuge `errors.go`, `disconnect.go` and
`unsubscribe.go`; 1001–1010 from streamd's contract (docs/architecture.md). Clients come back after
3000–3499 and 4000–4499 and stay away after 3500–3999 and 4500–4999.
"""

from __future__ import annotations

from enum import Enum, IntEnum


class ErrorCode(IntEnum):
    """Codes in a reply's ``error``. Below 400 they are Centrifuge's, from 1001 streamd's."""

    INTERNAL = 100
    UNAUTHORIZED = 101
    UNKNOWN_CHANNEL = 102
    PERMISSION_DENIED = 103
    METHOD_NOT_FOUND = 104
    ALREADY_SUBSCRIBED = 105
    LIMIT_EXCEEDED = 106
    BAD_REQUEST = 107
    NOT_AVAILABLE = 108
    TOKEN_EXPIRED = 109
    EXPIRED = 110
    TOO_MANY_REQUESTS = 111
    UNRECOVERABLE_POSITION = 112
    UNKNOWN_POLL = 1001
    UNKNOWN_CHOICE = 1002
    POLL_CLOSED = 1003
    NO_IDENTITY = 1004
    ALREADY_VOTED = 1005
    BALLOT_CONFLICT = 1006
    NOT_ELIGIBLE = 1007
    POLL_CHANGED = 1008
    TOO_MANY_ASKED = 1009
    UNKNOWN_ITEM = 1010


class Disconnect(Enum):
    """WebSocket close codes with the reason the client is given."""

    NORMAL = (1000, "")
    SHUTDOWN = (3001, "shutdown")
    SERVER_ERROR = (3004, "internal server error")
    EXPIRED = (3005, "connection expired")
    SLOW = (3008, "slow")
    NO_PONG = (3012, "no pong")
    TOO_MANY_REQUESTS = (3013, "too many requests")
    INVALID_TOKEN = (3500, "invalid token")
    BAD_REQUEST = (3501, "bad request")
    STALE = (3502, "stale")
    NOT_AVAILABLE = (3508, "not available")

    @property
    def code(self) -> int:
        """The close code."""
        return self.value[0]

    @property
    def reason(self) -> str:
        """Centrifuge's own word for it; at most 123 bytes fit a close frame (RFC 6455 §5.5)."""
        return self.value[1]


class Unsubscribe(IntEnum):
    """Codes of an ``unsubscribe`` push; from 2500 on a stock client subscribes again at once."""

    SERVER = 2000
    INSUFFICIENT_STATE = 2500


class FeedError(Exception):
    """Ends one command with an error reply; the connection goes on.

    ``message`` is a sentence a person understands. ``temporary`` tells the client that the same
    command may succeed later. ``why``: which rule it was, where the code leaves that open.
    """

    code: int = ErrorCode.INTERNAL
    temporary: bool = False
    why: str = ""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UnknownChannel(FeedError):
    """There is no such channel."""

    code = ErrorCode.UNKNOWN_CHANNEL

    def __init__(self, channel: str) -> None:
        super().__init__(f"There is no channel “{channel}”.")
        self.channel = channel


class PermissionDenied(FeedError):
    """The channel or command exists and is not for this connection."""

    code = ErrorCode.PERMISSION_DENIED


class AlreadySubscribed(FeedError):
    """The connection already has this subscription."""

    code = ErrorCode.ALREADY_SUBSCRIBED

    def __init__(self, channel: str) -> None:
        super().__init__(f"This connection is already subscribed to “{channel}”.")
        self.channel = channel


class LimitExceeded(FeedError):
    """A bound of the connection is reached."""

    code = ErrorCode.LIMIT_EXCEEDED


class BadRequest(FeedError):
    """The command was understood and its content is wrong; sending it again will not help."""

    code = ErrorCode.BAD_REQUEST


class NotAvailable(FeedError):
    """The command or method is not one that streamd has."""

    code = ErrorCode.NOT_AVAILABLE


class NotLive(NotAvailable):
    """The stream exists and nobody broadcasts to it now."""

    temporary = True


class TokenExpiredError(FeedError):
    """The connect token's time is over: the client asks for a new one and comes back."""

    code = ErrorCode.TOKEN_EXPIRED


class TooManyRequests(FeedError):
    """Too many commands of this connection are still being answered."""

    code = ErrorCode.TOO_MANY_REQUESTS
    temporary = True


class TryAgain(FeedError):
    """Nothing was done; the same command may succeed in a moment."""

    code = ErrorCode.INTERNAL
    temporary = True


class RpcError(FeedError):
    """An RPC's refusal with a code of streamd's contract."""

    def __init__(self, code: int, message: str, *, temporary: bool = False, why: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.temporary = temporary
        self.why = why


class Disconnected(Exception):
    """Ends the connection with ``disconnect``."""

    def __init__(self, disconnect: Disconnect) -> None:
        super().__init__(f"{disconnect.code} {disconnect.reason}")
        self.disconnect = disconnect
