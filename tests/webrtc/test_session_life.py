from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamd.webrtc.session_life import (
    CONNECT_SECONDS,
    FIRST_MEDIA_SECONDS,
    SILENCE_SECONDS,
    TABLE,
    VANISHED_SECONDS,
    IllegalSessionMove,
    Move,
    SessionLife,
    SessionState,
)


def test_every_state_can_end_and_none_leaves_the_end() -> None:
    for state in SessionState:
        assert ((state, Move.END) in TABLE) == (state is not SessionState.ENDED)
    assert SessionState.ENDED not in {state for state, _ in TABLE}
    assert {state for state, _ in TABLE} | set(TABLE.values()) == set(SessionState)


def test_a_move_outside_the_table_raises() -> None:
    life = SessionLife(0.0)
    with pytest.raises(IllegalSessionMove, match="connecting cannot silence"):
        life.move(Move.SILENCE, 1.0)


def test_an_ordinary_life() -> None:
    life = SessionLife(0.0)
    states = [life.state]
    life.connected(1.0)
    states.append(life.state)
    life.media(2.0)
    states.append(life.state)
    life.tick(2.0 + SILENCE_SECONDS, heard=2.0 + SILENCE_SECONDS)
    states.append(life.state)
    life.media(8.0)
    states.append(life.state)
    assert states == ["connecting", "waiting", "flowing", "silent", "flowing"]
    life.end("enough", 9.0)
    life.end("again", 10.0)
    assert (life.state, life.reason) == (SessionState.ENDED, "enough")


def test_nobody_waits_for_ever() -> None:
    life = SessionLife(0.0)
    life.tick(CONNECT_SECONDS - 0.1, heard=0.0)
    assert life.state is not SessionState.ENDED
    life.tick(CONNECT_SECONDS, heard=0.0)
    assert life.reason == "no connection came about"
    life = SessionLife(0.0)
    life.connected(1.0)
    life.tick(1.0 + FIRST_MEDIA_SECONDS, heard=1.0 + FIRST_MEDIA_SECONDS)
    assert life.reason == "no media came"
    life = SessionLife(0.0)
    life.media(1.0)
    life.tick(1.0 + VANISHED_SECONDS, heard=1.0)
    assert life.reason == "the peer vanished"


@given(
    st.lists(
        st.tuples(st.sampled_from(["connected", "media", "end", "tick"]), st.floats(0, 30)),
        max_size=40,
    )
)
def test_no_order_of_events_is_illegal(events: list[tuple[str, float]]) -> None:
    life, now = SessionLife(0.0), 0.0
    for event, passed in events:
        now += passed
        before = life.state
        if event == "end":
            life.end("x", now)
        elif event == "tick":
            life.tick(now, heard=now - passed)
        elif event == "connected":
            life.connected(now)
        else:
            life.media(now)
        if before is SessionState.ENDED:
            assert life.state is SessionState.ENDED
