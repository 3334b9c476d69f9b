"""What a stream's viewers can be sent again."""

from __future__ import annotations

from streamd.webrtc.history import History
from streamd.webrtc.rtp_packets import Packets


def unit(number: int, at: float, *, key: bool = False, count: int = 2, size: int = 100) -> Packets:
    return Packets(
        "v",
        tuple(bytes((place,)) * size for place in range(count)),
        number=number,
        timestamp=number,
        arrival=at,
        key=key,
    )


def filled(history: History, keys: tuple[int, ...], pictures: int) -> list[Packets]:
    """Ten pictures a second, two packets each."""
    made = [unit(2 * at, at / 10, key=at in keys) for at in range(pictures)]
    for one in made:
        history.add(one)
    return made


def test_a_packet_is_found_by_its_number() -> None:
    history = History()
    made = filled(history, (0,), 5)
    assert history.find(7) == (made[3], 1)
    assert history.find(10) is None
    assert history.find(-1) is None


def test_numbers_without_packets_are_not_found() -> None:
    history = History()
    history.add(unit(0, 0.0, count=1))
    history.add(unit(5, 0.1, count=1))
    assert history.find(3) is None


def test_all_since_the_last_keyframe_is_kept_however_old() -> None:
    history = History(seconds=1.0)
    made = filled(history, (0, 20), 50)
    assert history.since_key() == made[20:]
    assert history.find(2 * 19) is None


def test_before_the_keyframe_a_while_is_kept() -> None:
    history = History(seconds=1.0)
    filled(history, (0, 20), 25)
    assert history.find(2 * 15) is not None
    assert history.find(2 * 10) is None


def test_too_many_bytes_let_the_oldest_go_and_the_replay_with_them() -> None:
    history = History(limit=2_000)
    filled(history, (0,), 15)
    assert history.size <= 2_000
    assert len(history) == 10
    assert history.since_key() == []
    history.add(unit(40, 2.0, key=True))
    assert [one.number for one in history.since_key()] == [40]


def test_a_picture_larger_than_the_bound_is_kept_alone() -> None:
    history = History(limit=1_000)
    history.add(unit(0, 0.0, key=True, count=30))
    assert len(history) == 1
    history.add(unit(30, 0.1))
    assert len(history) == 1
    assert history.since_key() == []


def test_forgotten_is_forgotten() -> None:
    history = History()
    filled(history, (0,), 5)
    history.clear()
    assert (len(history), history.size, history.since_key()) == (0, 0, [])
