"""The shutdown's budget: a step that hangs or fails does not keep the others from ending."""

from __future__ import annotations

import asyncio

from streamd.shutdown import Shutdown, last_resort


async def test_steps_run_in_order_and_one_that_hangs_is_left() -> None:
    ended: list[str] = []

    async def good(name: str) -> None:
        ended.append(name)

    async def deaf() -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            ended.append("cancelled")
            await asyncio.sleep(0.2)

    async def broken() -> None:
        raise RuntimeError("no")

    shutdown = Shutdown(budget_seconds=0.3)
    await shutdown.step("first", good("first"))
    await shutdown.step("broken", broken())
    await shutdown.step("deaf", deaf())
    await shutdown.step("last", good("last"))
    assert ended == ["first", "cancelled", "last"]
    assert shutdown.left > 0
    await asyncio.sleep(0.4)


def test_the_last_resort_can_be_called_off() -> None:
    timer = last_resort(30)
    assert timer.daemon
    timer.cancel()
    timer.join(5)
    assert not timer.is_alive()
