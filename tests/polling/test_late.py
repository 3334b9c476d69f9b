"""Late answers on the store: one poll for them, once, whatever dies meanwhile; counted apart."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from polling.errors import AlreadyVoted, IllegalMove, PollClosed, PollLocked, StoreDown, UnknownPoll
from polling.late import LATE_SECONDS, late_id, late_poll, takes_late
from polling.model import Poll
from polling.poll_keys import PollKeys
from polling.poll_rules import PollRules
from polling.questions import Asked, Kind, check_questions
from polling.rules import PollState, is_poll_id
from polling.service import PollService
from polling.store import PollStore
from polling.visibility import Audience
from tests.polling.conftest import Server, Serving, Settings, Told, ballot, until
from tests.polling.test_stage import Broadcast

ASKED = Asked("Where first?", Kind.SINGLE, ("North", "South", "East"))
LATE = PollRules(late=True, duration_seconds=600)


async def asked(service: PollService, rules: PollRules = LATE) -> Poll:
    """A new open poll with late answers."""
    poll = await service.create_sheet("alef", [ASKED], "HQ", rules)
    return await service.open(poll.id)


def test_the_late_poll_asks_the_same_and_hides_what_was_live() -> None:
    poll = Poll("aaaaaaaaaa", "alef", (), "HQ", 1.0, LATE, seed="5eed", state=PollState.CLOSED)
    late = late_poll(poll, 9.0)
    assert is_poll_id(late.id)
    assert late.id == late_id(poll.id) != late_id("aaaaaaaaab")
    assert (late.late_of, late.state, late.created_at) == (poll.id, PollState.DRAFT, 9.0)
    assert (late.stream, late.questions, late.asker, late.seed) == ("alef", (), "HQ", "5eed")
    assert late.rules == PollRules(results="after_vote")
    for results in ("after_vote", "after_close", "organiser"):
        quiet = Poll("aaaaaaaaaa", "alef", (), "HQ", 1.0, PollRules(results=results, late=True))
        assert late_poll(quiet, 9.0).rules.results == results


@pytest.mark.cluster_too
@pytest.mark.parametrize("shards", [1, 3])
async def test_late_answers_are_counted_apart(
    service: PollService, told: Told, shards: int, tmp_path: Path
) -> None:
    poll = await asked(service, PollRules(late=True, shards=shards))
    await service.cast("device:1", ballot(poll, "1"))
    with pytest.raises(UnknownPoll):
        await service.get(late_id(poll.id))
    assert await service.late([poll]) == {}
    closed = await service.close(poll.id)
    late = await service.get(late_id(poll.id))
    assert (late.state, late.cue) == (PollState.OPEN, None)
    assert late.closes_at == (late.opened_at or 0.0) + LATE_SECONDS
    # One who voted live can't be known here: the first poll's key is dead, this one has its own.
    assert PollKeys(tmp_path / "poll-keys").polls() == (late.id,)
    receipt = await service.cast("device:1", ballot(late, "2"))
    await service.cast("device:2", ballot(late, "2"))
    with pytest.raises(AlreadyVoted):
        await service.cast("device:2", ballot(late, "3"))
    with pytest.raises(PollClosed):
        await service.cast("device:3", ballot(poll, "3"))
    assert receipt.poll == late.id
    assert (await service.tally(poll.id)).counts == {"1": 1, "2": 0, "3": 0}
    tally = (await service.late([closed]))[poll.id]
    assert (tally.total, tally.counts) == (2, {"1": 0, "2": 2, "3": 0})
    assert closed.to_dict(late=tally)["late"] == {"poll": late.id, "state": "open", "total": 2}
    assert late.to_dict(tally)["tally"]["counts"] is None
    assert late.to_dict(tally, Audience.VOTED)["tally"]["counts"] == tally.counts
    assert (await service.audit(late.id)).ok
    assert (await service.audit(poll.id)).ok
    assert [one.state.value for one in told.polls if one.late_of] == ["open"]


@pytest.mark.cluster_too
async def test_it_is_in_no_list_and_on_no_screen(service: PollService) -> None:
    poll = await asked(service)
    await service.close(poll.id)
    assert [one.id for one in await service.list("alef")] == [poll.id]
    assert [one.id for one in await service.list()] == [poll.id]
    assert [one.id for one, _ in await service.shown("alef")] == [poll.id]
    assert [one.late_of for one, _ in await service.late_answers(poll.id)] == [poll.id]


@pytest.mark.cluster_too
async def test_it_is_archived_with_the_poll_and_keeps_its_numbers(
    service: PollService, told: Told, tmp_path: Path
) -> None:
    poll = await asked(service)
    closed = await service.close(poll.id)
    late = await service.get(late_id(poll.id))
    await service.cast("device:1", ballot(late, "3"))
    await service.archive(poll.id)
    assert (await service.get(poll.id)).state is PollState.ARCHIVED
    archived = await service.get(late.id)
    assert archived.state is PollState.ARCHIVED
    assert archived.closed_at is not None
    assert PollKeys(tmp_path / "poll-keys").polls() == ()
    with pytest.raises(PollClosed):
        await service.cast("device:2", ballot(late, "3"))
    assert (await service.late([closed]))[poll.id].total == 1
    states = [one.state for one in told.polls if one.late_of]
    assert (states[0], states[-1]) == (PollState.OPEN, PollState.ARCHIVED)
    assert told.tallies[-1].poll == late.id
    assert told.tallies[-1].state is PollState.CLOSED


async def test_without_the_rule_there_is_none(service: PollService) -> None:
    poll = await asked(service, PollRules())
    closed = await service.close(poll.id)
    await service.archive(poll.id)
    assert await service.late_answers(poll.id) == ()
    assert await service.late([closed]) == {}
    draft = await service.create_sheet("alef", [ASKED], "HQ", LATE)
    await service.archive(draft.id)
    assert await service.late_answers(draft.id) == ()


async def test_it_is_not_asked_on_air_and_stays_as_it_is(serving: Serving) -> None:
    clock = [1_000.0]
    async with serving(now=lambda: clock[0], stage=Broadcast(clock)) as service:
        poll = await asked(service)
        clock[0] = 2_000.0
        await until(lambda: service.known(late_id(poll.id)) is not None)
        late = await service.get(late_id(poll.id))
        assert (late.opened_at, late.cue) == (2_000.0, None)
        with pytest.raises(PollLocked):
            await service.moves.edit(late.id, [Asked("Another?", Kind.SINGLE, ("a", "b"))])
        assert (await service.moves.show(late.id)).cue is None
        # Its organiser may end it sooner; it does not come back.
        assert (await service.close(late.id)).state is PollState.CLOSED
        assert (await service.archive(poll.id)).state is PollState.ARCHIVED
        assert (await service.get(late.id)).state is PollState.ARCHIVED


@pytest.mark.parametrize("shards", [1, 3])
async def test_it_closes_by_itself_and_its_key_goes(
    serving: Serving, tmp_path: Path, shards: int
) -> None:
    clock = [1_000.0]
    async with serving(now=lambda: clock[0]) as service:
        poll = await asked(service, PollRules(late=True, shards=shards))
        await service.close(poll.id)
        late = await service.get(late_id(poll.id))
        assert late.to_dict()["ballots_until"] == 1_000.0 + LATE_SECONDS
        clock[0] = 999.0 + LATE_SECONDS
        await service.cast("device:1", ballot(late, "2"))
        clock[0] = 1_001.0 + LATE_SECONDS
        for voter in range(2, 8):  # on every shard
            with pytest.raises(PollClosed):
                await service.cast(f"device:{voter}", ballot(late, "2"))
        await until(lambda: PollKeys(tmp_path / "poll-keys").polls() == ())
        closed = await service.get(late.id)
        assert (closed.state, closed.closed_at) == (PollState.CLOSED, 1_000.0 + LATE_SECONDS)
        assert (await service.archive(poll.id)).state is PollState.ARCHIVED
        assert (await service.get(late.id)).state is PollState.ARCHIVED


@pytest.mark.parametrize(("after", "closes"), [(500.0, LATE_SECONDS), (2e7, 2e7)])
async def test_one_that_was_opened_without_an_end_is_given_one(
    serving: Serving, polls: PollStore, tmp_path: Path, after: float, closes: float
) -> None:
    """As they were opened before there was a bound: their voters may still answer till then."""
    old = Poll(late_id("a" * 10), "alef", check_questions([ASKED]), "HQ", 1_000.0, late_of="a" * 10)
    await polls.create(old)
    PollKeys(tmp_path / "poll-keys").create(old.id)
    await polls.move(old, PollState.OPEN, opened_at=1_000.0)
    async with serving(now=lambda: 1_000.0 + after) as service:
        late = await service.get(old.id)
        assert late.closes_at == 1_000.0 + closes
        assert [move.to_dict() for move in late.deadlines] == [
            {"at": 1_000.0 + after, "from": None, "to": late.closes_at}
        ]
        if after < LATE_SECONDS:
            await service.cast("device:1", ballot(late, "2"))
            return
        await until(lambda: PollKeys(tmp_path / "poll-keys").polls() == ())
        assert (await service.get(old.id)).state is PollState.CLOSED


async def test_what_is_shown_is_found_without_reading_late_polls_again(
    serving: Serving, polls: PollStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving() as service:
        poll = await asked(service)
        await service.close(poll.id)
    # Not started: its clock would read them in between.
    service = PollService(polls, PollKeys(Path("nowhere")), Settings())
    read: list[str] = []
    reading = PollStore.read

    async def noted(store: PollStore, ids: list[str]) -> tuple[Poll, ...]:
        read.extend(ids)
        return await reading(store, ids)

    monkeypatch.setattr(PollStore, "read", noted)
    for _ in range(2):
        assert [one.id for one, _ in await service.shown("alef")] == [poll.id]
    assert sorted(read) == sorted([poll.id, poll.id, late_id(poll.id)])


async def test_a_quiz_of_old_gets_no_late_answers(
    serving: Serving, polls: PollStore, tmp_path: Path
) -> None:
    """Its right answers are told at its close; with the rule it can be asked no more."""
    quiz = check_questions([Asked("Who?", Kind.QUIZ, ("a", "b"), right=("2",))])
    old = Poll("b" * 10, "alef", quiz, "HQ", 1.0, LATE)
    await polls.create(old)
    async with serving() as service:
        await service.open(old.id)
        closed = await service.close(old.id)
        assert not takes_late(closed)
        assert await service.late_answers(old.id) == ()
        assert PollKeys(tmp_path / "poll-keys").polls() == ()
        assert (await service.archive(old.id)).state is PollState.ARCHIVED
        assert await service.late([await service.get(old.id)]) == {}


class Dying(PollStore):
    """A store that is gone for good after some calls."""

    calls_left = 1_000

    def _count(self) -> None:
        if self.calls_left == 0:
            raise StoreDown("gone")
        self.calls_left -= 1

    async def get(self, poll: str) -> Poll:
        self._count()
        return await super().get(poll)

    async def create(self, poll: Poll) -> bool:
        self._count()
        return await super().create(poll)

    async def move(self, poll: Poll, to: PollState, **times: float) -> Poll:
        self._count()
        return await super().move(poll, to, **times)

    async def complete(self, poll: Poll) -> None:
        self._count()
        await super().complete(poll)


def _dying(valkey: Server, tmp_path: Path) -> tuple[PollService, Dying]:
    store = Dying.at(valkey.url)
    assert isinstance(store, Dying)
    return PollService(store, PollKeys(tmp_path / "poll-keys"), Settings()), store


@pytest.mark.parametrize("calls", range(10))
async def test_whoever_dies_between_close_and_creation_another_one_makes_it_once(
    valkey: Server, serving: Serving, tmp_path: Path, calls: int
) -> None:
    async with serving() as service:
        poll = await asked(service)
    dying, store = _dying(valkey, tmp_path)
    store.calls_left = calls
    try:
        await dying.close(poll.id)
    except StoreDown:
        assert calls < 9
    finally:
        await store.close()
    async with serving() as service:
        if (await service.get(poll.id)).state is PollState.OPEN:
            await service.close(poll.id)
        ((late, tally),) = await service.late_answers(poll.id)
        assert (late.state, tally.total) == (PollState.OPEN, 0)
        await service.cast("device:1", ballot(late))
        assert PollKeys(tmp_path / "poll-keys").polls() == (late.id,)


@pytest.mark.parametrize("calls", range(1, 12, 2))
async def test_an_archiving_that_broke_off_leaves_no_late_poll_open(
    valkey: Server, serving: Serving, tmp_path: Path, calls: int
) -> None:
    async with serving() as service:
        poll = await asked(service)
        await service.close(poll.id)
    dying, store = _dying(valkey, tmp_path)
    store.calls_left = calls
    try:
        await dying.archive(poll.id)
    except StoreDown:
        assert calls < 11
    finally:
        await store.close()
    async with serving() as service:
        if (await service.get(poll.id)).state is PollState.CLOSED:
            await service.archive(poll.id)
        ((late, _),) = await service.late_answers(poll.id)
        assert late.state is PollState.ARCHIVED
        assert PollKeys(tmp_path / "poll-keys").polls() == ()
        with pytest.raises(IllegalMove):
            await service.open(late.id)


async def test_two_processes_that_see_the_close_make_one(serving: Serving, told: Told) -> None:
    others = Told()
    clock = [1_000.0]
    async with (
        serving(now=lambda: clock[0]) as one,
        serving(now=lambda: clock[0], told=others) as other,
    ):
        poll = await asked(one)
        clock[0] = 2_000.0
        await until(lambda: one.known(late_id(poll.id)) is not None)
        await until(lambda: other.known(late_id(poll.id)) is not None)
        late = await one.get(late_id(poll.id))
        await one.cast("device:1", ballot(late))
        with pytest.raises(AlreadyVoted):
            await other.cast("device:1", ballot(late))
        await asyncio.gather(one.archive(poll.id), return_exceptions=True)
        assert (await other.get(late.id)).state is PollState.ARCHIVED
