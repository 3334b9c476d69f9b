"""The sequencer over a real store: what it merges and when, crashes at every step, and forks."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import shutil
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from polling import log, merkle
from polling.errors import LogForked, NotInLog, NotMerged
from polling.leases import Leases
from polling.ledger_files import LedgerFiles
from polling.log import Checkpoint, CloseStatement, Superseded
from polling.log_files import LogFiles, read_batches
from polling.log_reader import LogReader
from polling.notes import NoteSigner, note_text
from polling.poll_rules import PollRules
from polling.sequencer import APART_SECONDS, ENOUGH, WAIT_SECONDS, Sequencer, Standing
from polling.store import PollStore
from polling.tiles import Tile
from polling.verifying import check_statement, check_superseded, superseded_places
from tests.polling.log_polls import LoggedPoll

SIGNER = NoteSigner("vote.example", b"s" * 32)


class Crash(Exception):
    """Stands for the end of a process: nothing after it has run."""


class Place:
    """A disk and a store, where sequencers come and go."""

    def __init__(self, store: PollStore, home: Path) -> None:
        self.store = store
        self.home = home
        self.reader = LogReader(home / "log")
        self.published: list[Checkpoint] = []

    def sequencer(
        self,
        poll: LoggedPoll,
        holder: str = "a",
        home: Path | None = None,
        crash_at: Callable[[str], bool] = lambda name: False,
        milliseconds: int = 6_000,
    ) -> Sequencer:
        """A sequencer whose calls in its thread, and whose trims, may end in a Crash."""
        home = home or self.home

        async def threaded(call: Callable[..., Any], *args: Any) -> Any:
            name = getattr(call, "__name__", "")
            if crash_at(f"before {name}"):
                raise Crash(name)
            result = await asyncio.to_thread(call, *args)
            if crash_at(f"after {name}"):
                raise Crash(name)
            return result

        async def identities() -> Mapping[str, int]:
            return {"device": 41, "code": 2}

        return Sequencer(
            poll.poll,
            Trimming(self.store, crash_at),
            Leases(self.store.server, holder, milliseconds),
            LedgerFiles(home / "ledger"),
            lambda: LogFiles.open(home / "log", poll.poll.id, poll.poll.rules.log),
            SIGNER,
            identities,
            threaded,
        )

    def note(self, poll: LoggedPoll) -> Checkpoint:
        """The newest checkpoint, held against every one published before."""
        checkpoint = Checkpoint.open(self.reader.checkpoint(poll.poll.id), SIGNER.key)
        for earlier in self.published:
            assert earlier.size <= checkpoint.size
            proof = self.reader.consistency(poll.poll.id, earlier.size, checkpoint.size)
            path = [base64.b64decode(one) for one in proof["path"]]
            assert merkle.is_consistent(
                earlier.size, earlier.root, checkpoint.size, checkpoint.root, path
            )
        self.published.append(checkpoint)
        return checkpoint

    def check_each_ballot_is_there(self, poll: LoggedPoll) -> None:
        """Every ballot cast has a leaf of its own, proved under the newest checkpoint."""
        checkpoint = self.note(poll)
        assert checkpoint.size == len(poll.ballots)
        places = set()
        for ballot_id, (answer, nonce) in poll.ballots.items():
            proof = self.reader.proof(poll.poll.id, ballot_id)
            recount = poll.poll.rules.log == "recount"
            assert proof["commitment"] == (log.commitment(nonce, answer) if recount else None)
            leaf = log.ballot_leaf(poll.poll.id, ballot_id, proof["commitment"])
            path = [base64.b64decode(one) for one in proof["path"]]
            assert merkle.is_included(leaf, proof["index"], checkpoint.size, path, checkpoint.root)
            places.add(proof["index"])
        assert len(places) == len(poll.ballots)


class Trimming:
    """The real store, whose trim may not come to pass."""

    def __init__(self, store: PollStore, crash_at: Callable[[str], bool]) -> None:
        self._store = store
        self._crash_at = crash_at
        self.standing = store.standing
        self.tally = store.tally
        self.ledger_page = store.ledger_page
        self.superseded = store.superseded

    async def trim(self, poll: str, shard: int, upto: int) -> int:
        if self._crash_at("before trim"):
            raise Crash("trim")
        return await self._store.trim(poll, shard, upto)


@pytest.fixture
async def place(polls: PollStore, tmp_path: Path) -> Place:
    return Place(polls, tmp_path)


Asking = Callable[..., Awaitable[LoggedPoll]]


@pytest.fixture
def opened(polls: PollStore) -> Asking:
    async def opened(**rules: Any) -> LoggedPoll:
        return await LoggedPoll.opened(polls, PollRules(**rules))

    return opened


async def test_a_log_begins_empty_and_takes_enough_ballots_at_once(
    place: Place, opened: Asking
) -> None:
    poll = await opened()
    sequencer = place.sequencer(poll)
    assert await sequencer.step(0) is Standing.FOLLOWING
    assert place.note(poll).size == 0
    await poll.vote(ENOUGH)
    await sequencer.step(1)
    place.check_each_ballot_is_there(poll)
    sums = await place.store.sums(poll.poll.id)
    assert sums.drained == ENOUGH


async def test_few_ballots_wait_for_others_but_not_long(place: Place, opened: Asking) -> None:
    poll = await opened()
    sequencer = place.sequencer(poll)
    (ballot_id,) = await poll.vote(1)
    await sequencer.step(0)
    with pytest.raises(NotMerged):
        place.reader.proof(poll.poll.id, ballot_id)
    await poll.vote(2)
    await sequencer.step(WAIT_SECONDS - 0.1)
    assert place.note(poll).size == 0
    await sequencer.step(WAIT_SECONDS)
    place.check_each_ballot_is_there(poll)


async def test_a_ballot_has_waited_since_the_look_before_it_was_seen(
    place: Place, opened: Asking
) -> None:
    poll = await opened()
    sequencer = place.sequencer(poll)
    await sequencer.step(100)
    assert (sequencer.waits_since, sequencer.due_at) == (None, None)
    await poll.vote(1)
    await sequencer.step(104)
    assert (sequencer.waits_since, sequencer.due_at) == (100, 100 + WAIT_SECONDS)
    await sequencer.step(100 + WAIT_SECONDS)
    place.check_each_ballot_is_there(poll)
    assert sequencer.due_at is None
    # Of a busy poll the next batch is due some seconds after the last one.
    await poll.vote(ENOUGH)
    await sequencer.step(109)
    assert sequencer.due_at == 100 + WAIT_SECONDS + APART_SECONDS
    await sequencer.step(sequencer.due_at)
    place.check_each_ballot_is_there(poll)


@pytest.mark.cluster_too
@pytest.mark.parametrize("mode", ["presence", "recount"])
async def test_shards_become_one_log_and_a_statement(
    place: Place, opened: Asking, mode: str
) -> None:
    poll = await opened(shards=5, log=mode)
    sequencer = place.sequencer(poll)
    for round_ in range(3):
        await poll.vote(100)
        await sequencer.step(round_ * 10)
    place.check_each_ballot_is_there(poll)
    await poll.vote(3)
    await poll.close()
    assert await sequencer.step(50) is Standing.COMPLETE
    place.check_each_ballot_is_there(poll)
    assert await sequencer.step(60) is Standing.COMPLETE

    statement = CloseStatement.open(place.reader.close_statement(poll.poll.id), SIGNER.key)
    assert statement.checkpoint == place.note(poll)
    assert statement.tally["total"] == 303
    assert statement.tally["counts"] == dict(sorted(poll_counts(poll).items()))
    assert statement.identities == {"device": 41, "code": 2}
    assert statement.mode == mode
    with pytest.raises(NotInLog):
        place.reader.proof(poll.poll.id, "0" * 32)
    if mode == "presence":
        with pytest.raises(NotInLog):
            place.reader.openings(poll.poll.id)
        return
    # Anyone recounts: the openings give the very root that was signed, and the tally.
    lines = place.reader.openings(poll.poll.id).read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    leaves = b"".join(
        log.ballot_leaf(
            poll.poll.id,
            row["ballot_id"],
            log.commitment(bytes.fromhex(row["nonce"]), row["answer"]),
        )
        for row in rows
    )
    assert merkle.root_of(leaves) == statement.checkpoint.root
    assert {row["ballot_id"]: row["answer"] for row in rows} == {
        ballot_id: answer for ballot_id, (answer, _) in poll.ballots.items()
    }


async def test_a_statement_tells_no_counts_that_the_rules_hide(
    place: Place, opened: Asking
) -> None:
    poll = await opened(results="organiser")
    await poll.vote(ENOUGH)
    await poll.close()
    assert await place.sequencer(poll).step(0) is Standing.COMPLETE
    statement = CloseStatement.open(place.reader.close_statement(poll.poll.id), SIGNER.key)
    assert (statement.tally["total"], statement.tally["counts"]) == (ENOUGH, None)


def poll_counts(poll: LoggedPoll) -> dict[str, int]:
    counts = {"1": 0, "2": 0}
    for answer, _ in poll.ballots.values():
        counts[answer] += 1
    return counts


@pytest.mark.cluster_too
@pytest.mark.parametrize("mode", ["presence", "recount"])
async def test_where_the_last_vote_counts_all_are_logged_and_the_close_names_the_superseded(
    place: Place, opened: Asking, mode: str
) -> None:
    poll = await opened(revote="last", log=mode, shards=3)
    sequencer = place.sequencer(poll)
    voters = [os.urandom(16) for _ in range(40)]
    replaced = await poll.vote(40, voters)
    await poll.vote(30, voters[10:])
    await sequencer.step(100)
    assert place.note(poll).size == 70
    place.check_each_ballot_is_there(poll)
    assert place.reader.proof(poll.poll.id, replaced[0])["superseded"] is None
    await poll.close()
    assert await sequencer.step(101) is Standing.COMPLETE
    assert place.note(poll).size == 70
    place.check_each_ballot_is_there(poll)

    proofs = {one: place.reader.proof(poll.poll.id, one) for one in poll.ballots}
    gone = {one for one, proof in proofs.items() if proof["superseded"]}
    assert len(gone) == 30
    assert gone <= set(replaced)
    rows = place.reader.superseded(poll.poll.id).read_bytes()
    # In the leaves' order, which is of hashes: it pairs nobody's two ballots.
    assert superseded_places(rows) == sorted(proofs[one]["index"] for one in gone)
    note = place.reader.close_statement(poll.poll.id)
    key = SIGNER.key
    statement = CloseStatement.open(note, key)
    assert statement.superseded == Superseded(30, hashlib.sha256(rows).hexdigest())
    assert check_statement(note, key, place.note(poll)).ok
    for one, proof in proofs.items():
        finding = check_superseded(statement, rows, proof)
        assert finding.ok
        assert ("NOT counted" in finding.text) == (one in gone)
    if mode == "recount":
        lines = place.reader.openings(poll.poll.id).read_text().splitlines()
        opened_lines = [json.loads(line) for line in lines]
        assert [one["ballot_id"] for one in opened_lines] == sorted(
            poll.ballots, key=lambda one: proofs[one]["index"]
        )
        assert {one["ballot_id"] for one in opened_lines if "answer" in one} == (
            set(poll.ballots) - gone
        )
        assert {one["ballot_id"] for one in opened_lines if one.get("superseded")} == gone


STEPS = [
    "before _drain",
    "after _drain",
    "before append",
    "after append",
    "before publish",
    "after publish",
    "before trim",
    "before _tell_some",
    "after _tell_some",
    "before show",
    "after show",
    "before finish",
]


@pytest.mark.parametrize("step", STEPS)
async def test_a_crash_at_any_step_leaves_a_log_that_goes_on(
    place: Place, opened: Asking, step: str
) -> None:
    poll = await opened(shards=3, log="recount", revote="last")
    sequencer = place.sequencer(poll)
    voters = [os.urandom(16) for _ in range(40)]
    await poll.vote(40, voters)
    await sequencer.step(0)
    place.check_each_ballot_is_there(poll)
    sequencer.let_go()

    # Three processes die at that step, one after the other, the last one at the close.
    crashes = 0
    for life in range(3):
        await poll.vote(30 + life, voters if life == 1 else None)
        if life == 2:
            await poll.close()
        doomed = place.sequencer(poll, crash_at=step.__eq__)
        for second in range(3):
            try:
                if await doomed.step(second * 20) is Standing.COMPLETE:
                    break
            except Crash:
                crashes += 1
                break
        doomed.let_go()
        place.note(poll)
    assert crashes
    survivor = place.sequencer(poll)
    for second in range(4):
        if await survivor.step(second * 20) is Standing.COMPLETE:
            break
    else:
        pytest.fail("the log was not completed")
    place.check_each_ballot_is_there(poll)
    rows = place.reader.superseded(poll.poll.id).read_bytes()
    note = place.reader.close_statement(poll.poll.id)
    assert CloseStatement.open(note, SIGNER.key).superseded == (
        Superseded(31, hashlib.sha256(rows).hexdigest())
    )
    assert check_statement(note, SIGNER.key, place.note(poll)).ok
    # The drained ledger holds every ballot once as well.
    segments = LedgerFiles(place.home / "ledger")
    drained = [
        row["ballot_id"]
        for shard in segments.shards(poll.poll.id)
        for row in segments.read(poll.poll.id, shard)
    ]
    assert sorted(drained) == sorted(poll.ballots)


async def test_torn_files_are_cut_to_the_last_whole_batch(place: Place, opened: Asking) -> None:
    poll = await opened(log="recount")
    sequencer = place.sequencer(poll)
    await poll.vote(300)
    await sequencer.step(0)
    sequencer.let_go()
    folder = place.home / "log" / poll.poll.id
    for name in ("batches", "commitments", "level-0", "level-1"):
        with (folder / name).open("ab") as file:
            file.write(b'{"size":3')
    (folder / "level-2").write_bytes(b"x" * 40)
    assert len(read_batches(folder / "batches")) == 1
    await poll.vote(300)
    again = place.sequencer(poll)
    await again.step(10)
    place.check_each_ballot_is_there(poll)


@pytest.mark.cluster_too
async def test_one_process_writes_at_a_time(place: Place, opened: Asking, tmp_path: Path) -> None:
    poll = await opened()
    first, second = place.sequencer(poll, "a"), place.sequencer(poll, "b")
    await poll.vote(30)
    assert await first.step(0) is Standing.FOLLOWING
    assert await second.step(0) is Standing.STANDBY
    await first.release()
    assert await second.step(0) is Standing.FOLLOWING
    assert await first.step(0) is Standing.STANDBY
    place.check_each_ballot_is_there(poll)


@pytest.mark.cluster_too
async def test_who_slept_through_its_lease_publishes_nothing(place: Place, opened: Asking) -> None:
    """It lost the lease between reading and publishing: its batch waits, the fence holds."""
    poll = await opened()
    await poll.vote(30)
    slept = asyncio.Event()
    woken = asyncio.Event()

    def sleeps(name: str) -> bool:
        if name == "after append":
            slept.set()
        return False

    sleeper = place.sequencer(poll, "sleeper", crash_at=sleeps)
    publish = sleeper._publish

    async def late(files: LogFiles) -> bool:
        if files.size:
            await woken.wait()
        return await publish(files)

    sleeper._publish = late  # type: ignore[method-assign]
    step = asyncio.create_task(sleeper.step(0))
    await slept.wait()
    # The lease ran out, and a process with the same disk took it over.
    await place.store.server.change(("HSET", f"{{{poll.poll.id}:0}}:lease", "until_ms", 0))
    assert await Leases(place.store.server, "other").take(poll.poll.id) is not None
    woken.set()
    assert await step is Standing.STANDBY
    assert place.note(poll).size == 0


@pytest.mark.cluster_too
async def test_another_disk_never_publishes_another_log(
    place: Place, opened: Asking, tmp_path: Path
) -> None:
    poll = await opened()
    first = place.sequencer(poll, "a")
    await poll.vote(30)
    await first.step(0)
    await first.release()
    elsewhere = place.sequencer(poll, "b", home=tmp_path / "elsewhere")
    with pytest.raises(LogForked):
        await elsewhere.step(0)
    assert not (tmp_path / "elsewhere" / "log" / poll.poll.id / "checkpoint").exists()

    # A disk put back from an older backup is found out, too.
    backup = tmp_path / "backup"
    shutil.copytree(place.home / "log", backup / "log")
    await poll.vote(30)
    await place.store.server.change(("HSET", f"{{{poll.poll.id}:0}}:lease", "until_ms", 0))
    await first.step(20)
    await first.release()
    old = place.sequencer(poll, "c", home=backup)
    with pytest.raises(LogForked):
        await old.step(0)


async def test_tiles_as_published_make_up_the_root(place: Place, opened: Asking) -> None:
    poll = await opened()
    sequencer = place.sequencer(poll)
    for second in range(3):
        await poll.vote(200)
        await sequencer.step(second * 10)
    checkpoint = place.note(poll)
    row = b"".join(
        place.reader.tile(poll.poll.id, tile) for tile in (Tile(0, 0), Tile(0, 1), Tile(0, 2, 88))
    )
    assert merkle.root_of(row) == checkpoint.root
    assert place.reader.tile(poll.poll.id, Tile(1, 0, 2))[:32] == merkle.root_of(row[: 256 * 32])
    for missing in (Tile(0, 2), Tile(0, 2, 89), Tile(1, 0, 3), Tile(3, 0, 1)):
        with pytest.raises(NotInLog):
            place.reader.tile(poll.poll.id, missing)
    assert note_text(place.reader.checkpoint(poll.poll.id)) == checkpoint.text


async def test_no_time_stands_beside_a_ballot(place: Place, opened: Asking) -> None:
    poll = await opened()
    await poll.vote(40)
    await place.sequencer(poll).step(0)
    for path in (place.home / "ledger").rglob("*.jsonl"):
        assert path.stat().st_mtime == 0
        for line in path.read_text().splitlines():
            assert json.loads(line).keys() == {"seq", "ballot_id", "answer", "nonce"}
