"""A WHEP session's life: one enum of states, one of moves, and the table of what is allowed.

offered ──ANSWER──► connecting ──CONNECT──► watching
    │                   │                      │
    └───────────────────┴──────────END─────────┴──► ended

A session that answered an offer begins as connecting, one that made a counter-offer as offered.
"""

from __future__ import annotations

from enum import StrEnum


class ViewerState(StrEnum):
    """Where a session stands."""

    OFFERED = "offered"
    CONNECTING = "connecting"
    WATCHING = "watching"
    ENDED = "ended"


class ViewerMove(StrEnum):
    """What can happen to a session."""

    ANSWER = "answer"
    CONNECT = "connect"
    END = "end"


TABLE: dict[tuple[ViewerState, ViewerMove], ViewerState] = {
    (ViewerState.OFFERED, ViewerMove.ANSWER): ViewerState.CONNECTING,
    (ViewerState.OFFERED, ViewerMove.END): ViewerState.ENDED,
    (ViewerState.CONNECTING, ViewerMove.CONNECT): ViewerState.WATCHING,
    (ViewerState.CONNECTING, ViewerMove.END): ViewerState.ENDED,
    (ViewerState.WATCHING, ViewerMove.END): ViewerState.ENDED,
}

PATIENCE: dict[ViewerState, tuple[float, str]] = {
    ViewerState.OFFERED: (30.0, "the counter-offer was not answered"),
    ViewerState.CONNECTING: (20.0, "no connection came about"),
}
"""How long a state may last, and what is said when it lasted longer (draft-ietf-wish-whep: a
counter-offer is valid for 30 seconds)."""


class IllegalViewerMove(ValueError):
    """The table has no such row: a defect in the code around it."""


class ViewerLife:
    """A session's state, and why it ended (empty before)."""

    def __init__(self, state: ViewerState) -> None:
        self.state = state
        self.reason = ""

    def move(self, move: ViewerMove) -> None:
        """Makes a move. Raises IllegalViewerMove where the table has no such row."""
        try:
            self.state = TABLE[self.state, move]
        except KeyError:
            raise IllegalViewerMove(f"A session that is {self.state} cannot {move}.") from None

    def end(self, reason: str) -> None:
        """The session is over; the first reason stays."""
        if self.state is not ViewerState.ENDED:
            self.reason = reason
            self.move(ViewerMove.END)
