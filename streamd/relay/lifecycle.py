"""A stream's life: one enum of states, one of moves, and the table of what is allowed.

    idle ──START──► live ──SILENCE──► stalled ──END──► ended ──START──► live …
                     │  ◄──RESUME──      │
                     └───────END─────────┴──► ended

START comes with the first unit of a publication, so "live" means that media is flowing.
"""

from __future__ import annotations

from enum import StrEnum

from streamd.errors import IllegalMove


class StreamState(StrEnum):
    """What everybody may know about a stream."""

    IDLE = "idle"
    LIVE = "live"
    STALLED = "stalled"
    ENDED = "ended"


class Move(StrEnum):
    """What can happen to a stream; the value completes "the stream cannot …"."""

    START = "start"
    SILENCE = "fall silent"
    RESUME = "resume"
    END = "end"


TABLE: dict[tuple[StreamState, Move], StreamState] = {
    (StreamState.IDLE, Move.START): StreamState.LIVE,
    (StreamState.LIVE, Move.SILENCE): StreamState.STALLED,
    (StreamState.LIVE, Move.END): StreamState.ENDED,
    (StreamState.STALLED, Move.RESUME): StreamState.LIVE,
    (StreamState.STALLED, Move.END): StreamState.ENDED,
    (StreamState.ENDED, Move.START): StreamState.LIVE,
}

MOVE_OF_A_START: dict[StreamState, Move | None] = {
    StreamState.IDLE: Move.START,
    StreamState.LIVE: None,
    StreamState.STALLED: Move.RESUME,
    StreamState.ENDED: Move.START,
}
"""The move that the first unit of a generation makes."""


def after(stream: str, state: StreamState, move: Move) -> StreamState:
    """The state that follows ``move``. Raises IllegalMove where the table has no such row."""
    try:
        return TABLE[state, move]
    except KeyError:
        raise IllegalMove(stream, state.value, move.value) from None
