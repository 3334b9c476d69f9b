from __future__ import annotations

import asyncio

from streamd.relay.in_turn import InTurn


async def test_without_a_gap_everything_happens_at_once() -> None:
    turn, done = InTurn(), list[str]()
    turn.do(lambda: done.append("a"))
    assert done == ["a"]
    await turn.settled()


async def test_what_follows_a_gap_waits_for_it() -> None:
    turn, done = InTurn(), list[str]()
    first, second = turn.gap(), turn.gap()
    turn.do(lambda: done.append("after"))
    waiting = asyncio.create_task(turn.settled())
    second(lambda: done.append("second"))
    assert done == []
    first(lambda: done.append("first"))
    assert done == ["first", "second", "after"]
    await waiting


async def test_what_a_turn_brings_about_comes_after_it() -> None:
    turn, done = InTurn(), list[str]()

    def act() -> None:
        turn.do(lambda: done.append("brought about"))
        done.append("in the gap")

    turn.gap()(act)
    assert done == ["in the gap", "brought about"]


async def test_what_fails_in_its_turn_stops_nothing_after_it() -> None:
    turn, done = InTurn(), list[str]()
    fill = turn.gap()
    turn.do(lambda: done.append("after"))
    fill(lambda: done.remove("what is not there"))
    assert done == ["after"]
    await turn.settled()
