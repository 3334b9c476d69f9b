from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamd.feeds.outbox import LATE_TICKS, Outbox, ReplyOverflow

FRAME = 3_000
"""Ticks of one video frame at 30 fps."""


@dataclass(frozen=True)
class Fake:
    """A part of ``size`` bytes whose frame says its number; see outbox.MediaFrame."""

    n: int
    key: bool = False
    configures: bool = False
    size: int = 10
    patience: int = LATE_TICKS

    @property
    def t(self) -> int:
        return self.n * FRAME

    @property
    def frame(self) -> bytes:
        return b"%d" % self.n

    def resumed(self, skipped: int, missed: bool) -> bytes:
        told = b" after %d" % skipped if skipped else b""
        return self.frame + (b"+init" if missed else b"") + told


def box(reply_bytes: int = 1_000, part_bytes: int = 10_000) -> Outbox:
    return Outbox(reply_bytes, part_bytes)


def emptied(outbox: Outbox) -> list[bytes]:
    pieces = []
    while (piece := outbox.take()) is not None:
        pieces.append(piece)
    return pieces


def test_replies_first_then_newest_publications_then_parts() -> None:
    outbox = box()
    outbox.part("media:a", Fake(0, key=True))
    assert not outbox.publish("poll:1", b"old")
    assert not outbox.publish("poll:2", b"two")
    assert outbox.publish("poll:1", b"new")
    outbox.reply(b"head", b"tail")
    outbox.reply(b"next")
    assert emptied(outbox) == [b"head", b"tail", b"next", b"two", b"new", b"0"]
    assert outbox.conflated == 1
    assert outbox.quiet


def test_unread_replies_are_bounded_and_reading_makes_room() -> None:
    outbox = box(reply_bytes=10)
    outbox.reply(b"12345")
    outbox.reply(b"12345")
    with pytest.raises(ReplyOverflow):
        outbox.reply(b"1")
    assert outbox.take() == b"12345"
    outbox.reply(b"123", b"45")
    assert emptied(outbox) == [b"12345", b"123", b"45"]


def test_a_joiners_replay_is_outside_the_bound_but_only_one_at_a_time() -> None:
    outbox = box(reply_bytes=10)
    outbox.reply(b"h", bytes(1_000), bounded=False)
    outbox.reply(b"12345")
    with pytest.raises(ReplyOverflow):
        outbox.reply(bytes(1_000), bounded=False)
    outbox.take()
    outbox.take()
    outbox.reply(bytes(1_000), bounded=False)


def test_the_rest_of_a_frame_makes_room_as_any_piece_does() -> None:
    """A pong goes amid a frame: what was still to come of it is taken at once."""
    outbox = box(reply_bytes=10)
    outbox.reply(b"h", bytes(1_000), bounded=False)
    outbox.take()
    assert outbox.rest_of_frame() == bytes(1_000)
    outbox.reply(b"h", bytes(1_000), bounded=False)
    emptied(outbox)
    outbox.reply(b"12345", b"12345")
    outbox.take()
    assert outbox.rest_of_frame() == b"12345"
    outbox.reply(b"1234512345")


def test_a_slow_reader_goes_on_from_the_next_keyframe() -> None:
    outbox = box()
    late = LATE_TICKS // FRAME + 2
    for n in range(late):
        assert outbox.part("media:a", Fake(n, key=n == 0)) == 0
    assert outbox.part("media:a", Fake(late, key=True)) == late
    assert outbox.skipped == late
    assert emptied(outbox) == [b"%d after %d" % (late, late)]


def test_a_hiccup_shorter_than_the_bound_loses_nothing() -> None:
    outbox = box()
    for n in range(LATE_TICKS // FRAME):
        outbox.part("media:a", Fake(n, key=n % 5 == 0))
    assert len(emptied(outbox)) == LATE_TICKS // FRAME
    assert outbox.skipped == 0


def test_past_the_byte_bound_everything_goes_until_the_next_keyframe() -> None:
    outbox = box(part_bytes=35)
    dropped = [outbox.part("media:a", Fake(n, key=n == 0)) for n in range(6)]
    assert dropped == [0, 0, 0, 4, 1, 1]
    assert emptied(outbox) == []
    assert not outbox.quiet
    outbox.part("media:a", Fake(6, key=True))
    outbox.part("media:a", Fake(7))
    assert emptied(outbox) == [b"6 after 6", b"7"]
    assert outbox.quiet
    assert outbox.skipped == 6


def test_a_part_larger_than_the_bound_still_goes_alone() -> None:
    outbox = box(part_bytes=35)
    assert outbox.part("media:a", Fake(0, key=True, size=1_000)) == 0
    assert emptied(outbox) == [b"0"]


@pytest.mark.parametrize("changed_at", [1, 4, 6])
def test_an_init_missed_on_the_way_comes_with_the_keyframe(changed_at: int) -> None:
    """Whether it was dropped from the queue, with the overflow, or while skipping."""
    outbox = box(part_bytes=35)
    for n in range(8):
        outbox.part("media:a", Fake(n, key=n == 0, configures=n == changed_at))
    outbox.part("media:a", Fake(8, key=True))
    outbox.part("media:a", Fake(9))
    assert emptied(outbox) == [b"8+init after 8", b"9"]


def test_a_joiner_without_a_replay_waits_for_a_keyframe() -> None:
    """It is not told that it was slow: it was not."""
    outbox = box()
    outbox.await_key("media:a")
    assert outbox.part("media:a", Fake(1)) == 0
    assert outbox.part("media:a", Fake(2, key=True)) == 0
    assert emptied(outbox) == [b"2"]
    assert outbox.quiet


def test_who_skips_twice_before_reading_is_told_of_all_of_it() -> None:
    outbox = box(part_bytes=35)
    for n in range(5):
        outbox.part("media:a", Fake(n, key=n == 0))
    outbox.part("media:a", Fake(5, key=True))
    for n in range(6, 9):
        outbox.part("media:a", Fake(n))
    outbox.part("media:a", Fake(9, key=True))
    assert emptied(outbox) == [b"9 after 9"]


def test_patient_parts_wait_longer() -> None:
    outbox = box()
    late = LATE_TICKS // FRAME + 2
    for n in range(late):
        outbox.part("media:a", Fake(n, key=True, patience=2 * LATE_TICKS))
    assert len(emptied(outbox)) == late


def test_streams_take_turns_and_one_that_skips_does_not_hold_the_other() -> None:
    outbox = box(part_bytes=25)
    for n in range(4):
        outbox.part("media:a", Fake(n, key=n == 0))
    outbox.part("media:b", Fake(10, key=True))
    outbox.part("media:c", Fake(20, key=True))
    outbox.part("media:b", Fake(11))
    assert emptied(outbox) == [b"10", b"20", b"11"]


def test_an_ended_subscription_leaves_nothing_behind() -> None:
    outbox = box()
    outbox.publish("poll:1", b"x")
    outbox.part("media:a", Fake(0, key=True))
    outbox.await_key("media:b")
    for channel in ("poll:1", "media:a", "media:b", "never there"):
        outbox.forget(channel)
    assert emptied(outbox) == []
    assert outbox.quiet


@given(
    st.lists(
        st.tuples(st.booleans(), st.booleans(), st.integers(1, 40), st.integers(0, 3)),
        max_size=80,
    )
)
def test_what_is_read_is_always_decodable_and_bounded(
    steps: list[tuple[bool, bool, int, int]],
) -> None:
    """After a jump in ``n`` comes a keyframe, with the init if one was missed; nothing reorders."""
    outbox = box(part_bytes=100)
    read: list[bytes] = []
    changes = set()
    for n, (key, configures, size, reads) in enumerate(steps):
        key = key or n == 0
        configures = configures and key
        if configures:
            changes.add(n)
        outbox.part("media:a", Fake(n, key, configures, size))
        read += filter(None, [outbox.take() for _ in range(reads)])
    waiting = emptied(outbox)
    assert len(waiting) <= 101
    last = -1
    for piece in read + waiting:
        told, _, skipped = piece.partition(b" after ")
        n = int(told.removesuffix(b"+init"))
        assert n > last
        assert int(skipped or 0) == n - last - 1
        if n != last + 1:
            assert steps[n][0] or n == 0
            missed = changes & set(range(last + 1, n))
            assert told.endswith(b"+init") == bool(missed)
        last = n
