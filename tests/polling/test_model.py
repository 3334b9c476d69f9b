from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from polling import rules
from polling.drafting import draft, draft_sheet, edited
from polling.errors import InvalidPoll
from polling.model import Receipt, Tally
from polling.poll_rules import PollRules, Results
from polling.questions import Asked, Kind
from polling.rules import PollState
from polling.visibility import Audience


def test_a_draft_numbers_its_choices_and_has_a_readable_id() -> None:
    poll = draft("alef", " Where? ", ["North", "South"], "HQ", now=5.0, duration_seconds=60)
    assert rules.is_poll_id(poll.id)
    assert [(choice.id, choice.label) for choice in poll.choices] == [
        ("1", "North"),
        ("2", "South"),
    ]
    assert poll.question == "Where?"
    assert poll.state is PollState.DRAFT
    assert poll.counters == ("1", "2")


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
        "questions": [
            {
                "id": "q1",
                "kind": "single",
                "text": "Where?",
                "choices": [{"id": "1", "label": "North"}, {"id": "2", "label": "South"}],
                "minimum": 1,
                "maximum": 1,
                "scale": None,
                "right": None,
                "required": True,
            }
        ],
        "rules": {
            "who": ["device", "platform", "code"],
            "revote": "first",
            "results": "live",
            "duration_seconds": 60,
            "shuffle": False,
            "regions": [],
            "shards": 1,
            "log": "presence",
            "late": False,
        },
        "late_of": None,
        "late": None,
        "version": 1,
        "seed": "",
        "asker": "HQ",
        "asked_by": None,
        "duration_seconds": 60,
        "created_at": 5.0,
        "opens_at": None,
        "opened_at": 6.0,
        "closes_at": 66.0,
        "ballots_until": 66.0,
        "closed_at": None,
        "deadlines": [],
        "shown_at": None,
        "cue": None,
        "simulated": False,
        "results": "live",
        "tier_results": {},
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


def test_the_rules_need_no_values() -> None:
    """The values are made by the rules, so the rules must not import them back."""
    told = "import polling.rules, sys; sys.exit('polling.model' in sys.modules)"
    subprocess.run([sys.executable, "-c", told], check=True)


@pytest.mark.parametrize(
    ("results", "state", "audience", "sees"),
    [
        ("live", "open", Audience.PUBLIC, True),
        ("after_vote", "open", Audience.PUBLIC, False),
        ("after_vote", "open", Audience.VOTED, True),
        ("after_vote", "closed", Audience.PUBLIC, True),
        ("after_close", "open", Audience.VOTED, False),
        ("after_close", "open", Audience.ORGANISER, True),
        ("after_close", "archived", Audience.PUBLIC, True),
        ("organiser", "archived", Audience.VOTED, False),
        ("organiser", "open", Audience.ORGANISER, True),
    ],
)
def test_a_hidden_tally_says_how_many_and_not_what(
    results: Results, state: str, audience: Audience, sees: bool
) -> None:
    asked = [Asked("Q", choices=("a", "b"))]
    poll = msgspec.structs.replace(
        draft_sheet("alef", asked, "HQ", PollRules(results=results), now=1.0),
        state=PollState(state),
        shown_at=2.0,
    )
    tally = Tally(
        poll.id, poll.state, 3, 3, {"1": 1, "2": 2}, {"@tier.device": 3}, words={"q1": []}
    )
    shown = poll.to_dict(tally, audience)["tally"]
    assert shown["total"] == 3
    assert shown["counts"] == ({"1": 1, "2": 2} if sees else None)
    assert ("words" in shown) is sees


def test_right_answers_are_hidden_while_votes_count() -> None:
    asked = Asked("Q", Kind.QUIZ, ("a", "b"), right=("2",))
    poll = msgspec.structs.replace(
        draft_sheet("alef", [asked], "HQ", now=1.0), state=PollState.OPEN, opened_at=1.0
    )

    def right(one: object, audience: Audience = Audience.PUBLIC) -> object:
        changed = msgspec.structs.replace(poll, **one)  # type: ignore[arg-type]
        return changed.to_dict(None, audience)["questions"][0]["right"]

    assert right({}) is None
    assert right({}, Audience.VOTED) is None
    assert right({}, Audience.ORGANISER) == ["2"]
    assert right({"shown_at": 2.0}) is None
    assert right({"shown_at": 2.0}, Audience.VOTED) is None
    assert right({"state": PollState.CLOSED}) == ["2"]
    assert right({"state": PollState.ARCHIVED}) == ["2"]


def test_what_never_opened_is_its_organisers() -> None:
    poll = draft("alef", "Q", ["a", "b"], "HQ", now=1.0)
    for state in (PollState.DRAFT, PollState.SCHEDULED, PollState.ARCHIVED):
        one = msgspec.structs.replace(poll, state=state)
        assert not one.is_visible(Audience.PUBLIC)
        assert one.is_visible(Audience.ORGANISER)
    opened = msgspec.structs.replace(poll, state=PollState.ARCHIVED, opened_at=2.0)
    assert opened.is_visible(Audience.PUBLIC)


def test_an_edit_is_one_version_on_and_keeps_what_is_not_edited() -> None:
    poll = draft("alef", "Q", ["a", "b"], "HQ", now=1.0)
    other = edited(poll, [Asked("R", choices=("c", "d", "e"))], PollRules(shuffle=True))
    assert (other.id, other.question, other.version) == (poll.id, "R", 2)
    assert len(other.seed) == 32
    assert edited(other, wanted=PollRules(results="organiser")).questions == other.questions
    with pytest.raises(InvalidPoll, match="shards"):
        edited(poll, wanted=PollRules(shards=2))


def test_a_poll_survives_its_record() -> None:
    asked = [
        Asked("A", Kind.RATING),
        Asked("B", Kind.MULTIPLE, ("x", "y", "z"), maximum=2, required=False),
        Asked("C", Kind.TEXT),
    ]
    poll = draft_sheet("alef", asked, "HQ", PollRules(who=("code",), regions=("tehran",)), now=1.0)
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(poll)), type(poll)) == poll
    assert poll.kind == "survey"
    assert poll.counters == (
        *(f"q1.{value}" for value in range(1, 6)),
        *("q2.1", "q2.2", "q2.3", "q2.answers", "q3.answers"),
    )
