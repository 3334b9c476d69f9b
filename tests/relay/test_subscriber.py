from __future__ import annotations

import asyncio

import pytest

from streamd.media.units import Unit
from streamd.relay.subscriber import Subscriber
from tests.relay.units import AAC, OTHER_VIDEO, VIDEO, picture, sound


def reader(limit: int = 4, *, from_start: bool = True, video: bool = True) -> Subscriber:
    subscriber = Subscriber("test", limit)
    subscriber.follow({"v": VIDEO, "a": AAC} if video else {"a": AAC}, from_start=from_start)
    return subscriber


def drained(subscriber: Subscriber) -> list[Unit]:
    units = []
    while (unit := subscriber.pop()) is not None:
        units.append(unit)
    return units


def test_units_come_in_order_and_the_first_of_each_kind_names_its_track() -> None:
    subscriber = reader()
    for unit in (picture(0, key=True), sound(0), picture(1), sound(1)):
        subscriber.push(unit)
    units = drained(subscriber)
    assert [(unit.kind, unit.dts) for unit in units] == [
        ("v", 0),
        ("a", 0),
        ("v", 3600),
        ("a", 1024),
    ]
    assert [unit.track for unit in units] == [VIDEO, AAC, None, None]


def test_a_full_queue_is_dropped_and_reading_goes_on_at_the_next_keyframe() -> None:
    subscriber = reader(limit=4)
    subscriber.push(picture(0, key=True))
    for number in range(1, 10):
        subscriber.push(picture(number))
    assert subscriber.skipping
    assert len(subscriber) == 0
    assert subscriber.dropped == 10
    subscriber.push(sound(20))
    assert subscriber.dropped == 11
    subscriber.push(picture(10, key=True))
    subscriber.push(sound(21))
    units = drained(subscriber)
    assert [unit.kind for unit in units] == ["v", "a"]
    assert units[0].key
    assert units[0].track == VIDEO
    assert subscriber.dropped == 11


def test_an_audio_stream_goes_on_at_once() -> None:
    subscriber = reader(limit=2, video=False)
    for number in range(3):
        subscriber.push(sound(number))
    assert [unit.dts for unit in drained(subscriber)] == [2 * 1024]
    assert subscriber.dropped == 2


def test_waiting_for_the_first_keyframe_is_not_a_drop() -> None:
    subscriber = reader(from_start=False)
    subscriber.push(picture(1))
    subscriber.push(sound(1))
    subscriber.push(picture(2, key=True))
    assert [unit.dts for unit in drained(subscriber)] == [7_200]
    assert subscriber.dropped == 0


def test_a_configuration_lost_in_a_drop_comes_with_the_next_keyframe() -> None:
    subscriber = reader(limit=2)
    subscriber.push(picture(0, key=True))
    drained(subscriber)
    subscriber.push(picture(1))
    subscriber.push(picture(2, key=True, track=OTHER_VIDEO))
    subscriber.push(picture(3))
    subscriber.push(picture(4, key=True))
    (unit,) = drained(subscriber)
    assert (unit.dts, unit.track) == (4 * 3_600, OTHER_VIDEO)


def test_a_new_publication_names_its_tracks_again() -> None:
    subscriber = reader()
    subscriber.push(picture(0, key=True))
    subscriber.follow({"v": VIDEO}, from_start=True)
    subscriber.push(picture(0, key=True))
    assert [unit.track for unit in drained(subscriber)] == [VIDEO, VIDEO]


async def test_iteration_waits_and_ends_after_what_is_queued() -> None:
    subscriber = reader()
    got: list[int] = []

    async def read() -> None:
        async for unit in subscriber:
            got.append(unit.dts)  # noqa: PERF401 (each one as it comes)

    async with asyncio.timeout(5):
        task = asyncio.create_task(read())
        await asyncio.sleep(0)
        subscriber.push(picture(0, key=True))
        await asyncio.sleep(0.01)
        assert got == [0]
        subscriber.push(picture(1))
        subscriber.close()
        subscriber.push(picture(2))
        await task
    assert got == [0, 3_600]


async def test_a_cancelled_wait_loses_nothing() -> None:
    subscriber = reader()
    waiting = asyncio.create_task(subscriber.wait())
    await asyncio.sleep(0)
    subscriber.push(picture(0, key=True))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await anext(subscriber) == drained_first()


def drained_first() -> Unit:
    subscriber = reader()
    subscriber.push(picture(0, key=True))
    return drained(subscriber)[0]


def test_closing_twice_tells_once() -> None:
    told: list[Subscriber] = []
    subscriber = Subscriber("test", 4, told.append)
    subscriber.close()
    subscriber.close()
    assert told == [subscriber]
