"""The function that counts votes, by itself: batches of real ballots into a durable Valkey.

No gateway and no feed: what one core of the store can do, and what a voter takes in its memory.
Every batch is on disk before the next one is sent (``appendfsync always``).
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from redis import Redis

from loadtests.durable import durable_valkey
from loadtests.errors import WorkerFailed
from loadtests.processes import cpu_seconds
from loadtests.report import Goal, Report
from polling.store_digests import new_salt
from polling.store_single import LIBRARY
from polling.store_wire import Vote, pack, shard_keys, shuffled

VOTERS: Final = 200_000
BATCHES: Final = (200, 500)
_POLL: Final = "abcdefghij"
_CHOICES: Final = ("1", "2", "3")
_TIERS: Final = ("device", "platform", "code")


@dataclass(frozen=True)
class Counting:
    """What one run gave."""

    batch: int
    votes: int
    seconds: float
    cpu: float
    bytes_held: int
    bytes_drained: int

    @property
    def a_core(self) -> float:
        """Votes a second that one core of the store could count."""
        return self.votes / self.cpu

    @property
    def bytes_a_voter(self) -> float:
        """Of the store's memory, once the ledger is drained."""
        return self.bytes_drained / self.votes


def count(batch: int, voters: int = VOTERS) -> Counting:
    """Counts one ballot of each of ``voters``, ``batch`` at a time, on a store of its own."""
    ready = _batches(batch, voters)
    keys = shard_keys(_POLL)
    with _server() as (client, pid):
        client.function_load(LIBRARY, replace=True)
        _open(client, keys)
        # What the server takes once for itself, to read and run a batch, is no voter's.
        client.execute_command("FCALL", "polling_2_cast", len(keys), *keys, *ready[:1])
        client.delete(*keys)
        _open(client, keys)
        held, used = _memory(client), cpu_seconds(pid)
        begun = time.perf_counter()
        for packed in ready:
            reply: Any = client.execute_command("FCALL", "polling_2_cast", len(keys), *keys, packed)
        seconds, used = time.perf_counter() - begun, cpu_seconds(pid) - used
        votes = int(reply[1])
        if votes != len(ready) * batch:
            raise WorkerFailed(f"{votes} of {len(ready) * batch} votes were counted.")
        full = _memory(client) - held
        client.execute_command("FCALL", "polling_2_trim", 2, keys[0], keys[5], votes)
        return Counting(batch, votes, seconds, used, full, _memory(client) - held)


def add_figures(report: Report, runs: Sequence[Sequence[Counting]]) -> None:
    """A section of ``report``: one row a size of batch, each over several runs."""
    report.section("the function by itself: no gateway, every batch on disk")
    for one in runs:
        name = f"{one[0].batch} votes a call"
        goal = Goal("≥", 250_000) if one[0].batch == max(BATCHES) else None
        report.add(f"{name}: votes a store core", [run.a_core for run in one], "votes/s", goal)
        report.add(f"{name}: one after another", [r.votes / r.seconds for r in one], "votes/s")
    largest = runs[-1]
    report.add(
        "a voter, ledger drained", [r.bytes_a_voter for r in largest], "bytes", Goal("≤", 80)
    )
    ledger = [(run.bytes_held - run.bytes_drained) / run.votes for run in largest]
    report.add("a ballot in the ledger until it drains", ledger, "bytes")


def _batches(batch: int, voters: int) -> list[bytes]:
    answers = [
        (choice, ((choice, 1), (f"@tier.{tier}", 1))) for choice in _CHOICES for tier in _TIERS
    ]
    made, salt = [], new_salt()
    for start in range(0, voters - batch + 1, batch):
        votes = []
        for number in range(start, start + batch):
            text, deltas = answers[number % len(answers)]
            voter, ballot_id = secrets.token_bytes(16), secrets.token_bytes(16)
            votes.append(Vote(voter, ballot_id, text, secrets.token_bytes(16), deltas))
        made.append(pack(votes, shuffled(batch), 1.0, salt))
    return made


def _open(client: Redis, keys: Sequence[str]) -> None:
    client.hset(keys[0], mapping={"state": "open", "seq": 0, "version": 1, "revote": "first"})
    client.hset(keys[1], mapping=dict.fromkeys(_CHOICES, 0))


def _memory(client: Redis) -> int:
    facts: Any = client.info("memory")
    return int(facts["used_memory"])


@contextlib.contextmanager
def _server() -> Iterator[tuple[Any, int]]:
    with (
        durable_valkey(set_max_listpack_entries="0") as server,
        contextlib.closing(Redis(unix_socket_path=str(server.socket))) as client,
    ):
        yield client, server.pid
