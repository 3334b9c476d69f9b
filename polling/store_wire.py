"""What goes to ``cast.lua`` and what comes back, pure: keys, batches, replies, records."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgpack
import msgspec

from polling.deadlines import DeadlineMove
from polling.errors import LedgerBroken, PollingError, StoreDown, UnknownPoll
from polling.model import Poll, Tally
from polling.rules import FINISHED, PollState, is_before
from polling.store_digests import CHECK_BYTES, digests

# What cast.lua answers in place of a position.
CONFLICT, VOTED, CLOSED, UNKNOWN_CHOICE, NO_KEY, STALE = -1, -2, -3, -4, -5, -6

_SHARD_KEYS = ("poll", "counts", "groups", "voted", "ballots", "ledger", "links", "superseded")
# What changes in a poll's life stands in fields of its own beside the record.
_TIMES = (
    "opens_at",
    "opened_at",
    "closes_at",
    "closed_at",
    "shown_at",
    "cue_open",
    "cue_close",
    "cue_show",
    "cue_lag",
)
_LIFE = ("state", "deadlines", *_TIMES)


class Vote(msgspec.Struct, frozen=True, gc=False):
    """One ballot on its way into the store. ``nullifier`` None: the poll has no key.

    ``answer`` is the canonical text of ``model.Answer``, ``deltas`` what it adds to which counter,
    ``version`` the poll's, against which it was admitted.
    """

    nullifier: bytes | None
    ballot_id: bytes
    answer: str
    nonce: bytes
    deltas: tuple[tuple[str, int], ...]
    version: int = 1


# The votes of one batch, with their poll and their shard of it.
Batch = tuple[str, int, Sequence[Vote]]


@dataclass(frozen=True, slots=True)
class Counted:
    """What one batch did: its shard's tally after it, and per vote its position or negative code.

    ``fresh`` of the positions were given by this batch; the others repeat an earlier receipt.
    Of the tally's groups only the tiers are there.
    """

    tally: Tally
    fresh: int
    codes: list[int]


@dataclass(frozen=True, slots=True)
class Sums:
    """One shard's numbers at one moment, counted by the store in one step.

    ``ledger`` is the last position in the ledger, ``drained`` the last one that is no longer in
    the store; ``lost`` chunks of the ledger are not there.
    """

    tally: Tally
    voters: int
    ballots: int
    superseded: frozenset[int]
    drained: int
    ledger: int
    lost: int


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One ballot of a ledger. ``receipt`` is what ``ballots`` holds for it, where it was asked for.

    ``seq`` -1: the chunk is not one that ``cast.lua`` writes.
    """

    seq: int
    ballot_id: bytes
    answer: str
    nonce: bytes
    receipt: bytes | None = None


def shard_of(nullifier: bytes, shards: int) -> int:
    """The shard, 0 to ``shards`` - 1, that holds the voter of ``nullifier``."""
    return int.from_bytes(nullifier[:4]) % shards


def shard_keys(poll: str, shard: int = 0) -> list[str]:
    """The eight keys of a shard, in the order of cast.lua's head."""
    tag = f"{{{poll}:{shard}}}"
    return [f"{tag}:{name}" for name in _SHARD_KEYS]


def keys_of(names: str, poll: str, shard: int = 0) -> list[str]:
    """Some keys of a shard: ``names`` with blanks between them."""
    return [f"{{{poll}:{shard}}}:{name}" for name in names.split()]


def shuffled(count: int) -> list[int]:
    """0 to count - 1 in an order of the system's randomness."""
    noise = memoryview(os.urandom(8 * count)).cast("Q")
    return sorted(range(count), key=noise.__getitem__)


def pack(votes: Sequence[Vote], order: list[int], now: float, salt: bytes) -> bytes:
    """The batch as cast.lua takes it: ballots in ``order``, voters sorted by nullifier.

    ``salt`` is the poll's, for its digests of ballot ids.
    Several ballots of one voter keep the order in which they came, for polls where the last one
    counts; ``order`` is changed to that.
    """
    nullifiers = sorted({vote.nullifier for vote in votes if vote.nullifier is not None})
    if len(nullifiers) < len(votes):
        _keep_each_voters_order(votes, order)
    ballots = [votes[place] for place in order]
    owner: dict[bytes | None, int] = {value: place for place, value in enumerate(nullifiers, 1)}
    owner[None] = 0
    place_of: dict[object, int] = {}
    groups = []
    places = []
    answers = [b""]
    for vote in ballots:
        group = (vote.answer, vote.version, vote.deltas)
        place = place_of.get(group)
        if place is None:
            place = place_of[group] = len(place_of) + 1
            flat = [part for delta in vote.deltas for part in delta]
            groups.append((vote.version, vote.answer, msgpack.packb(flat)))
            answers.append(vote.answer.encode())
        places.append(place)
    ids = [vote.ballot_id for vote in ballots]
    nonces = [vote.nonce for vote in ballots]
    # store_digests.check, written out: it is taken for every vote.
    sha256 = hashlib.sha256
    checks = [
        sha256(nonce + answers[place]).digest()[:CHECK_BYTES]
        for nonce, place in zip(nonces, places, strict=True)
    ]
    columns = (
        now,
        nullifiers,
        [owner[vote.nullifier] for vote in ballots],
        digests(salt, ids),
        b"".join(ids),
        b"".join(checks),
        places,
        b"".join(nonces),
        groups,
    )
    # Lua's cmsgpack reads no bin type.
    packed: bytes = msgpack.packb(columns, use_bin_type=False)
    return packed


def _keep_each_voters_order(votes: Sequence[Vote], order: list[int]) -> None:
    slots: dict[bytes | None, list[int]] = {}
    for slot, place in enumerate(order):
        slots.setdefault(votes[place].nullifier, []).append(slot)
    for nullifier, own in slots.items():
        if nullifier is not None and len(own) > 1:
            for slot, place in zip(own, sorted(order[slot] for slot in own), strict=True):
                order[slot] = place


def counted(poll: str, order: Sequence[int], reply: Any) -> Counted | PollingError:
    """The reply to one batch."""
    if isinstance(reply, PollingError):
        return reply
    if isinstance(reply, Exception):
        broken = str(reply).startswith("LEDGERBROKEN")
        return LedgerBroken(poll) if broken else StoreDown(str(reply))
    if not reply[0]:
        return UnknownPoll(poll)
    shard_tally = tally(poll, reply[:4])
    position, without = reply[4], reply[5]
    fresh = len(order) - len(without) // 2
    codes = [0] * len(order)
    for at, code in zip(without[::2], without[1::2], strict=True):
        codes[order[at - 1]] = code
    for place in order:
        if codes[place] == 0:
            position += 1
            codes[place] = position
    return Counted(shard_tally, fresh, codes)


def tally(poll: str, reply: Sequence[Any]) -> Tally:
    """The tally of one shard from state, seq, replaced, counts and, where given, groups.

    Raises UnknownPoll where the shard is not there.
    """
    state, seq, replaced, flat, *more = reply
    if not state:
        raise UnknownPoll(poll)
    counts: dict[str, int] = {}
    groups = _counters(more[0]) if more else {}
    for counter, count in _counters(flat).items():
        (groups if counter.startswith("@") else counts)[counter] = count
    return Tally(poll, PollState(state.decode()), seq, seq - replaced, counts, groups)


def merged(poll: str, shards: Sequence[Tally]) -> Tally:
    """The tally of a poll from those of its shards, shard 0 first.

    It has shard 0's state, but is not finished before every shard is.
    """
    first = shards[0]
    if len(shards) == 1:
        return first
    counts: dict[str, int] = {}
    groups: dict[str, int] = {}
    for shard in shards:
        for into, counters in ((counts, shard.counts or {}), (groups, shard.groups)):
            for counter, number in counters.items():
                into[counter] = into.get(counter, 0) + number
    return Tally(
        poll,
        _merged_state([shard.state for shard in shards]),
        sum(shard.seq for shard in shards),
        sum(shard.total for shard in shards),
        counts,
        groups,
    )


def standing(poll: str, shards: Sequence[Sequence[bytes | None]]) -> tuple[PollState, int]:
    """The state that ``merged`` gives and the positions in all, from state and seq of each shard.

    A shard that is not there is left out; raises UnknownPoll where shard 0 is not.
    """
    if not shards[0][0]:
        raise UnknownPoll(poll)
    found = [(PollState(state.decode()), int(seq or 0)) for state, seq in shards if state]
    return _merged_state([state for state, _ in found]), sum(seq for _, seq in found)


def _merged_state(shards: Sequence[PollState]) -> PollState:
    if shards[0] in FINISHED and any(is_before(state, PollState.CLOSED) for state in shards):
        return PollState.OPEN
    return shards[0]


def sums(poll: str, reply: Sequence[Any]) -> Sums:
    """The reply of ``sums``. Raises UnknownPoll where the shard is not there."""
    voters, ballots, superseded, drained, ledger, chunks, wanted = reply[5:]
    return Sums(
        tally(poll, reply[:5]),
        voters,
        ballots,
        frozenset(map(int, superseded)),
        drained,
        ledger,
        wanted - chunks,
    )


def entries(chunk: tuple[bytes, dict[bytes, bytes]]) -> Iterator[Entry]:
    """The ballots of one chunk of a ledger, in order."""
    position, fields = chunk
    seq, _, part = position.partition(b"-")
    ids, nonces, places = fields[b"b"], fields[b"n"], fields[b"g"]
    answers = msgpack.unpackb(fields[b"a"], raw=False)
    size = len(ids) // 16
    first = int(seq) - size + 1
    for at in range(size):
        yield Entry(
            first + at if part == b"0" else -1,
            ids[16 * at : 16 * at + 16],
            answers[int.from_bytes(places[2 * at : 2 * at + 2])],
            nonces[16 * at : 16 * at + 16],
        )


def record(poll: Poll) -> bytes:
    """What changes only by an edit."""
    fields = msgspec.to_builtins(poll)
    return msgspec.json.encode({name: value for name, value in fields.items() if name not in _LIFE})


def deadlines(moves: Sequence[DeadlineMove]) -> bytes:
    """The moves of a poll's deadline as its hash has them; empty: no field."""
    return msgspec.json.encode(moves) if moves else b""


def poll_from(fields: dict[bytes, bytes]) -> Poll:
    """A poll from the hash of its shard 0."""
    whole = msgspec.json.decode(fields[b"record"])
    whole["state"] = fields[b"state"].decode()
    for name in _TIMES:
        if (value := fields.get(name.encode())) is not None:
            whole[name] = float(value)
    if (moves := fields.get(b"deadlines")) is not None:
        whole["deadlines"] = msgspec.json.decode(moves)
    return msgspec.convert(whole, Poll)


def _counters(flat: Sequence[bytes]) -> dict[str, int]:
    return {
        counter.decode(): int(number) for counter, number in zip(flat[::2], flat[1::2], strict=True)
    }
