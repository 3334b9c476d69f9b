from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamd.webrtc.retransmission import LISTED, Requests


def test_a_missing_packet_is_asked_for_at_once_and_then_until_it_is_given_up() -> None:
    requests = Requests()
    asked = [at for at in range(100) if requests.due([7] if at < 60 else [], at * 0.01)]
    assert asked[0] == 0
    assert asked[-1] > 50
    assert len(asked) == requests.sent
    assert all(8 <= b - a <= 9 for a, b in itertools.pairwise(asked))


@pytest.mark.parametrize(("trip", "pause"), [(0.002, 0.03), (0.06, 0.07), (0.5, 0.15)])
def test_the_pause_between_requests_follows_the_round_trip(trip: float, pause: float) -> None:
    requests = Requests()
    asked = [at for at in range(1_000) if requests.due([7], at / 1_000, trip)]
    assert all(b - a == pytest.approx(pause * 1_000, abs=1.1) for a, b in itertools.pairwise(asked))


def test_what_came_is_forgotten() -> None:
    requests = Requests()
    assert requests.due([1, 2], 0.0) == [1, 2]
    assert requests.due([2], 0.01) == []
    assert requests.due([1, 2], 0.02) == [1]


@given(st.lists(st.lists(st.integers(0, 65_535), unique=True, max_size=300), max_size=20))
def test_lists_are_bounded(rounds: list[list[int]]) -> None:
    requests = Requests()
    for index, missing in enumerate(rounds):
        due = requests.due(missing, index * 0.1)
        assert len(due) <= LISTED
        assert set(due) <= set(missing)
        assert set(requests._asked) <= set(missing)
