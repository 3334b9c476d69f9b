from __future__ import annotations

import itertools

from streamd.webrtc.keyframes import KeyframeBeat


def asked(beat: KeyframeBeat, lost: bool, start: float = 0.0, seconds: float = 10.0) -> list[float]:
    times = [start + tick / 20 for tick in range(round(seconds * 20))]
    return [at for at in times if beat.due(at, lost=lost)]


def test_requests_go_out_on_the_beat() -> None:
    beat = KeyframeBeat(2.0)
    assert asked(beat, lost=False) == [2.0, 4.0, 6.0, 8.0]
    assert beat.requests == 4


def test_the_first_keyframe_is_given_a_moment_and_then_asked_for_once_a_second() -> None:
    assert asked(KeyframeBeat(2.0), lost=True, seconds=3) == [0.25, 1.25, 2.25]


def test_a_loss_is_answered_at_once_when_nothing_was_asked_lately() -> None:
    beat = KeyframeBeat(2.0)
    assert not beat.due(0.0, lost=False)
    assert beat.due(1.5, lost=True)
    assert not beat.due(2.4, lost=True)
    assert not beat.due(3.4, lost=False)
    assert beat.due(3.5, lost=False)


def test_a_publisher_with_its_own_rhythm_is_left_alone() -> None:
    beat = KeyframeBeat(2.0)
    beat.due(0.0, lost=False)
    for tick in range(100):
        now = 0.1 + tick / 10
        if tick % 8 == 0:
            beat.came(now)
        assert not beat.due(now, lost=False)
    assert asked(beat, lost=False, start=12.0, seconds=3) == [12.0, 14.0]


def test_no_rhythm_and_no_loss_asks_more_than_once_a_second() -> None:
    for lost in (False, True):
        times = asked(KeyframeBeat(0.1), lost=lost)
        assert all(b - a >= 1.0 for a, b in itertools.pairwise(times))
        assert len(times) >= 9
