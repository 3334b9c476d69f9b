"""The broadcast delay: in order, on time, bounded; the studio's side is ahead of it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from streamd import config
from streamd.media.units import Unit
from streamd.relay import delay as delay_module
from streamd.relay.delay import OVERHEAD_BYTES, Begin, Delay, DelayQueue, Event
from streamd.relay.lifecycle import Move
from streamd.relay.notices import NoticeCode
from streamd.relay.stream import Stream
from tests.relay.recording import Recording, until
from tests.relay.units import OTHER_VIDEO, VIDEO, picture, sound

BEGIN = Begin({"v": VIDEO}, 1.0, Move.START)


def drained(queue: DelayQueue, now: float) -> list[Event]:
    events = []
    while (event := queue.pop(now)) is not None:
        events.append(event)
    return events


def test_everything_comes_out_in_order_when_its_time_is_over() -> None:
    queue = DelayQueue(5.0, 10_000)
    events: list[Event] = [BEGIN, picture(0, key=True), picture(1), Move.SILENCE, Move.END]
    for number, event in enumerate(events):
        assert queue.put(event, 10.0 + number)
    assert queue.due == 15.0
    assert queue.pop(14.9) is None
    assert drained(queue, 16.5) == events[:2]
    assert drained(queue, 99.0) == events[2:]
    assert (queue.waiting_bytes, queue.dropped, len(queue)) == (0, 0, 0)


def test_a_full_delay_drops_the_newest_up_to_a_keyframe_and_nothing_else() -> None:
    queue = DelayQueue(5.0, OVERHEAD_BYTES + 3 * (1_004 + OVERHEAD_BYTES))
    queue.put(BEGIN, 0.0)
    kept = [queue.put(picture(number, key=number == 0, size=1_000), 0.0) for number in range(4)]
    assert kept == [True, True, True, False]
    assert queue.put(Move.SILENCE, 1.0), "moves are never dropped"
    drained(queue, 6.0)
    assert not queue.put(picture(5), 6.0), "no decoder could use it"
    assert queue.put(sound(1), 6.0)
    assert queue.put(picture(6, key=True), 6.0)
    assert queue.put(picture(7), 6.0)
    assert queue.dropped == 2


def test_a_configuration_that_was_dropped_comes_with_the_next_keyframe() -> None:
    queue = DelayQueue(5.0, 2_000)
    queue.put(BEGIN, 0.0)
    assert not queue.put(picture(0, key=True, size=3_000, track=OTHER_VIDEO), 0.0)
    assert queue.put(picture(1, key=True), 0.0)
    assert drained(queue, 9.0)[-1] == picture(1, key=True, track=OTHER_VIDEO)
    assert queue.put(picture(2, key=True), 9.0)
    assert drained(queue, 99.0) == [picture(2, key=True)]


def test_empty_units_are_bounded_too() -> None:
    queue = DelayQueue(60.0, 1_000_000)
    empty = replace(sound(0), payload=b"")
    taken = sum(queue.put(empty, 0.0) for _ in range(10_000))
    assert taken == 1_000_000 // OVERHEAD_BYTES


def test_starts_are_bounded_too() -> None:
    queue = DelayQueue(60.0, 10 * OVERHEAD_BYTES)
    again = replace(BEGIN, move=None)
    for event in (BEGIN, *([again] * 10_000)):
        queue.put(event, 0.0)
        queue.put(picture(0, key=True, size=10 * OVERHEAD_BYTES), 0.0)
    assert (len(queue), queue.waiting_bytes) == (1, OVERHEAD_BYTES)
    assert drained(queue, 99.0) == [BEGIN], "what the stream does by the first stays"
    for number in range(100):
        queue.put(again, 0.0)
        queue.put(picture(number, key=True), 0.0)
    assert len(queue) <= 10
    drained(queue, 99.0)
    assert queue.waiting_bytes == 0


def test_the_default_bound_holds_a_minute_of_eight_megabits() -> None:
    queue = DelayQueue(60.0, config.Relay().delay_bytes)
    frame, chunk = bytes(8_000_000 // 8 // 30), bytes(192_000 // 8 // 47)
    for second in range(60):
        for number in range(30):
            assert queue.put(Unit("v", second * 30 + number, 0, True, frame), second)
        for number in range(47):
            assert queue.put(Unit("a", second * 47 + number, 0, True, chunk), second)
    assert queue.dropped == 0


async def test_the_timer_releases_evenly_and_survives_a_fault() -> None:
    released: list[tuple[float, Event]] = []
    faults: list[str] = []

    def release(event: Event) -> None:
        released.append((time.monotonic(), event))
        if event is Move.SILENCE:
            raise RuntimeError("the packager broke")

    delay = Delay(
        DelayQueue(0.3, 100_000), release, time.monotonic, on_fault=lambda: faults.append("told")
    )
    started = time.monotonic()
    put: list[float] = []
    events: list[Event] = [picture(0, key=True), Move.SILENCE, picture(1)]
    for event in events:
        put.append(time.monotonic())
        delay.put(event)
        await until(lambda: time.monotonic() - put[-1] >= 0.1)
    await until(lambda: len(released) == 3)
    assert [event for _, event in released] == events
    assert faults == ["told"]
    for before, (after, _) in zip(put, released, strict=True):
        assert after - before >= 0.3 - delay_module.TOGETHER_SECONDS
    assert time.monotonic() - started < 20
    delay.put(picture(2))
    delay.clear()
    assert len(delay.queue) == 0


class Delayed:
    """A stream with a delay of 20 s on a clock of the test's own."""

    def __init__(self, **settings: Any) -> None:
        self.now = 1_000.0
        self.changes: list[tuple[float, str, int]] = []
        self.stream = Stream(
            "a",
            config.Relay(**settings),
            lambda one: self.changes.append((self.now, one.state.value, one.gen)),
            lambda: self.now,
            delay_seconds=20.0,
        )

    def wait(self, seconds: float) -> None:
        """Time passes, in steps of the watch's second."""
        for _ in range(int(seconds)):
            self.now += 1.0
            delay = self.stream._delay
            assert delay is not None
            delay.release_due()
            self.stream.check_silence()


async def test_viewers_see_a_broadcast_and_its_breaks_later_and_the_studio_at_once() -> None:
    one = Delayed()
    recording = Recording(one.stream)
    publisher = one.stream.publish("whip")
    publisher.announce([VIDEO], origin=500.0)
    publisher.write(picture(0, key=True))
    publisher.write(picture(1))
    health = one.stream.health()
    assert (health.state.value, health.fps > 0, health.delay_seconds) == ("live", True, 20.0)
    assert (one.stream.state.value, one.stream.gen, one.stream.started_at) == ("idle", 0, None)
    one.wait(4)
    publisher.lose()
    one.wait(16)
    assert one.changes == [(1_020.0, "live", 1)]
    assert one.stream.started_at == 500.0, "PROGRAM-DATE-TIME stays capture time"
    assert len(recording.parts[1]) == 2
    assert one.stream.health().state.value == "stalled"
    again = one.stream.publish("whip")
    again.announce([VIDEO])
    again.write(picture(0, key=True))
    again.close()
    assert one.stream.health().state.value == "ended"
    one.wait(20)
    assert one.changes[1:] == [
        (1_024.0, "stalled", 1),
        (1_040.0, "live", 2),
        (1_040.0, "ended", 2),
    ]
    assert set(recording.parts) == {1, 2}


async def test_a_delay_that_is_full_is_told_to_the_broadcaster() -> None:
    one = Delayed(delay_bytes=2_000 + OVERHEAD_BYTES)
    publisher = one.stream.publish("rtmp")
    publisher.announce([VIDEO])
    for number in range(8):
        publisher.write(picture(number, key=number == 0, size=400))
    assert NoticeCode.DELAY_FULL in {notice.code for notice in one.stream.notices}
    assert one.stream.health().dropped == 5
    one.stream.close()


async def test_shutdown_shows_nothing_of_what_waits() -> None:
    one = Delayed()
    recording = Recording(one.stream)
    publisher = one.stream.publish("rtmp")
    publisher.announce([VIDEO])
    publisher.write(picture(0, key=True))
    one.stream.close()
    assert (one.changes, recording.parts, publisher.closed) == ([], {}, True)


async def test_without_a_delay_there_is_none() -> None:
    stream = Stream("a", config.Relay())
    assert stream._delay is None
    stream.close()


async def test_real_time() -> None:
    stream = Stream("a", config.Relay(), delay_seconds=0.4)
    recording = Recording(stream)
    publisher = stream.publish("file")
    publisher.announce([VIDEO])
    began = time.monotonic()
    publisher.write(picture(0, key=True))
    publisher.close()
    await until(lambda: stream.state.value == "live" or bool(recording.parts.get(1)))
    assert time.monotonic() - began >= 0.4 - delay_module.TOGETHER_SECONDS
    await until(lambda: stream.state.value == "ended")
    stream.close()
