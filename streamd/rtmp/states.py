"""A session's life: one enum of states, one of moves, and the table of what is allowed.

greeting ──GREET──► connecting ──CONNECT──► connected ──ASK──► asking ──ACCEPT──► publishing
                                                ▲                                     │
                                                └──────────────UNPUBLISH──────────────┘
every state ──END──► ended
"""

from __future__ import annotations

from enum import StrEnum

from streamd.rtmp.errors import OutOfOrder


class SessionState(StrEnum):
    """Where an RTMP session stands."""

    GREETING = "greeting"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    ASKING = "asking"
    PUBLISHING = "publishing"
    ENDED = "ended"


class Move(StrEnum):
    """What can happen to a session; the value completes "cannot …"."""

    GREET = "greet"
    CONNECT = "connect"
    ASK = "publish"
    ACCEPT = "be accepted"
    UNPUBLISH = "stop publishing"
    END = "end"


TABLE: dict[tuple[SessionState, Move], SessionState] = {
    (SessionState.GREETING, Move.GREET): SessionState.CONNECTING,
    (SessionState.CONNECTING, Move.CONNECT): SessionState.CONNECTED,
    (SessionState.CONNECTED, Move.ASK): SessionState.ASKING,
    (SessionState.ASKING, Move.ACCEPT): SessionState.PUBLISHING,
    (SessionState.PUBLISHING, Move.UNPUBLISH): SessionState.CONNECTED,
    **{(state, Move.END): SessionState.ENDED for state in SessionState},
}


def after(state: SessionState, move: Move) -> SessionState:
    """The state that follows ``move``. Raises OutOfOrder where the table has no such row."""
    try:
        return TABLE[state, move]
    except KeyError:
        raise OutOfOrder(f"A session that is {state.value} cannot {move.value}.") from None
