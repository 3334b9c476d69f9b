"""The audit of one poll: does the tally equal the ledgers, the voters and the ballots?

``Recount`` is pure; ``audit`` reads the store for it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from polling.answers import deltas_of
from polling.errors import UnknownPoll
from polling.model import Poll, Tally
from polling.repeats import Repeats
from polling.store import PollStore
from polling.store_digests import kept_receipt
from polling.store_wire import Entry, Sums, merged

# A broken ledger can differ at every entry; the first few say enough.
_SHOWN = 10
# Drained entries that are read, off the event loop, and counted, on it, at a time.
_AT_ONCE = 1_000
_TIER = "@tier."

# The drained entries of one shard, in order: poll, shard, last position wanted. It may have more
# than had been drained when it was asked: a sequencer goes on meanwhile.
Archive = Callable[[str, int, int], Iterable[Entry]]


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found. ``differences`` are sentences; none of them: the poll is sound.

    ``repeated``: ballot ids, in hexadecimal, that stand in several shards, a thousand of them at
    most; ``repeats`` is how many there are. Someone with two identities can send one twice, which
    is two votes and no fault of the count.
    """

    poll: str
    state: str
    total: int
    ledger: int
    voters: int
    ballots: int
    counts: dict[str, int]
    recounted: dict[str, int]
    differences: tuple[str, ...]
    repeated: tuple[str, ...] = ()
    repeats: int = 0

    @property
    def ok(self) -> bool:
        """Whether tally = ledger = voters = ballots, and every entry agrees."""
        return not self.differences

    def to_dict(self) -> dict[str, Any]:
        """Every field and ``ok``, for JSON."""
        return {
            "poll": self.poll,
            "ok": self.ok,
            "state": self.state,
            "total": self.total,
            "ledger": self.ledger,
            "voters": self.voters,
            "ballots": self.ballots,
            "counts": self.counts,
            "recounted": self.recounted,
            "differences": list(self.differences),
            "repeated": list(self.repeated),
            "repeats": self.repeats,
        }


@dataclass(slots=True)
class Recount:
    """Takes each shard's sums of one moment, then its ledger's entries in order; gives the Audit.

    A ledger only grows, so entries up to the sums' position can be read while votes go on.
    Ballots that a later one took the place of are in the ledger and not in the tally. One shard's
    sums and one entry are in memory at a time, and of a sharded poll what ``Repeats`` keeps there.
    """

    poll: Poll
    repeats: Repeats
    _tallies: list[Tally] = field(default_factory=list)
    _sums: Sums | None = None
    _voters: int = 0
    _ballots: int = 0
    _entries: int = 0
    _all_entries: int = 0
    _recounted: Counter[str] = field(default_factory=Counter)
    _differences: list[str] = field(default_factory=list)
    _odd: list[str] = field(default_factory=list)
    _odd_entries: int = 0

    def begin(self, sums: Sums) -> None:
        """What the next entries are held against."""
        self._tallies.append(sums.tally)
        self._sums = sums
        self._voters += sums.voters
        self._ballots += sums.ballots
        self._entries = 0

    def take(self, entry: Entry, *, drained: bool = False) -> None:
        """Counts one entry and checks its position, its answer and its receipt.

        ``drained``: it comes from a segment and has no receipt beside it.
        """
        assert self._sums is not None
        self._entries += 1
        self._all_entries += 1
        if entry.seq != self._entries:
            self._note(f"entry {self._entries} of the ledger has position {entry.seq}")
        try:
            deltas = deltas_of(self.poll, entry.answer)
        except ValueError:
            self._note(f"position {entry.seq} holds the unknown answer “{entry.answer[:100]}”")
            deltas = ()
        if self.poll.is_sharded:
            self.repeats.take(entry.ballot_id, len(self._tallies))
        if entry.seq not in self._sums.superseded:
            for counter, number in deltas:
                self._recounted[counter] += number
        if not drained and not _is_receipt_of(entry):
            self._note(f"position {entry.seq} and the receipt of its ballot disagree")

    def end(self) -> None:
        """After a shard's last entry: compares its lengths."""
        assert self._sums is not None
        sums, self._sums = self._sums, None
        tally = sums.tally
        where = f" of shard {len(self._tallies) - 1}" if self.poll.shards > 1 else ""
        for what, number, expected in (
            ("the last position in the ledger is", sums.ledger, tally.seq),
            ("the entries read are", self._entries, tally.seq),
            ("the ballots are", sums.ballots, tally.seq),
            ("the ballots replaced are", len(sums.superseded), tally.seq - tally.total),
            ("the chunks missing from the ledger are", sums.lost, 0),
        ):
            if number != expected:
                self._differences.append(f"{what} {number}{where}, not {expected}")
        if sums.voters != tally.total:
            self._differences.append(
                f"the tally{where} is {tally.total}, but the voters are {sums.voters}"
            )

    def result(self) -> Audit:
        """The audit of everything taken."""
        tally = merged(self.poll.id, self._tallies)
        counts = dict(tally.counts or {})
        recounted = {counter: self._recounted[counter] for counter in self.poll.counters}
        differences = self._differences + [
            f"counter {counter} is {counts.get(counter)} in the tally, {count} in the ledger"
            for counter, count in recounted.items()
            if counts.get(counter) != count
        ]
        tiers = [number for name, number in tally.groups.items() if name.startswith(_TIER)]
        if tiers and sum(tiers) != tally.total:
            differences.append(f"the tally is {tally.total}, but its tiers sum to {sum(tiers)}")
        differences += self._odd
        if self._odd_entries > len(self._odd):
            differences.append(f"{self._odd_entries - len(self._odd)} more odd entries")
        repeated, repeats = self.repeats.found()
        return Audit(
            poll=self.poll.id,
            state=tally.state.value,
            total=tally.total,
            ledger=self._all_entries,
            voters=self._voters,
            ballots=self._ballots,
            counts=counts,
            recounted=recounted,
            differences=tuple(differences),
            repeated=tuple(ballot.hex() for ballot in repeated),
            repeats=repeats,
        )

    def _note(self, sentence: str) -> None:
        self._odd_entries += 1
        if len(self._odd) < _SHOWN:
            self._odd.append(sentence)


async def audit(store: PollStore, poll: str, archive: Archive | None = None) -> Audit:
    """Recounts every shard of ``poll``: its drained entries from ``archive``, then its ledger.

    Without an archive the drained entries are missing, and the audit says so. Raises UnknownPoll
    and StoreDown.
    """
    found = await store.get(poll)
    with Repeats() as repeats:
        recount = Recount(found, repeats)
        for shard in range(found.shards):
            try:
                sums = await store.sums(poll, shard)
            except UnknownPoll:
                if shard == 0:
                    raise
                # Not opened yet: nobody has voted there.
                continue
            recount.begin(sums)
            await _recount_shard(recount, store, shard, sums, archive or _no_archive)
            recount.end()
        # Reading back what it noted takes its time.
        return await asyncio.to_thread(recount.result)


async def _recount_shard(
    recount: Recount, store: PollStore, shard: int, sums: Sums, archive: Archive
) -> None:
    poll, last = recount.poll.id, 0

    async def take_drained(upto: int) -> None:
        nonlocal last
        if last >= upto:
            return
        # Again where the ledger begins later than it did: more has been drained since.
        drained = iter(archive(poll, shard, upto))
        while some := await asyncio.to_thread(list, islice(drained, _AT_ONCE)):
            for entry in some:
                if entry.seq > last:
                    recount.take(entry, drained=True)
                    last = entry.seq

    await take_drained(sums.drained)
    async for entry in store.ledger(poll, shard, sums.tally.seq):
        await take_drained(entry.seq - 1)
        recount.take(entry)
        last = entry.seq
    await take_drained(sums.tally.seq)


def _is_receipt_of(entry: Entry) -> bool:
    return entry.seq > 0 and entry.receipt == kept_receipt(entry.seq, entry.nonce, entry.answer)


def _no_archive(poll: str, shard: int, upto: int) -> Iterable[Entry]:
    return ()
