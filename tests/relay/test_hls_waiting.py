from __future__ import annotations

import asyncio

import pytest

from streamd.relay.hls_waiting import Places, Waiting
from tests.relay.recording import until


async def test_all_who_wait_for_the_same_go_on_together() -> None:
    places = Places()
    waiting: Waiting[int] = Waiting(places)
    tasks = [asyncio.create_task(waiting.until(key, 30)) for key in (1, 1, 2)]
    await until(lambda: places.taken == 3)
    waiting.wake(lambda key: key == 1)
    assert await tasks[0]
    assert await tasks[1]
    assert places.taken == 1
    waiting.wake_all()
    assert await tasks[2]
    assert places.taken == 0


async def test_a_wait_ends_in_time_and_leaves_the_others() -> None:
    waiting: Waiting[int] = Waiting(Places())
    other = asyncio.create_task(waiting.until(1, 30))
    assert not await waiting.until(1, 0.02)
    assert not other.done()
    waiting.wake_all()
    assert await other


async def test_a_cancelled_wait_gives_its_place_back_and_leaves_the_others() -> None:
    places = Places()
    waiting: Waiting[int] = Waiting(places)
    gone, other = (asyncio.create_task(waiting.until(1, 30)) for _ in range(2))
    await until(lambda: places.taken == 2)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert places.taken == 1
    waiting.wake_all()
    assert await other


def test_places_are_bounded_and_refusals_counted() -> None:
    places = Places(most=1)
    assert not places.full
    places.taken = 1
    assert places.full
    assert places.full
    assert places.refused == 2
