"""A WHIP session's life: one enum of states, one of moves, and the table of what is allowed.

connecting ──CONNECT──► waiting ──MEDIA──► flowing ──SILENCE──► silent
    │                      │                 │  ◄────MEDIA────────┘ │
    └──────────────────────┴───────END───────┴──────────────────────┴──► ended
"""

from __future__ import annotations

from enum import StrEnum


class SessionState(StrEnum):
    """Where a session stands."""

    CONNECTING = "connecting"
    WAITING = "waiting"
    FLOWING = "flowing"
    SILENT = "silent"
    ENDED = "ended"


class Move(StrEnum):
    """What can happen to a session."""

    CONNECT = "connect"
    MEDIA = "media"
    SILENCE = "silence"
    END = "end"


TABLE: dict[tuple[SessionState, Move], SessionState] = {
    (SessionState.CONNECTING, Move.CONNECT): SessionState.WAITING,
    (SessionState.CONNECTING, Move.END): SessionState.ENDED,
    (SessionState.WAITING, Move.MEDIA): SessionState.FLOWING,
    (SessionState.WAITING, Move.END): SessionState.ENDED,
    (SessionState.FLOWING, Move.SILENCE): SessionState.SILENT,
    (SessionState.FLOWING, Move.END): SessionState.ENDED,
    (SessionState.SILENT, Move.MEDIA): SessionState.FLOWING,
    (SessionState.SILENT, Move.END): SessionState.ENDED,
}

CONNECT_SECONDS = 20.0
"""For connectivity checks and the DTLS handshake."""
FIRST_MEDIA_SECONDS = 20.0
"""From the connection to the first unit of media."""
SILENCE_SECONDS = 5.0
VANISHED_SECONDS = 10.0
"""Without one datagram from the peer, not even a connectivity check: it is gone."""


class IllegalSessionMove(ValueError):
    """The table has no such row: a defect in the code around it."""


class SessionLife:
    """A session's state and the times that decide over it. Pure; times are seconds."""

    def __init__(self, now: float) -> None:
        self.state = SessionState.CONNECTING
        self.since = now
        self.media_at: float | None = None
        self.reason = ""
        """Why the session ended."""
        self.lost = False
        """Whether it broke off, rather than that somebody ended it: its publisher may be back."""

    def move(self, move: Move, now: float) -> None:
        """Makes a move. Raises IllegalSessionMove where the table has no such row."""
        try:
            self.state = TABLE[self.state, move]
        except KeyError:
            raise IllegalSessionMove(f"A session that is {self.state} cannot {move}.") from None
        self.since = now

    def connected(self, now: float) -> None:
        """The transport is up. Said again, it changes nothing."""
        if self.state is SessionState.CONNECTING:
            self.move(Move.CONNECT, now)

    def media(self, now: float) -> None:
        """Media arrived."""
        self.media_at = now
        self.connected(now)
        if self.state in (SessionState.WAITING, SessionState.SILENT):
            self.move(Move.MEDIA, now)

    def end(self, reason: str, now: float, *, lost: bool = False) -> None:
        """The session is over; the first reason stays."""
        if self.state is not SessionState.ENDED:
            self.reason, self.lost = reason, lost
            self.move(Move.END, now)

    def tick(self, now: float, heard: float) -> None:
        """Time passes; ``heard`` is when the peer last sent anything."""
        if self.state is SessionState.CONNECTING:
            if now - self.since >= CONNECT_SECONDS:
                self.end("no connection came about", now, lost=True)
        elif self.state is not SessionState.ENDED and now - heard >= VANISHED_SECONDS:
            self.end("the peer vanished", now, lost=True)
        elif self.state is SessionState.WAITING:
            if now - self.since >= FIRST_MEDIA_SECONDS:
                self.end("no media came", now, lost=True)
        elif self.state is SessionState.FLOWING:
            assert self.media_at is not None
            if now - self.media_at >= SILENCE_SECONDS:
                self.move(Move.SILENCE, now)
