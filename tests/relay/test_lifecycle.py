from __future__ import annotations

import pytest

from streamd.errors import IllegalMove
from streamd.relay.lifecycle import TABLE, Move, StreamState, after


def test_the_life_of_a_stream() -> None:
    state = StreamState.IDLE
    life = [Move.START, Move.SILENCE, Move.RESUME, Move.END, Move.START, Move.SILENCE, Move.END]
    seen = []
    for move in life:
        state = after("a", state, move)
        seen.append(state.value)
    assert seen == ["live", "stalled", "live", "ended", "live", "stalled", "ended"]


@pytest.mark.parametrize("state", StreamState)
@pytest.mark.parametrize("move", Move)
def test_every_other_move_is_refused(state: StreamState, move: Move) -> None:
    if (state, move) in TABLE:
        assert after("a", state, move) is TABLE[state, move]
        return
    with pytest.raises(IllegalMove) as refused:
        after("a", state, move)
    assert (refused.value.state, refused.value.move) == (state.value, move.value)


def test_every_state_can_be_left_and_all_but_the_first_reached() -> None:
    assert {state for state, _ in TABLE} == set(StreamState)
    assert set(TABLE.values()) == set(StreamState) - {StreamState.IDLE}
