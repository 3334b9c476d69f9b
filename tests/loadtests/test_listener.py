from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from loadtests import native
from loadtests.fanout import CONNECT, listeners, settled
from loadtests.screens import read_screens
from tests.feeds.harness import Running, running
from tests.loadtests.marks import needs_compiler

POLL = json.dumps({"id": 2, "subscribe": {"channel": "poll:1"}}).encode()


@needs_compiler
@pytest.mark.parametrize(
    ("count", "samples", "sampled"),
    [(10, 3, [3, 6, 9]), (10, 1, [9]), (7, 7, list(range(7))), (4, 9, [0, 1, 2, 3])],
)
async def test_samples_are_spread_up_to_the_last_one_and_keep_what_they_saw(
    tmp_path: Path, count: int, samples: int, sampled: list[int]
) -> None:
    program = await asyncio.to_thread(native.build, "listener", tmp_path)
    log = tmp_path / "screens"
    async with running() as gateway:

        def listen() -> int:
            with listeners(
                program, gateway.gateway.port, count, [CONNECT, POLL], samples=samples, log=log
            ) as worker:
                asyncio.run_coroutine_threadsafe(_publish(gateway, count), loop).result()
                return settled(worker)

        loop = asyncio.get_running_loop()
        # The connect and subscribe replies, then three publications.
        assert await asyncio.to_thread(listen) == count * 5
    screens = read_screens(log.read_text().splitlines())
    assert sorted(screens) == sampled
    assert all(screen.positions["1"] == [1, 2, 3] for screen in screens.values())


async def _publish(gateway: Running, count: int) -> None:
    await gateway.until("poll:1", count)
    for seq in (1, 2, 3):
        gateway.hub.publish("poll:1", {"poll": "1", "seq": seq})
