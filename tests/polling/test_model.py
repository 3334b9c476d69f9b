from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from polling import rules
from polling.errors import InvalidBallot, UnknownChoice
from polling.model import Ballot, Receipt, Tally, admit, draft
from polling.rules import PollState

POLL = draft("alef", "Where first?", ["North", "South"], "HQ", now=1.0)
ID = "0123456789abcdef" * 2


def test_a_draft_numbers_its_choices_and_has_a_readable_id() -> None:
    poll = draft("alef", " Where? ", ["North", "South"], "HQ", now=5.0, duration_seconds=60)
    assert rules.is_poll_id(poll.id)
    assert [(choice.id, choice.label) for choice in poll.choices] == [
        ("1", "North"),
        ("2", "South"),
    ]
    assert poll.question == "Where?"
    assert poll.state is PollState.DRAFT
    assert poll.choice_ids == {"1", "2"}


def test_ids_differ() -> None:
    polls = {draft("alef", "Q", ["a", "b"], "HQ", now=1.0).id for _ in range(1000)}
    assert len(polls) == 1000


def test_a_poll_as_the_api_shows_it() -> None:
    poll = msgspec.structs.replace(
        draft("alef", "Where?", ["North", "South"], "HQ", now=5.0, duration_seconds=60),
        id="abcdefghij",
        state=PollState.OPEN,
        opened_at=6.0,
        closes_at=66.0,
    )
    tally = Tally("abcdefghij", PollState.OPEN, 3, 3, {"1": 1, "2": 2})
    assert poll.to_dict(tally) == {
        "id": "abcdefghij",
        "stream": "alef",
        "state": "open",
        "kind": "single",
        "question": "Where?",
        "choices": [{"id": "1", "label": "North"}, {"id": "2", "label": "South"}],
        "asker": "HQ",
        "duration_seconds": 60,
        "created_at": 5.0,
        "opened_at": 6.0,
        "closes_at": 66.0,
        "closed_at": None,
        "simulated": False,
        "results": "live",
        "tally": {
            "poll": "abcdefghij",
            "state": "open",
            "seq": 3,
            "total": 3,
            "counts": {"1": 1, "2": 2},
        },
    }
    assert poll.to_dict()["tally"] is None
    assert type(poll.to_dict()["state"]) is str


def test_a_receipt_always_reads_the_same() -> None:
    receipt = Receipt("abcdefghij", "0" * 32, 0, 7)
    assert msgspec.json.encode(receipt.to_dict()) == (
        b'{"poll":"abcdefghij","ballot_id":"00000000000000000000000000000000","shard":0,"seq":7}'
    )


def test_a_sound_ballot_is_admitted() -> None:
    admit(POLL, Ballot(POLL.id, ("2",), ID, ID))


@pytest.mark.parametrize("bad", ["", ID[:-1], ID + "0", ID.upper(), "g" * 32, " " * 32])
def test_ids_are_32_lower_case_hexadecimal_characters(bad: str) -> None:
    with pytest.raises(InvalidBallot, match="ballot_id"):
        admit(POLL, Ballot(POLL.id, ("1",), bad, ID))
    with pytest.raises(InvalidBallot, match="nonce"):
        admit(POLL, Ballot(POLL.id, ("1",), ID, bad))


@pytest.mark.parametrize("choices", [(), ("1", "2"), ("1", "1")])
def test_exactly_one_answer(choices: tuple[str, ...]) -> None:
    with pytest.raises(InvalidBallot) as caught:
        admit(POLL, Ballot(POLL.id, choices, ID, ID))
    assert caught.value.field == "choices"


def test_an_unknown_choice_is_named() -> None:
    with pytest.raises(UnknownChoice) as caught:
        admit(POLL, Ballot(POLL.id, ("3",), ID, ID))
    assert (caught.value.poll, caught.value.choice) == (POLL.id, "3")


def test_the_rules_need_no_values() -> None:
    """The values are made by the rules, so the rules must not import them back."""
    told = "import polling.rules, sys; sys.exit('polling.model' in sys.modules)"
    subprocess.run([sys.executable, "-c", told], check=True)
