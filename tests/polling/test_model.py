from __future__ import annotations

import msgspec

from polling import rules
from polling.model import Receipt, Tally, draft
from polling.rules import PollState


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
