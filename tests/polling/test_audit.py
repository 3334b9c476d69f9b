from __future__ import annotations

import secrets
import tracemalloc

import msgspec
import pytest

from polling.audit import Audit, Recount
from polling.drafting import draft
from polling.model import Tally
from polling.poll_rules import PollRules
from polling.repeats import SHOWN, Repeats
from polling.rules import PollState
from polling.store import Entry, Sums
from polling.store_digests import kept_receipt

POLL = draft("alef", "Q", ["a", "b"], "HQ", now=1.0)
TALLY = Tally(POLL.id, PollState.OPEN, 3, 3, {"1": 2, "2": 1}, {"@tier.device": 3})
SUMS = Sums(TALLY, 3, 3, frozenset(), 0, 3, 0)


NONCE = b"n" * 16


def entry(seq: int, answer: str, receipt: bytes | None = b"") -> Entry:
    found = kept_receipt(max(seq, 0), NONCE, answer) if receipt == b"" else receipt
    return Entry(seq, bytes([seq % 256]) * 16, answer, NONCE, found)


LEDGER = [entry(1, "1"), entry(2, "2"), entry(3, "1")]


def audit(sums: Sums, ledger: list[Entry]) -> Audit:
    recount = Recount(POLL, Repeats())
    recount.begin(sums)
    for one in ledger:
        recount.take(one)
    recount.end()
    return recount.result()


def changed(**fields: object) -> Sums:
    values = {name: getattr(SUMS, name) for name in Sums.__slots__}
    return Sums(**values | fields)


def with_tally(**fields: object) -> Sums:
    return changed(tally=msgspec.structs.replace(TALLY, **fields))


def test_a_sound_poll() -> None:
    found = audit(SUMS, LEDGER)
    assert found.ok, found.differences
    assert found.recounted == {"1": 2, "2": 1}
    assert found.to_dict()["ok"] is True
    assert msgspec.json.encode(found.to_dict())


def test_a_ballot_that_another_took_the_place_of_is_in_the_ledger_only() -> None:
    tally = msgspec.structs.replace(
        TALLY, total=2, counts={"1": 1, "2": 1}, groups={"@tier.device": 2}
    )
    found = audit(changed(tally=tally, voters=2, superseded=frozenset({1})), LEDGER)
    assert found.ok, found.differences
    assert (found.total, found.ledger, found.voters, found.ballots) == (2, 3, 2, 3)


def test_shards_are_summed_and_each_is_checked() -> None:
    poll = msgspec.structs.replace(POLL, rules=PollRules(shards=2))
    recount = Recount(poll, Repeats())
    for _ in range(2):
        recount.begin(SUMS)
        for one in LEDGER:
            recount.take(one)
        recount.end()
    found = recount.result()
    assert found.ok, found.differences
    assert (found.total, found.voters, found.counts) == (6, 6, {"1": 4, "2": 2})
    assert found.repeated == tuple(one.ballot_id.hex() for one in LEDGER)
    assert found.repeats == 3
    assert audit(SUMS, LEDGER).repeated == ()
    recount = Recount(poll, Repeats())
    recount.begin(SUMS)
    recount.end()
    assert any("of shard 0" in sentence for sentence in recount.result().differences)


@pytest.mark.parametrize(
    ("sums", "ledger", "difference"),
    [
        (changed(voters=4), LEDGER, "the voters are 4"),
        (changed(ballots=2), LEDGER, "the ballots are 2"),
        (changed(ledger=2), LEDGER, "the last position in the ledger is 2"),
        (changed(lost=1), LEDGER, "the chunks missing from the ledger are 1"),
        (changed(superseded=frozenset({2})), LEDGER, "the ballots replaced are 1"),
        (SUMS, LEDGER[:2], "the entries read are 2"),
        (SUMS, LEDGER[:2], "counter 1 is 2 in the tally, 1 in the ledger"),
        (with_tally(seq=5), LEDGER, "the entries read are 3, not 5"),
        (with_tally(groups={"@tier.device": 2}), LEDGER, "its tiers sum to 2"),
        (SUMS, [*LEDGER[:2], entry(4, "1")], "entry 3 of the ledger has position 4"),
        (SUMS, [*LEDGER[:2], entry(-1, "1")], "position -1"),
        (SUMS, [*LEDGER[:2], entry(3, "9")], "unknown answer “9”"),
        (SUMS, [*LEDGER[:2], entry(3, "1", kept_receipt(2, NONCE, "1"))], "position 3 and the"),
        (SUMS, [*LEDGER[:2], entry(3, "1", kept_receipt(3, NONCE, "2"))], "position 3 and the"),
        (SUMS, [*LEDGER[:2], entry(3, "1", kept_receipt(3, b"m" * 16, "1"))], "position 3 and"),
        (SUMS, [*LEDGER[:2], entry(3, "1", None)], "position 3 and the receipt"),
    ],
)
def test_each_kind_of_difference_is_found(sums: Sums, ledger: list[Entry], difference: str) -> None:
    found = audit(sums, ledger)
    assert not found.ok
    assert any(difference in sentence for sentence in found.differences), found.differences


def test_a_wholly_broken_ledger_is_summed_up() -> None:
    found = audit(SUMS, [entry(n, "1", None) for n in range(1, 1000)])
    assert len(found.differences) < 20
    assert found.differences[-1] == "989 more odd entries"


def test_repeated_ballots_are_found_however_many_there_are() -> None:
    """More than are kept in memory: they pass through the file."""
    once = [secrets.token_bytes(16) for _ in range(200_000)]
    twice = once[:: 200_000 // (SHOWN + 500)]
    tracemalloc.start()
    with Repeats() as repeats:
        for number, ballot_id in enumerate(once):
            repeats.take(ballot_id, number % 200)
        for ballot_id in twice:
            repeats.take(ballot_id, 255)
            # Again in the same shard is no repeat of this kind.
            repeats.take(ballot_id, 255)
        shown, number = repeats.found()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert number == len(twice)
    assert shown == sorted(twice)[:SHOWN]
    # The rows alone are 3.6 MB; the buffers are 1.8 MB at most.
    assert peak < 3_500_000
