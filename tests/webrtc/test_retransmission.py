from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from streamd.webrtc.retransmission import LISTED, RETRY_SECONDS, TRIES, Requests


def test_a_missing_packet_is_asked_for_at_once_and_then_again_a_few_times() -> None:
    requests = Requests()
    asked = [at for at in range(100) if requests.due([7], at * 0.01)]
    assert asked[0] == 0
    assert len(asked) == TRIES == requests.sent
    assert all(b - a >= RETRY_SECONDS * 100 for a, b in itertools.pairwise(asked))


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
        assert len(requests._asked) == len(missing)
