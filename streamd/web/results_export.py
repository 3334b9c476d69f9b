"""A poll's results as values to take away, pure: one row of JSON, or one table of CSV.

Both hold who asked, when, how many, in which tiers once the poll is over, and that it is an opinion
poll. What the poll's rules hide from the audience is not in them; what is withheld is said to be.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from polling.model import Poll, Tally
from polling.questions import Kind, Question
from polling.results import regions, summary
from polling.rules import FINISHED
from polling.visibility import Audience
from streamd.web.language import Catalogue
from streamd.web.poll_rows import in_words

WITHHELD: Final = "withheld"
"""Stands in CSV for a number that could point at people; null in JSON."""
COLUMNS: Final = ("section", "question", "kind", "id", "text", "count", "share")

_BYTE_ORDER_MARK: Final = "\ufeff"
# What spreadsheets take for the beginning of a formula, their wide forms and leading white space
# too (OWASP, CSV Injection).
_FORMULA: Final = re.compile(r"[\s\u200b-\u200f\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20|%]|[\t\r\n]")

_Row = tuple[object, ...]


def as_json(
    poll: Poll, tally: Tally, audience: Audience, catalogue: Catalogue, late: Tally | None = None
) -> dict[str, Any]:
    """The poll's row with its summary, its regions and the notice; times in Unix seconds.

    ``late``: the tally of its late answers, of which the row has the sum.
    """
    row = in_words(poll.to_dict(tally, audience, late), catalogue)
    return {
        "notice": row["notice"],
        "poll": row,
        "asked_by": row["asker"],
        "opened_at": poll.opened_at,
        "closed_at": poll.closed_at,
        "answers": tally.total,
        "tiers": row["tier_results"],
        "results_hidden": row["tally"]["counts"] is None,
        "summary": summary(poll, tally, audience),
        "regions": regions(poll, tally, audience),
    }


def as_csv(
    poll: Poll, tally: Tally, audience: Audience, catalogue: Catalogue, late: Tally | None = None
) -> str:
    """One table with the columns ``COLUMNS`` (RFC 4180), with a byte order mark for spreadsheets.

    ``section`` says what a row is: about, tier, question, answer, mean, word, item or region. A
    share is between 0 and 1, of those who answered the question; of a ranking, of the most points
    a choice can have. Times are ISO 8601 in UTC. ``late_of`` stands where the answers come from the
    recording: the poll that was asked live. That one has ``late_poll`` and ``late_answers``.
    """
    text = io.StringIO()
    text.write(_BYTE_ORDER_MARK)
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in _rows(poll, tally, audience, catalogue, late):
        writer.writerow([_cell(value) for value in (*row, *[""] * (len(COLUMNS) - len(row)))])
    return text.getvalue()


def safe(text: str) -> str:
    """``text`` with an apostrophe before what a spreadsheet would calculate."""
    return f"'{text}" if _FORMULA.match(text) else text


def _cell(value: object) -> str:
    if value is None:
        return WITHHELD
    if isinstance(value, float):
        return f"{value:.4f}"
    return safe(str(value))


def _rows(
    poll: Poll, tally: Tally, audience: Audience, catalogue: Catalogue, late: Tally | None
) -> Iterator[_Row]:
    row = in_words(poll.to_dict(tally, audience, late), catalogue)
    yield from _about(poll, tally, row)
    if tally.state not in FINISHED:
        yield "about", "", "", "tiers_and_regions", "told at the close"
    for tier, number in row["tier_results"].items():
        yield "tier", "", "", tier, "", number
    counts = row["tally"]["counts"]
    if counts is None:
        yield "about", "", "", "results_hidden", poll.rules.results
    said = summary(poll, tally, audience)
    for question in poll.questions:
        answers = said.get(question.id, {}).get("answers", "")
        yield "question", question.id, question.kind.value, "", question.text, answers
        if counts is not None:
            yield from _answers(poll, question, counts, said.get(question.id, {}))
            yield from _written(question, row["tally"])
    for name, region in regions(poll, tally, audience).items():
        yield "region", "", "", name, "", region["total"]
        for question in poll.questions:
            prefix = poll.prefix(question)
            for counter in question.counters:
                number = region["counts"].get(prefix + counter)
                yield "region", question.id, question.kind.value, f"{name}|{counter}", "", number


def _about(poll: Poll, tally: Tally, row: dict[str, Any]) -> Iterator[_Row]:
    told = {
        "notice": row["notice"],
        "poll": poll.id,
        "stream": poll.stream,
        "asked_by": row["asker"],
        **({"asked_by_kind": poll.asked_by.kind} if poll.asked_by else {}),
        "state": poll.state.value,
        "opened_at": _time(poll.opened_at),
        "closed_at": _time(poll.closed_at),
        "who": " ".join(poll.rules.who),
        "revote": poll.rules.revote,
        "log": poll.rules.log,
        "simulated": "yes" if poll.simulated else "no",
        **({"late_of": poll.late_of} if poll.late_of else {}),
        **({"late_poll": row["late"]["poll"]} if row["late"] else {}),
    }
    for name, text in told.items():
        yield "about", "", "", name, text
    for move in poll.deadlines:
        steps = " → ".join(_time(one) or "by hand" for one in (move.was, move.to))
        yield "about", "", "", "deadline_moved", f"{_time(move.at)}: {steps}"
    yield "about", "", "", "answers", "", tally.total
    if row["late"]:
        yield "about", "", "", "late_answers", "", row["late"]["total"]


def _answers(
    poll: Poll, question: Question, counts: dict[str, int], said: dict[str, Any]
) -> Iterator[_Row]:
    kind, answers = question.kind.value, said.get("answers", 0)
    most = answers * max(1, len(question.choices) - 1 if question.kind is Kind.RANKING else 1)
    for choice in question.choices:
        count = counts.get(f"{poll.prefix(question)}{choice.id}", 0)
        share = count / most if most else 0.0
        yield "answer", question.id, kind, choice.id, choice.label, count, share
    if said.get("mean") is not None:
        yield "mean", question.id, kind, "", "", float(said["mean"])
    if "right" in said:
        yield "right", question.id, kind, " ".join(question.right), "", said["right"]


def _written(question: Question, tally: dict[str, Any]) -> Iterator[_Row]:
    kind = question.kind.value
    for word, number in tally.get("words", {}).get(question.id, ()):
        yield "word", question.id, kind, "", word, number
    if question.kind is Kind.QA:
        for item in tally.get("items", ()):
            yield "item", question.id, kind, item["state"], item["text"], item["upvotes"]


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
