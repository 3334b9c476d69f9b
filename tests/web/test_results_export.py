"""A poll's results as CSV and JSON, pure: what is in them, what is withheld, what is hidden."""

from __future__ import annotations

import csv
import io
import json

import msgspec
import pytest

from polling.asker import Asker
from polling.deadlines import DeadlineMove
from polling.drafting import draft_sheet
from polling.model import Poll, Tally
from polling.poll_rules import PollRules, Results
from polling.questions import Asked, Kind, Scale
from polling.rules import PollState
from polling.visibility import Audience
from streamd.web import results_export
from streamd.web.language import Catalogue
from streamd.web.poll_rows import NOTICE
from streamd.web.results_export import COLUMNS, safe

ENGLISH = Catalogue("en")
ASKED = (
    Asked("Where?", Kind.SINGLE, ("North", "=SUM(A1:A9)")),
    Asked("How sure?", Kind.RATING, scale=Scale(1, 5)),
    Asked("Which order?", Kind.RANKING, ("a", "b", "c")),
    Asked("A word?", Kind.TEXT, required=False),
)
COUNTS = {
    **{"q1.1": 12, "q1.2": 8},
    **{"q2.1": 0, "q2.2": 0, "q2.3": 0, "q2.4": 10, "q2.5": 10},
    **{"q3.1": 40, "q3.2": 20, "q3.3": 0},
    "q4.answers": 3,
}
MOVED = (DeadlineMove(110.0, None, 130.0), DeadlineMove(120.0, 130.0, 160.0))


def poll(results: Results = "live", state: PollState = PollState.CLOSED) -> Poll:
    made = draft_sheet("alef", ASKED, "@asker", PollRules(results=results), now=1.0)
    fields = {name: getattr(made, name) for name in made.__struct_fields__}
    return Poll(
        **{**fields, "state": state, "opened_at": 100.0, "closed_at": 160.0, "deadlines": MOVED}
    )


def tally(of: Poll) -> Tally:
    groups = {"@tier.device": 18, "@tier.code": 2}
    found = {"q4": [("-cmd|calc", 2), ("water", 1)]}
    return Tally(of.id, of.state, 20, 20, COUNTS, groups, words=found)


def rows(
    of: Poll,
    audience: Audience = Audience.PUBLIC,
    catalogue: Catalogue = ENGLISH,
    late: Tally | None = None,
) -> list[dict[str, str]]:
    text = results_export.as_csv(of, tally(of), audience, catalogue, late)
    assert text.startswith("\ufeff")
    table = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True))
    assert tuple(table[0]) == COLUMNS
    assert all(None not in row and None not in row.values() for row in table)
    return table


def test_who_asked_when_how_many_in_which_tiers_and_that_it_is_an_opinion_poll() -> None:
    table = rows(poll())
    about = {row["id"]: row["text"] or row["count"] for row in table if row["section"] == "about"}
    assert about["notice"] == NOTICE
    assert about["asked_by"] == "'@asker"
    assert about["opened_at"] == "1970-01-01T00:01:40+00:00"
    assert about["answers"] == "20"
    moves = [row["text"] for row in table if row["id"] == "deadline_moved"]
    assert moves[0] == "1970-01-01T00:01:50+00:00: by hand → 1970-01-01T00:02:10+00:00"
    assert moves[1].endswith(": 1970-01-01T00:02:10+00:00 → 1970-01-01T00:02:40+00:00")
    assert about["simulated"] == "no"
    tiers = {row["id"]: row["count"] for row in table if row["section"] == "tier"}
    assert tiers == {"device": "withheld", "platform": "0", "code": "withheld"}


def test_each_kind_s_answers() -> None:
    table = rows(poll())
    answers = {
        (row["question"], row["id"]): (row["count"], row["share"])
        for row in table
        if row["section"] == "answer"
    }
    assert answers["q1", "1"] == ("12", "0.6000")
    assert answers["q2", "5"] == ("10", "0.5000")
    assert answers["q3", "1"] == ("40", "1.0000")
    assert [row["count"] for row in table if row["section"] == "mean"] == ["4.5000"]
    assert {row["text"]: row["count"] for row in table if row["section"] == "word"} == {
        "'-cmd|calc": "2",
        "water": "1",
    }


def test_nothing_is_calculated_by_a_spreadsheet() -> None:
    for row in rows(poll()):
        for value in row.values():
            assert not value.startswith(("=", "+", "-", "@", "\t", "\r", "|", "%"))
    [formula] = [row for row in rows(poll()) if "SUM" in row["text"]]
    assert formula["text"] == "'=SUM(A1:A9)"


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", " =1", "\u200f=1", "\uff1d1", "|x", "%x"])
def test_formulas_are_text(text: str) -> None:
    assert safe(text) == f"'{text}"


@pytest.mark.parametrize("text", ["water", "آب", "a=b", "1", "", "«نه»"])
def test_other_text_stands_as_it_is(text: str) -> None:
    assert safe(text) == text


def test_who_asked_and_the_notice_are_in_the_language_of_whoever_takes_it() -> None:
    asker = Asker("candidate", {"en": "Alef Azad", "fa": "الف آزاد"})
    asked = msgspec.structs.replace(poll(), asked_by=asker)
    for language, name in asker.name.items():
        catalogue = Catalogue(language)
        told = results_export.as_json(asked, tally(asked), Audience.PUBLIC, catalogue)
        assert (told["asked_by"], told["poll"]["asker"]) == (name, name)
        about = {row["id"]: row["text"] for row in rows(asked, catalogue=catalogue)}
        assert (about["asked_by"], about["asked_by_kind"]) == (name, "candidate")
        assert about["notice"] == told["notice"] == catalogue.gettext.gettext(NOTICE)


def test_late_answers_are_told_beside_those_given_live_and_of_which_poll_they_are() -> None:
    live, late = poll(), msgspec.structs.replace(poll(), late_of="livepoll22")
    told = results_export.as_json(live, tally(live), Audience.PUBLIC, ENGLISH, tally(late))
    assert told["poll"]["late"] == {"poll": late.id, "state": "closed", "total": 20}
    table = {row["id"]: row["text"] or row["count"] for row in rows(live, late=tally(late))}
    assert (table["late_poll"], table["late_answers"], table["answers"]) == (late.id, "20", "20")
    assert "late_of" not in table
    about = {row["id"]: row["text"] for row in rows(late)}
    assert about["late_of"] == "livepoll22"
    assert not {"late_poll", "late_answers"} & about.keys()


def test_what_the_rules_hide_is_in_neither() -> None:
    hidden = poll("organiser")
    table = rows(hidden)
    assert not {row["section"] for row in table} & {"answer", "mean", "word", "region"}
    assert [row["text"] for row in table if row["id"] == "results_hidden"] == ["organiser"]
    told = results_export.as_json(hidden, tally(hidden), Audience.PUBLIC, ENGLISH)
    assert told["results_hidden"] is True
    assert told["summary"] == told["regions"] == {}
    assert told["poll"]["tally"]["counts"] is None
    assert "words" not in told["poll"]["tally"]
    assert {"answer", "mean"} <= {row["section"] for row in rows(hidden, Audience.ORGANISER)}


def test_tiers_and_regions_of_an_open_poll_are_told_at_its_close() -> None:
    table = rows(poll(state=PollState.OPEN), Audience.ORGANISER)
    assert not {row["section"] for row in table} & {"tier", "region"}
    assert [row["text"] for row in table if row["id"] == "tiers_and_regions"] == [
        "told at the close"
    ]
    assert "tiers_and_regions" not in {row["id"] for row in rows(poll())}


def test_the_json_is_json_and_withholds_with_null() -> None:
    closed = poll()
    told = results_export.as_json(closed, tally(closed), Audience.PUBLIC, ENGLISH)
    assert json.loads(json.dumps(told)) == told
    assert (told["notice"], told["asked_by"], told["answers"]) == (NOTICE, "@asker", 20)
    assert (told["opened_at"], told["closed_at"]) == (100.0, 160.0)
    assert told["tiers"] == {"device": None, "platform": 0, "code": None}
    assert told["summary"]["q2"]["mean"] == 4.5
