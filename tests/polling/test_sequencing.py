"""The sequencers of a process: what they follow, what they take up again, how they stop."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from polling import sequencer
from polling.audit import audit
from polling.errors import NotMerged
from polling.ledger_files import LedgerFiles
from polling.log import Checkpoint, CloseStatement
from polling.log_reader import LogReader
from polling.model import Poll
from polling.notes import NoteSigner
from polling.pacing import Pace
from polling.poll_rules import PollRules
from polling.rules import PollState
from polling.sequencing import LEDGER, LOG, Sequencing
from polling.store import PollStore
from tests.polling.conftest import Server, until
from tests.polling.log_polls import LoggedPoll

pytestmark = pytest.mark.cluster_too

SIGNER = NoteSigner("vote.example", b"s" * 32)


async def issued() -> Mapping[str, int]:
    return {"device": 3}


class Running:
    """A process's sequencing, with its task."""

    def __init__(self, url: str, home: Path, look_seconds: float = 0.02) -> None:
        store = PollStore.at(url)
        self.sequencing = Sequencing(store, home, SIGNER, issued, look_seconds=look_seconds)
        self.task = asyncio.create_task(self.sequencing.run())

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])
        await self.sequencing.stop()


@pytest.fixture
async def start(valkey: Server, tmp_path: Path) -> AsyncIterator[Callable[[], Running]]:
    """Starts processes on one store and one disk; stops those that still run."""
    started: list[Running] = []

    def begin() -> Running:
        started.append(Running(valkey.url, tmp_path))
        return started[-1]

    yield begin
    for running in started:
        if not running.task.done():
            await running.stop()


def published(reader: LogReader, poll: Poll) -> int:
    try:
        return Checkpoint.open(reader.checkpoint(poll.id), SIGNER.key).size
    except NotMerged:
        return -1


def is_over(reader: LogReader, poll: Poll) -> bool:
    try:
        return bool(CloseStatement.open(reader.close_statement(poll.id), SIGNER.key))
    except NotMerged:
        return False


async def test_a_poll_is_followed_through_a_restart_to_its_statement(
    polls: PollStore, start: Callable[[], Running], tmp_path: Path
) -> None:
    reader = LogReader(tmp_path / LOG)
    poll = await LoggedPoll.opened(polls)
    first = start()
    first.sequencing.watch(poll.poll)
    await poll.vote(50)
    await until(lambda: published(reader, poll.poll) == 50)
    await first.stop()
    assert first.sequencing.counters.failed == 0

    # It closes while nobody follows; what is on disk is enough to take it up again.
    await poll.vote(7)
    await poll.close()
    second = start()
    await until(lambda: is_over(reader, poll.poll))
    assert published(reader, poll.poll) == 57
    await until(lambda: second.sequencing.counters.completed == 1)
    found = await audit(polls, poll.poll.id, LedgerFiles(tmp_path / LEDGER).entries)
    assert found.ok, found.differences
    assert found.ledger == 57
    assert (await polls.sums(poll.poll.id)).drained == 57


async def test_nobody_answers_for_long_and_then_the_poll_closes(
    polls: PollStore, valkey: Server, tmp_path: Path
) -> None:
    """Between two looks that are minutes apart, the poll's change is followed at once."""
    reader = LogReader(tmp_path / LOG)
    poll = await LoggedPoll.opened(polls, PollRules(shards=3))
    running = Running(valkey.url, tmp_path, look_seconds=600)
    try:
        running.sequencing.watch(poll.poll)
        await until(lambda: published(reader, poll.poll) == 0)
        await poll.vote(3)
        await poll.close()
        running.sequencing.watch(poll.poll)
        await until(lambda: is_over(reader, poll.poll))
        assert published(reader, poll.poll) == 3
        assert running.sequencing.counters.steps <= 3
    finally:
        await running.stop()


async def test_looks_at_an_idle_poll_grow_rare_until_someone_answers(
    polls: PollStore,
    start: Callable[[], Running],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []
    wait = Pace.wait

    def noted(self: Pace, **facts: Any) -> float:
        waits.append(wait(self, **facts))
        return waits[-1]

    monkeypatch.setattr(Pace, "wait", noted)
    poll = await LoggedPoll.opened(polls)
    running = start()
    running.sequencing.watch(poll.poll)
    await until(lambda: len(waits) >= 5)
    assert waits[:5] == [0.02, 0.04, 0.08, 0.08, 0.08]
    await poll.vote(30)
    await until(lambda: published(LogReader(tmp_path / LOG), poll.poll) == 30)


async def test_an_audit_while_the_ledger_is_drained(
    polls: PollStore, start: Callable[[], Running], tmp_path: Path
) -> None:
    poll = await LoggedPoll.opened(polls)
    running = start()
    running.sequencing.watch(poll.poll)
    archive = LedgerFiles(tmp_path / LEDGER).entries
    for _ in range(5):
        await poll.vote(60)
        found = await audit(polls, poll.poll.id, archive)
        assert found.ok, found.differences
    assert found.ledger == 300


@pytest.mark.one_server
async def test_drafts_are_not_followed(
    polls: PollStore, start: Callable[[], Running], tmp_path: Path
) -> None:
    poll = await LoggedPoll.opened(polls)
    running = start()
    running.sequencing.watch(
        Poll(
            id="aaaaaaaaaa",
            stream="alef",
            questions=poll.poll.questions,
            asker="HQ",
            created_at=0.0,
            state=PollState.DRAFT,
        )
    )
    running.sequencing.watch(poll.poll)
    await until(lambda: published(LogReader(tmp_path / LOG), poll.poll) == 0)
    assert not (tmp_path / LOG / "aaaaaaaaaa").exists()


@pytest.mark.one_server
async def test_a_log_of_another_store_is_left_alone(
    polls: PollStore, start: Callable[[], Running], tmp_path: Path
) -> None:
    poll = await LoggedPoll.opened(polls)
    (tmp_path / LOG / "bbbbbbbbbb").mkdir(parents=True)
    (tmp_path / LOG / "lost+found").mkdir()
    running = start()
    running.sequencing.watch(poll.poll)
    await until(lambda: published(LogReader(tmp_path / LOG), poll.poll) == 0)
    assert running.sequencing.counters.failed == 0
    assert not list((tmp_path / LOG / "bbbbbbbbbb").iterdir())


async def test_a_fork_is_left_and_the_other_polls_go_on(
    polls: PollStore, start: Callable[[], Running], tmp_path: Path
) -> None:
    forked, sound = await LoggedPoll.opened(polls), await LoggedPoll.opened(polls)
    head = ("HSET", f"{{{forked.poll.id}:0}}:lease", "token", 1, "size", 9, "root", "r" * 32)
    await polls.server.change(head)
    running = start()
    running.sequencing.watch(forked.poll)
    running.sequencing.watch(sound.poll)
    await until(lambda: published(LogReader(tmp_path / LOG), sound.poll) == 0)
    assert running.sequencing.counters.forked == 1
    assert published(LogReader(tmp_path / LOG), forked.poll) == -1


async def test_a_poll_that_is_stuck_keeps_no_other_from_its_checkpoint(
    polls: PollStore,
    start: Callable[[], Running],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its disk hangs amid a batch, for as long as the other poll takes to be over."""
    stuck = await LoggedPoll.opened(polls, PollRules(shards=4))
    sound = await LoggedPoll.opened(polls, PollRules(shards=2))
    hangs, freed = threading.Event(), threading.Event()
    write = LedgerFiles.write

    def hanging(self: LedgerFiles, poll: str, *args: Any) -> None:
        if poll == stuck.poll.id:
            hangs.set()
            assert freed.wait(60)
        write(self, poll, *args)

    monkeypatch.setattr(LedgerFiles, "write", hanging)
    reader = LogReader(tmp_path / LOG)
    running = start()
    try:
        running.sequencing.watch(stuck.poll)
        await stuck.vote(60)
        await until(hangs.is_set)
        running.sequencing.watch(sound.poll)
        await sound.vote(30)
        await until(lambda: published(reader, sound.poll) == 30)
        await sound.close()
        await until(lambda: is_over(reader, sound.poll))
        await until(lambda: running.sequencing.followed == 1)
        assert published(reader, stuck.poll) == 0
        assert running.sequencing.waiting == 60
        assert running.sequencing.oldest_seconds > 0
    finally:
        freed.set()
    await stuck.close()
    await until(lambda: is_over(reader, stuck.poll))
    await until(lambda: running.sequencing.followed == 0)
    assert (running.sequencing.waiting, running.sequencing.oldest_seconds) == (0, 0.0)
    assert running.sequencing.counters.leaves == 90
    assert running.sequencing.counters.failed == 0


@pytest.mark.one_server
async def test_a_poll_much_larger_than_a_batch_is_merged_turn_by_turn(
    polls: PollStore,
    start: Callable[[], Running],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another poll's checkpoint comes while the large one is still being merged and opened."""
    monkeypatch.setattr(sequencer, "MOST", 20)
    monkeypatch.setattr(sequencer, "_SLICE", 20)
    huge = await LoggedPoll.opened(polls, PollRules(shards=3, log="recount"))
    for _ in range(20):
        await huge.vote(60)
    await huge.close()
    reader = LogReader(tmp_path / LOG)
    small = await LoggedPoll.opened(polls)
    await small.vote(25)
    running = start()
    running.sequencing.watch(huge.poll)
    await until(lambda: published(reader, huge.poll) > 0)
    running.sequencing.watch(small.poll)
    await until(lambda: published(reader, small.poll) == 25)
    assert not is_over(reader, huge.poll)
    await until(lambda: is_over(reader, huge.poll))
    assert published(reader, huge.poll) == 1_200
    lines = reader.openings(huge.poll.id).read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["ballot_id"] for line in lines} == set(huge.ballots)
