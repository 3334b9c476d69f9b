"""Polls on a broadcast's clock: what the server holds against clients that lie, on the store."""

from __future__ import annotations

import pytest
from msgspec import structs

from polling.drafting import draft
from polling.errors import PollClosed
from polling.model import Poll
from polling.poll_rules import PollRules
from polling.questions import Asked
from polling.rules import PollState
from polling.stage import Moment, closing, opening
from tests.polling.conftest import Serving, Told, ballot, until

AB = Asked("Q", choices=("a", "b"))
GRACE = 15.0


class Broadcast:
    """A stage whose pictures are ``lag`` behind the wall clock; off air where that is None."""

    def __init__(self, clock: list[float]) -> None:
        self.clock = clock
        self.lag: float | None = 2.0

    def __call__(self, _stream: str, at: float | None) -> Moment | None:
        if self.lag is None:
            return None
        return Moment(self.clock[0] - self.lag + 0.5 if at is None else at, self.lag)


def test_without_a_broadcast_the_wall_clock_says_it() -> None:
    assert opening(60, None, 1_000.0, GRACE) == {"opened_at": 1_000.0, "closes_at": 1_060.0}
    assert opening(None, None, 1_000.0, GRACE) == {"opened_at": 1_000.0}


@pytest.mark.parametrize("shards", [1, 4])
async def test_ballots_are_taken_from_the_call_until_the_slowest_viewer_is_past_the_picture(
    serving: Serving, told: Told, shards: int
) -> None:
    clock = [1_000.0]
    async with serving(now=lambda: clock[0], stage=Broadcast(clock)) as service:
        rules = PollRules(duration_seconds=60, results="after_close", shards=shards)
        poll = await service.create_sheet("alef", [AB], "HQ", rules)
        poll = await service.open(poll.id)
        row = poll.to_dict()
        assert row["cue"] == {"open": 998.5, "close": 1_058.5, "show": None, "lag": 2.0, "rev": 0}
        assert (row["closes_at"], row["ballots_until"]) == (1_058.5, 1_075.5)
        await service.cast("device:1", ballot(poll))
        clock[0] = 1_075.4
        await service.cast("device:2", ballot(poll))
        still = await service.get(poll.id)
        assert still.to_dict(await service.tally(poll.id))["tally"]["counts"] is None
        clock[0] = 1_075.6
        for voter in range(3, 9):  # on every shard
            with pytest.raises(PollClosed):
                await service.cast(f"device:{voter}", ballot(poll))
        await until(lambda: told.polls[-1].state is PollState.CLOSED)
        assert told.polls[-1].closed_at == 1_075.5


@pytest.mark.parametrize("shards", [1, 4])
async def test_closed_by_hand_it_closes_at_a_picture_and_once(
    serving: Serving, told: Told, shards: int
) -> None:
    clock = [1_000.0]
    broadcast = Broadcast(clock)
    async with serving(now=lambda: clock[0], stage=broadcast) as service:
        rules = PollRules(duration_seconds=600, shards=shards)
        poll = await service.open((await service.create_sheet("alef", [AB], "HQ", rules)).id)
        clock[0] = 1_100.0
        closing = await service.close(poll.id)
        assert (closing.state, closing.cue_close) == (PollState.OPEN, 1_098.5)
        assert closing.closes_at == 1_098.5 + 2.0 + GRACE
        clock[0] = 1_110.0
        assert await service.close(poll.id) == closing  # nothing makes it longer
        await service.cast("device:1", ballot(poll))
        clock[0] = 1_115.6
        for voter in range(2, 8):
            with pytest.raises(PollClosed):
                await service.cast(f"device:{voter}", ballot(poll))
        await until(lambda: told.polls[-1].state is PollState.CLOSED)


async def test_it_closes_no_earlier_than_it_opens(serving: Serving) -> None:
    clock = [1_000.0]
    async with serving(now=lambda: clock[0], stage=Broadcast(clock)) as service:
        poll = await service.create_sheet("alef", [AB], "HQ")
        poll = await service.open(poll.id, 1_030.0)
        assert poll.cue_open == 1_030.0
        closing = await service.close(poll.id)
        assert closing.cue_close == 1_030.0


@pytest.mark.cluster_too
@pytest.mark.parametrize("shards", [1, 4])
async def test_a_poll_from_off_air_closes_by_hand_no_later_than_it_would_have(
    serving: Serving, shards: int
) -> None:
    clock = [1_000.0]
    broadcast = Broadcast(clock)
    broadcast.lag = None
    async with serving(now=lambda: clock[0], stage=broadcast) as service:
        rules = PollRules(duration_seconds=10, shards=shards)
        poll = await service.open((await service.create_sheet("alef", [AB], "HQ", rules)).id)
        assert (poll.cue_close, poll.closes_at) == (None, 1_010.0)
        broadcast.lag = 2.0
        clock[0] = 1_005.0
        closing = await service.close(poll.id)
        assert (closing.cue_close, closing.closes_at) == (1_003.5, 1_010.0)
        clock[0] = 1_010.1
        for voter in range(8):  # on every shard
            with pytest.raises(PollClosed):
                await service.cast(f"device:{voter}", ballot(poll))


def test_a_close_by_hand_makes_no_poll_longer() -> None:
    poll = draft("alef", "Q", ["a", "b"], "HQ", now=1.0)
    off_air = structs.replace(poll, closes_at=1_010.0)
    # Over before the picture is seen: it stays as it is.
    assert closing(off_air, Moment(1_008.0, 2.0), GRACE) is None
    # The delay of the broadcast grew meanwhile.
    on_air = structs.replace(
        poll, cue_open=900.0, cue_close=1_000.0, cue_lag=2.0, closes_at=1_017.0
    )
    times = closing(on_air, Moment(990.0, 20.0), GRACE)
    assert times == {"cue_close": 990.0, "cue_lag": 20.0, "closes_at": 1_017.0}


async def test_off_air_a_poll_closes_at_once_and_shows_without_a_picture(serving: Serving) -> None:
    clock = [1_000.0]
    broadcast = Broadcast(clock)
    async with serving(now=lambda: clock[0], stage=broadcast) as service:
        poll: Poll = await service.open((await service.create_sheet("alef", [AB], "HQ")).id)
        shown = await service.moves.show(poll.id)
        assert shown.cue_show == 998.5
        broadcast.lag = None
        closed = await service.close(poll.id)
        assert (closed.state, closed.cue_close) == (PollState.CLOSED, None)
