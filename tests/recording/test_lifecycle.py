"""A recording's states: what the table allows, and that nothing else is."""

from __future__ import annotations

import pytest

from streamd.recording.errors import IllegalRecordingMove
from streamd.recording.lifecycle import TABLE, Move, RecordingState, after


@pytest.mark.parametrize("state", RecordingState)
@pytest.mark.parametrize("move", Move)
def test_only_what_the_table_has_is_allowed(state: RecordingState, move: Move) -> None:
    if (state, move) in TABLE:
        assert after("r", state, move) is TABLE[state, move]
    else:
        with pytest.raises(IllegalRecordingMove, match=f"is {state.value} and cannot"):
            after("r", state, move)


def test_what_is_being_recorded_cannot_be_deleted_and_what_is_deleted_stays_so() -> None:
    with pytest.raises(IllegalRecordingMove):
        after("r", RecordingState.RECORDING, Move.DELETE)
    assert not any(state is RecordingState.DELETING for state, _ in TABLE)
