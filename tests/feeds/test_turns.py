"""What comes in one turn of the loop: its order, its end, and one item that fails."""

from __future__ import annotations

import asyncio

from streamd.feeds.turns import Turn


async def test_handles_everything_in_order_before_the_loop_waits_again() -> None:
    handled: list[int] = []
    turn: Turn[int] = Turn(handled.append)
    for number in range(5):
        turn.add(number)
    assert handled == []
    await asyncio.sleep(0)
    assert handled == [0, 1, 2, 3, 4]
    turn.add(5)
    await asyncio.sleep(0)
    assert handled == [0, 1, 2, 3, 4, 5]


async def test_what_comes_while_it_handles_is_for_the_next_turn() -> None:
    handled: list[int] = []

    def handle(number: int) -> None:
        handled.append(number)
        if number < 2:
            turn.add(number + 1)

    turn: Turn[int] = Turn(handle)
    turn.add(0)
    await asyncio.sleep(0)
    assert handled == [0]
    await asyncio.sleep(0)
    assert handled == [0, 1]
    await asyncio.sleep(0)
    assert handled == [0, 1, 2]


async def test_one_that_fails_touches_no_other() -> None:
    handled: list[int] = []

    def handle(number: int) -> None:
        if number == 1:
            raise ValueError(number)
        handled.append(number)

    turn: Turn[int] = Turn(handle)
    for number in range(3):
        turn.add(number)
    await asyncio.sleep(0)
    assert handled == [0, 2]
