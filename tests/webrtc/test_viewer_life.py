"""A WHEP session's table of moves."""

from __future__ import annotations

import pytest

from streamd.webrtc.viewer_life import (
    PATIENCE,
    TABLE,
    IllegalViewerMove,
    ViewerLife,
    ViewerMove,
    ViewerState,
)


@pytest.mark.parametrize("state", ViewerState)
@pytest.mark.parametrize("move", ViewerMove)
def test_every_move_is_in_the_table_or_raises(state: ViewerState, move: ViewerMove) -> None:
    life = ViewerLife(state)
    if (state, move) in TABLE:
        life.move(move)
        assert life.state is TABLE[state, move]
    else:
        with pytest.raises(IllegalViewerMove):
            life.move(move)


def test_the_first_reason_stays() -> None:
    life = ViewerLife(ViewerState.CONNECTING)
    life.end("one")
    life.end("two")
    assert (life.state, life.reason) == (ViewerState.ENDED, "one")


def test_what_waits_is_given_up_in_time() -> None:
    assert set(PATIENCE) == {ViewerState.OFFERED, ViewerState.CONNECTING}
    assert PATIENCE[ViewerState.OFFERED][0] == 30
