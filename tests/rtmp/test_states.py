"""The session's table: what is allowed, and nothing else."""

from __future__ import annotations

import pytest

from streamd.rtmp.errors import OutOfOrder
from streamd.rtmp.states import TABLE, Move, SessionState, after


def test_every_other_move_is_out_of_order() -> None:
    for state in SessionState:
        for move in Move:
            if (state, move) in TABLE:
                assert after(state, move) is TABLE[state, move]
            else:
                with pytest.raises(OutOfOrder, match=f"{state.value} cannot {move.value}"):
                    after(state, move)


def test_every_state_is_reached_and_can_end() -> None:
    assert set(TABLE.values()) == set(SessionState) - {SessionState.GREETING}
    assert all(after(state, Move.END) is SessionState.ENDED for state in SessionState)
