"""Whoever has everything that is left of a closed poll tries to learn a known voter's choice.

The attacker knows who voted and in which order they came, and has: a dump of the store, its
append-only files, the drained ledger, the logs, and a backup of the whole directory without
``poll-keys``. What is tried here must find nothing afterwards, and must have worked before: an
attack that can't succeed proves nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from polling.ledger_files import LedgerFiles
from polling.model import Ballot, Poll
from polling.poll_keys import NULLIFIER_BYTES, PollKeys
from polling.poll_rules import PollRules
from polling.questions import Asked, Kind
from polling.service import PollService
from polling.store import PollStore
from polling.store_answers import AnswerStore
from polling.store_wire import keys_of
from tests.polling.conftest import Server, Serving, until
from tests.polling.test_privacy import everything, files_below, ledger

ALONE, TOGETHER = 12, 28
VOTERS = [f"device:{secrets.token_hex(8)}" for _ in range(ALONE + TOGETHER)]

_COMMAND = re.compile(rb"\$4\r\n(SADD|XADD)\r\n\$\d+\r\n\{([a-z2-7]{10}):\d+\}:(voted|ledger)\r\n")


class Material:
    """All that is left, and the truth that the attacker is after."""

    def __init__(self, truth: dict[bytes, bytes]) -> None:
        self.truth = truth
        self.files: dict[str, bytes] = {}
        self.dump: dict[bytes, bytes] = {}

    @property
    def whole(self) -> bytes:
        return b"".join([*self.files.values(), *self.dump, *self.dump.values()])

    def by_batches(self, poll: str) -> dict[bytes, bytes]:
        """Voter → ballot, for batches of one, by their places in the append-only files."""
        found: dict[bytes, bytes] = {}
        for content in self.files.values():
            nullifiers: list[bytes] = []
            for command in _COMMAND.finditer(content):
                if command[2] != poll.encode():
                    continue
                after = content[command.end() :]
                if command[1] == b"SADD":
                    run = re.match(rb"(?:\$16\r\n.{16}\r\n)+", after, re.DOTALL)
                    nullifiers = (
                        re.findall(rb"\$16\r\n(.{16})\r\n", run[0], re.DOTALL) if run else []
                    )
                else:
                    chunk = re.search(rb"\$1\r\nb\r\n\$16\r\n(.{16})\r\n", after[:80], re.DOTALL)
                    if chunk and len(nullifiers) == 1:
                        found[nullifiers[0]] = chunk[1]
                    nullifiers = []
        return found

    def possible_keys(self) -> Iterator[bytes]:
        """Whatever may be the poll's key: usual guesses, and every 32 bytes of the material."""
        yield from (b"", bytes(32), b"poll", b"streamd")
        whole = self.whole
        for at in range(len(whole) - 31):
            yield whole[at : at + 32]

    def by_places(self, members: list[bytes]) -> int:
        """How many are right if the n-th voter cast the n-th ballot, as they lie in the files."""
        best = 0
        for content in [*self.files.values(), *self.dump.values()]:
            voters = sorted((at, one) for one in self.truth if (at := content.find(one)) >= 0)
            ballots = sorted((at, one) for one in members if (at := content.find(one)) >= 0)
            pairs = zip(voters, ballots, strict=False)
            best = max(best, sum(self.truth[voter] == ballot for (_, voter), (_, ballot) in pairs))
        return best


def gather(truth: dict[bytes, bytes], valkey: Server, client: Any, backup: Path) -> Material:
    material = Material(truth)
    material.dump = everything(client)
    for root in (valkey.directory, backup):
        material.files |= {str(path): content for path, content in files_below(root)}
    return material


async def vote(service: PollService, poll: Poll, again: bool) -> dict[str, bytes]:
    """Some come alone, some together; with ``again`` everybody changes their mind once."""
    last: dict[str, bytes] = {}

    async def one(n: int, choice: int) -> None:
        ballot_id = secrets.token_hex(16)
        ballot = Ballot(poll.id, (str(choice),), ballot_id, secrets.token_hex(16))
        await service.cast(VOTERS[n], ballot, region="tehran")
        last[VOTERS[n]] = bytes.fromhex(ballot_id)

    for round_ in range(2 if again else 1):
        for n in range(ALONE):
            await one(n, 1 + (n + round_) % 3)
        await asyncio.gather(*(one(n, 1 + (n + round_) % 3) for n in range(ALONE, len(VOTERS))))
    return last


def ballot_ids(client: Any, poll: str) -> dict[int, bytes]:
    """The ballot at each position of a ledger."""
    return {entry.seq: entry.ballot_id for entry in ledger(client, poll)}


async def rewritten(valkey: Server, client: Any) -> None:
    """Waits until no server still has the append-only files that were there at close."""
    clients = [client]
    if valkey.cluster is not None:
        clients = [node.client for node in valkey.cluster.alive()]

    def done() -> bool:
        facts = [one.info("persistence") for one in clients]
        return not any(
            fact["aof_rewrite_in_progress"] or fact["aof_rewrite_scheduled"] for fact in facts
        )

    await until(done)
    # The server removes the old files in the background.
    await until(lambda: len(list(valkey.directory.rglob("*.incr.aof"))) == len(clients))


async def drain(polls: PollStore, poll: Poll, directory: Path) -> None:
    """What the sequencer does to a ledger, without its log."""
    page = await polls.ledger_page(poll.id, 0, 0, 10_000)
    LedgerFiles(directory).write(poll.id, 0, page)
    await polls.trim(poll.id, 0, page[-1].seq)


@pytest.mark.cluster_too
@pytest.mark.parametrize("revote", ["first", "last"])
async def test_nothing_leads_from_a_known_voter_to_a_choice(
    serving: Serving, valkey: Server, client: Any, tmp_path: Path, revote: Any
) -> None:
    home, backup = tmp_path, tmp_path / "backup"
    with structlog.testing.capture_logs() as logs:
        async with serving() as service:
            draft = await service.create_sheet(
                "alef", [Asked("Q?", choices=("a", "b", "c"))], "HQ", PollRules(revote=revote)
            )
            poll = await service.open(draft.id)
            cast = await vote(service, poll, revote == "last")
            keys = PollKeys(home / "poll-keys")
            truth = {keys.nullifier(poll.id, v) or b"": ballot for v, ballot in cast.items()}
            key = (home / "poll-keys" / f"{poll.id}.key").read_bytes()
            backup.mkdir()

            # While it is open the operator, who has the key, can find those who came alone.
            before = gather(truth, valkey, client, backup)
            links = f"{{{poll.id}:0}}:links"
            linked = before.by_batches(poll.id)
            if revote == "last":
                ids = ballot_ids(client, poll.id)
                linked = {
                    one: ids[int(link.partition(b":")[0])]
                    for one, link in client.hgetall(links).items()
                }
            assert sum(truth.get(one) == ballot for one, ballot in linked.items()) >= ALONE // 2

            await service.close(poll.id)
            store = PollStore.at(valkey.url)
            await drain(store, poll, home / "ledger")
            await store.close()
    await rewritten(valkey, client)

    # The backup: everything but the keys.
    for name in ("ledger",):
        shutil.copytree(home / name, backup / name)
    (backup / "log.txt").write_text(repr(logs), encoding="utf-8")
    material = gather(truth, valkey, client, backup)
    whole = material.whole
    # 1. No voter is named, in any form; the ballots are there.
    for voter in VOTERS:
        name = voter.partition(":")[2]
        for form in (name.encode(), bytes.fromhex(name), hashlib.sha256(voter.encode()).digest()):
            assert form not in whole
    assert all(ballot.hex().encode() in whole for ballot in cast.values())
    # 2. No link is kept, and the key is nowhere.
    assert not client.exists(links)
    assert key not in whole
    assert not list((home / "poll-keys").glob("*"))
    # 3. No key that can be tried makes a known voter's nullifier.
    name_of_one = VOTERS[0].encode()
    for tried in material.possible_keys():
        assert hmac.digest(tried, name_of_one, "sha256")[:NULLIFIER_BYTES] not in truth
    # 4. The files no longer tell which batch a voter came in.
    assert material.by_batches(poll.id) == {}
    # 5. Nor does any order in which voters and ballots lie: chance gives one right pair on
    #    average, and ten once in ten million.
    assert material.by_places(list(cast.values())) < 10


def in_order(material: Material, came: list[bytes]) -> int:
    """How many lie in some file or key at the very place at which they came."""
    best = 0
    for content in [*material.files.values(), *material.dump.values()]:
        lie = sorted((at, one) for one in came if (at := content.find(one)) >= 0)
        best = max(best, sum(one == other for (_, one), other in zip(lie, came, strict=False)))
    return best


@pytest.mark.cluster_too
async def test_nothing_leads_from_a_known_voter_to_what_they_wrote(
    serving: Serving, valkey: Server, client: Any, tmp_path: Path
) -> None:
    """The attacker knows who put a question, wanted one, or wrote an answer, in which order."""
    asked, wrote, wanted = list[bytes](), list[bytes](), list[bytes]()
    nothing = tmp_path / "nothing"
    async with serving() as service:
        questions, answers = [
            await service.open((await service.create_sheet("alef", [Asked("Q?", kind)], "HQ")).id)
            for kind in (Kind.QA, Kind.TEXT)
        ]
        keys = PollKeys(tmp_path / "poll-keys")
        nullifiers = [keys.nullifier(questions.id, voter) for voter in VOTERS]
        for voter in VOTERS:
            item, ballot_id = secrets.token_hex(16), secrets.token_hex(16)
            await service.written.ask(voter, questions.id, item, "Why?", "device", "")
            asked.append(item.encode())
            ballot = Ballot(answers.id, (), ballot_id, secrets.token_hex(16), "because")
            await service.cast(voter, ballot)
            wrote.append(ballot_id.encode())
        for put in sorted(asked):
            await service.written.judge_item(questions.id, put.decode(), "approve")
        for voter in VOTERS:
            wanted.append(asked[(VOTERS.index(voter) * 7) % len(VOTERS)])
            await service.written.upvote(voter, questions.id, wanted[-1].decode(), "device", "")
        for written in sorted(wrote)[::2]:
            await service.written.judge_answer(answers.id, written.decode(), "q1", "approve")

        # While the polls are open, places tell: the n-th voter put the n-th question.
        tag = f"{{{questions.id}:0}}"
        assert list(client.hgetall(f"{tag}:asked")) == nullifiers
        assert list(client.hgetall(f"{tag}:items")) == asked
        assert list(client.hgetall(f"{tag}:upvotes")) == wanted
        before = gather({}, valkey, client, nothing)
        assert min(in_order(before, came) for came in (asked, wanted)) == len(VOTERS)
        for poll in (questions, answers):
            await service.close(poll.id)
        assert len(await service.written.items(questions.id)) == len(VOTERS)
        # Held by a retry that came after the close: the last one is not to be told by its place.
        store = PollStore.at(valkey.url)
        await AnswerStore(store.server).hold(answers.id, "0" * 32, {"q1": "late"})
        await store.close()
        (held,) = keys_of("held", answers.id)
        assert list(client.hgetall(held)) == sorted(client.hgetall(held))
        await rewritten(valkey, client)
        after = gather({}, valkey, client, nothing)
    for came in (asked, wanted, wrote):
        # All of it is there still, and lies as chance has it.
        assert all(one in after.whole or bytes.fromhex(one.decode()) in after.whole for one in came)
        assert in_order(after, came) < 10
    for name in ("asked", "items", "standing", "upvotes"):
        assert list(client.hgetall(f"{tag}:{name}")) == sorted(client.hgetall(f"{tag}:{name}"))
