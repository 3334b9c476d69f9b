from __future__ import annotations

import msgspec
import pytest

from polling.audit import Audit, Recount
from polling.model import Tally, draft
from polling.rules import PollState
from polling.store import Entry, Sums

POLL = draft("alef", "Q", ["a", "b"], "HQ", now=1.0)
TALLY = Tally(POLL.id, PollState.OPEN, 3, 3, {"1": 2, "2": 1})
SUMS = Sums(TALLY, voters=3, ballots=3, ledger=3)
LEDGER = [
    Entry(1, 0, b"a" * 16, "1", "1:1"),
    Entry(2, 0, b"b" * 16, "2", "2:2"),
    Entry(3, 0, b"c" * 16, "1", "3:1"),
]


def audit(sums: Sums, ledger: list[Entry]) -> Audit:
    recount = Recount(POLL, sums)
    for entry in ledger:
        recount.take(entry)
    return recount.result()


def test_a_sound_poll() -> None:
    found = audit(SUMS, LEDGER)
    assert found.ok
    assert found.recounted == {"1": 2, "2": 1}
    assert found.to_dict()["ok"] is True
    assert msgspec.json.encode(found.to_dict())


@pytest.mark.parametrize(
    ("sums", "ledger", "difference"),
    [
        (Sums(TALLY, 4, 3, 3), LEDGER, "the voters are 4"),
        (Sums(TALLY, 3, 2, 3), LEDGER, "the ballots are 2"),
        (Sums(TALLY, 3, 3, 2), LEDGER, "the ledger's length is 2"),
        (SUMS, LEDGER[:2], "the entries read are 2"),
        (SUMS, LEDGER[:2], "choice 1 has 2 in the tally, 1 in the ledger"),
        (
            Sums(msgspec.structs.replace(TALLY, seq=5), 3, 3, 3),
            LEDGER,
            "the last position is 5",
        ),
        (SUMS, [*LEDGER[:2], Entry(4, 0, b"c" * 16, "1", "4:1")], "entry 3 of the ledger"),
        (SUMS, [*LEDGER[:2], Entry(3, 1, b"c" * 16, "1", "3:1")], "position 3-1"),
        (SUMS, [*LEDGER[:2], Entry(3, 0, b"c" * 16, "9", "3:9")], "unknown choice “9”"),
        (SUMS, [*LEDGER[:2], Entry(3, 0, b"b" * 16, "1", "2:2")], "position 3 and the receipt"),
        (SUMS, [*LEDGER[:2], Entry(3, 0, b"c" * 16, "1", None)], "position 3 and the receipt"),
    ],
)
def test_each_kind_of_difference_is_found(sums: Sums, ledger: list[Entry], difference: str) -> None:
    found = audit(sums, ledger)
    assert not found.ok
    assert any(difference in sentence for sentence in found.differences), found.differences


def test_a_wholly_broken_ledger_is_summed_up() -> None:
    found = audit(SUMS, [Entry(n, 0, b"", "1", None) for n in range(1, 1000)])
    assert len(found.differences) < 20
    assert found.differences[-1] == "989 more odd entries"
