from __future__ import annotations

import asyncio
import itertools

from msgspec import structs

from polling.model import Tally
from polling.pushes import Pushes
from polling.rules import PollState
from tests.polling.conftest import until


def tally(seq: int, state: PollState = PollState.OPEN, poll: str = "p") -> Tally:
    return Tally(poll, state, seq, seq, {"1": seq})


async def test_the_first_goes_at_once_and_the_last_always_arrives() -> None:
    sent: list[Tally] = []
    pushes = Pushes(sent.append, lambda: 20)
    for seq in range(1, 50):
        pushes.offer(tally(seq))
    assert sent == [tally(1)]
    await until(lambda: len(sent) == 2)
    assert sent == [tally(1), tally(49)]
    assert pushes.conflated == 47


async def test_the_rate_is_held() -> None:
    times: list[float] = []
    clock = asyncio.get_running_loop().time
    pushes = Pushes(lambda _: times.append(clock()), lambda: 50)
    until = clock() + 0.5
    seq = 0
    while clock() < until:
        pushes.offer(tally(seq := seq + 1))
        await asyncio.sleep(0)
    pushes.close()
    gaps = [later - sooner for sooner, later in itertools.pairwise(times[:-1])]
    # A timer may fire a clock tick early.
    assert min(gaps) > 0.02 - 0.002
    assert len(times) > 5


async def test_the_rate_is_asked_each_time() -> None:
    sent: list[Tally] = []
    rates = [1_000_000.0]
    pushes = Pushes(sent.append, lambda: rates[0])
    pushes.offer(tally(1))
    await asyncio.sleep(0.001)
    pushes.offer(tally(2))
    assert len(sent) == 2
    rates[0] = 0.001
    pushes.offer(tally(3))
    assert len(sent) == 2
    pushes.close()
    assert sent[-1] == tally(3)


async def test_a_closed_poll_does_not_wait() -> None:
    sent: list[Tally] = []
    pushes = Pushes(sent.append, lambda: 0.001)
    pushes.offer(tally(1))
    pushes.offer(tally(2))
    pushes.offer(tally(2, PollState.CLOSED))
    assert sent == [tally(1), tally(2, PollState.CLOSED)]


async def test_no_open_polls_tally_comes_after_the_finished_ones() -> None:
    sent: list[Tally] = []
    pushes = Pushes(sent.append, lambda: 1_000_000)
    pushes.offer(tally(2))
    pushes.offer(tally(2, PollState.CLOSED))
    for late in (tally(1), tally(2), tally(3)):
        pushes.offer(late)
    assert sent == [tally(2), tally(2, PollState.CLOSED)]
    # What is approved after the close is told still.
    worded = structs.replace(tally(2, PollState.CLOSED), words={"q1": [("tea", 1)]})
    pushes.offer(worded)
    assert sent[-1] == worded


async def test_as_many_finished_polls_are_kept_in_mind_as_may_be() -> None:
    pushes = Pushes(lambda tally: None, lambda: 1_000_000)
    for number in range(2_000):
        pushes.offer(tally(1, PollState.CLOSED, str(number)))
    assert len(pushes._finished) == 1_024


async def test_an_older_or_equal_tally_is_dropped() -> None:
    sent: list[Tally] = []
    pushes = Pushes(sent.append, lambda: 1_000_000)
    pushes.offer(tally(5))
    await asyncio.sleep(0.001)
    pushes.offer(tally(4))
    pushes.offer(tally(5))
    assert sent == [tally(5)]


async def test_what_waits_for_its_turn_is_told_as_an_amendment() -> None:
    sent: list[Tally] = []
    amended: list[Tally] = []
    pushes = Pushes(sent.append, lambda: 20, amended.append)
    for seq in (1, 2, 2, 1, 3):
        pushes.offer(tally(seq))
    assert (sent, amended) == ([tally(1)], [tally(2), tally(3)])
    await until(lambda: len(sent) == 2)
    assert (sent[-1], len(amended)) == (tally(3), 2)
    pushes.offer(tally(3, PollState.CLOSED))
    assert (len(sent), len(amended)) == (3, 2)


async def test_an_amendment_that_fails_stops_nothing() -> None:
    sent: list[Tally] = []

    def amend(one: Tally) -> None:
        raise RuntimeError("a screen broke")

    pushes = Pushes(sent.append, lambda: 50, amend)
    pushes.offer(tally(1))
    pushes.offer(tally(2))
    await until(lambda: len(sent) == 2)


async def test_polls_do_not_hold_each_other_up() -> None:
    sent: list[Tally] = []
    pushes = Pushes(sent.append, lambda: 0.001)
    pushes.offer(tally(1, poll="p"))
    pushes.offer(tally(1, poll="q"))
    assert [one.poll for one in sent] == ["p", "q"]


async def test_a_callback_that_fails_stops_nothing() -> None:
    sent: list[Tally] = []

    def send(one: Tally) -> None:
        sent.append(one)
        raise RuntimeError("a screen broke")

    pushes = Pushes(send, lambda: 1_000_000)
    pushes.offer(tally(1))
    await asyncio.sleep(0.001)
    pushes.offer(tally(2))
    assert sent == [tally(1), tally(2)]
