"""The audit of one poll: does the tally equal the ledger, the voters and the ballots? Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Protocol

from polling.model import Poll, Tally


class _Sums(Protocol):
    @property
    def tally(self) -> Tally: ...
    @property
    def voters(self) -> int: ...
    @property
    def ballots(self) -> int: ...
    @property
    def ledger(self) -> int: ...


class _Entry(Protocol):
    @property
    def seq(self) -> int: ...
    @property
    def part(self) -> int: ...
    @property
    def choice(self) -> str: ...
    @property
    def receipt(self) -> str | None: ...


# A broken ledger can differ at every entry; the first few say enough.
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found. ``differences`` are sentences; none of them: the poll is sound."""

    poll: str
    state: str
    total: int
    ledger: int
    voters: int
    ballots: int
    counts: dict[str, int]
    recounted: dict[str, int]
    differences: tuple[str, ...]

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
        }


@dataclass(slots=True)
class Recount:
    """Takes one moment's sums, then the ledger's entries in order, then gives the Audit.

    The ledger only grows, so entries up to the sums' position can be read while votes go on.
    """

    poll: Poll
    sums: _Sums
    _entries: int = 0
    _recounted: Counter[str] = field(default_factory=Counter)
    _odd: list[str] = field(default_factory=list)
    _odd_entries: int = 0

    def take(self, entry: _Entry) -> None:
        """Counts one entry and checks its position, its choice and its receipt."""
        self._entries += 1
        self._recounted[entry.choice] += 1
        if entry.part != 0 or entry.seq != self._entries:
            self._note(f"entry {self._entries} of the ledger has position {entry.seq}-{entry.part}")
        if entry.choice not in self.poll.counters:
            self._note(f"position {entry.seq} holds the unknown choice “{entry.choice}”")
        if entry.receipt != f"{entry.seq}:{entry.choice}":
            self._note(f"position {entry.seq} and the receipt of its ballot disagree")

    def result(self) -> Audit:
        """The audit of everything taken."""
        tally, sums = self.sums.tally, self.sums
        recounted = {choice.id: self._recounted[choice.id] for choice in self.poll.choices}
        expected = tally.total
        differences = [
            f"the tally is {expected}, but {what} {number}"
            for what, number in (
                ("the last position is", tally.seq),
                ("the ledger's length is", sums.ledger),
                ("the entries read are", self._entries),
                ("the voters are", sums.voters),
                ("the ballots are", sums.ballots),
            )
            if number != expected
        ]
        differences += [
            f"choice {choice} has {tally.counts.get(choice)} in the tally, {count} in the ledger"
            for choice, count in recounted.items()
            if tally.counts.get(choice) != count
        ]
        differences += self._odd
        if self._odd_entries > len(self._odd):
            differences.append(f"{self._odd_entries - len(self._odd)} more odd entries")
        return Audit(
            poll=self.poll.id,
            state=tally.state.value,
            total=expected,
            ledger=sums.ledger,
            voters=sums.voters,
            ballots=sums.ballots,
            counts=dict(tally.counts),
            recounted=recounted,
            differences=tuple(differences),
        )

    def _note(self, sentence: str) -> None:
        self._odd_entries += 1
        if len(self._odd) < _SHOWN:
            self._odd.append(sentence)
