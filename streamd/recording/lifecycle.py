"""A recording's life: one enum of states, one of moves, and the table of what is allowed.

    recording ──FINISH──► finished ──DELETE──► deleting
        │                     ▲                   ▲
      BREAK                 FINISH                │
        └────► incomplete ────┴─────DELETE────────┘

A process that ends in the middle leaves a recording without an end: whoever finds it at the next
start takes it as incomplete and finishes it from its journal. What is being recorded cannot be
deleted: its broadcast has to end first.
"""

from __future__ import annotations

from enum import StrEnum

from streamd.recording.errors import IllegalRecordingMove


class RecordingState(StrEnum):
    """What everybody may know about a recording."""

    RECORDING = "recording"
    INCOMPLETE = "incomplete"
    FINISHED = "finished"
    DELETING = "deleting"


class Move(StrEnum):
    """What can happen to a recording; the value completes "the recording cannot …"."""

    BREAK = "break off"
    FINISH = "be finished"
    DELETE = "be deleted"


TABLE: dict[tuple[RecordingState, Move], RecordingState] = {
    (RecordingState.RECORDING, Move.FINISH): RecordingState.FINISHED,
    (RecordingState.RECORDING, Move.BREAK): RecordingState.INCOMPLETE,
    (RecordingState.INCOMPLETE, Move.FINISH): RecordingState.FINISHED,
    (RecordingState.INCOMPLETE, Move.DELETE): RecordingState.DELETING,
    (RecordingState.FINISHED, Move.DELETE): RecordingState.DELETING,
}


def after(recording: str, state: RecordingState, move: Move) -> RecordingState:
    """The state that follows ``move``. Raises IllegalRecordingMove."""
    try:
        return TABLE[state, move]
    except KeyError:
        raise IllegalRecordingMove(recording, state.value, move.value) from None
