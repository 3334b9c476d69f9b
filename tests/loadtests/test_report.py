from __future__ import annotations

import io
import json
import math
from pathlib import Path

import pytest
from rich.console import Console

from loadtests.report import Figure, Goal, Report, percentile, write


def shown(report: Report) -> str:
    out = io.StringIO()
    report.print(Console(file=out, width=140, highlight=False))
    return out.getvalue()


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1), (0.01, 1), (0.5, 50), (0.501, 51), (0.99, 99), (1.0, 100)]
)
def test_a_percentile_is_a_value_that_was_measured(share: float, value: float) -> None:
    assert percentile(list(range(100, 0, -1)), share) == value


def test_a_percentile_of_nothing_is_no_number() -> None:
    assert math.isnan(percentile([], 0.5))


def test_a_goal_is_held_against_the_median() -> None:
    assert not Figure("cost", [9, 1, 2], "µs", Goal("≤", 2)).missed
    assert Figure("cost", [9, 1, 2], "µs", Goal("≤", 1.9)).missed
    assert not Figure("pace", [5.0], "votes/s", Goal("≥", 5)).missed


def test_what_was_not_measured_is_not_called_missed() -> None:
    report = Report("title", "machine")
    report.add("never came", [percentile([], 0.5)], "ms", Goal("≤", 1))
    report.add("without a goal", [], "ms")
    assert not report.missed
    assert [figure.name for figure in report.unmeasured] == ["never came"]
    line = next(line for line in shown(report).splitlines() if line.startswith("never came"))
    assert line.split() == ["never", "came", "–", "ms", "≤", "1", "not", "measured"]
    assert report.shown()["figures"][0]["median"] is None


def test_the_table_names_unit_goal_and_verdict() -> None:
    report = Report("title", "machine")
    report.section("group")
    report.add("ratio", [1.234, 2.0, 1.0], "×", Goal("≤", 1.5), "of three")
    report.add("pace", [12_345.6], "votes/s", Goal("≥", 40_000))
    report.notes.append("a note")
    lines = shown(report).splitlines()
    assert any(line.split() == ["group"] for line in lines)
    ratio = next(line for line in lines if line.startswith("ratio"))
    assert ratio.split() == ["ratio", "1.23", "×", "1–2", "≤", "1.50", "reached", "of", "three"]
    assert next(line for line in lines if line.startswith("pace")).split()[-1] == "missed"
    assert [figure.name for figure in report.missed] == ["pace"]
    assert "· a note" in shown(report)
    assert "BROKEN" not in shown(report)


def test_what_is_broken_is_shown_up_to_a_bound() -> None:
    report = Report("title", "machine")
    report.broken += [f"vote {number} is lost" for number in range(50)]
    assert "BROKEN: vote 0 is lost" in shown(report)
    assert "BROKEN: and 30 more" in shown(report)


def test_the_json_holds_every_figure(tmp_path: Path) -> None:
    report = Report("title", "one\ntwo")
    report.section("group")
    report.add("ratio", [3, 1, 2], "×", Goal("≤", 1.5))
    write([report], tmp_path / "figures.json")
    kept = json.loads((tmp_path / "figures.json").read_text())
    assert kept["machine"] == ["one", "two"]
    assert kept["figures"][0]["median"] is None
    assert kept["figures"][1]["median"] == 2
    assert kept["figures"][1]["goal"] == {"sense": "≤", "limit": 1.5}


def test_several_reports_are_an_array(tmp_path: Path) -> None:
    write([Report("one", "here"), Report("two", "here")], tmp_path / "figures.json")
    kept = json.loads((tmp_path / "figures.json").read_text())
    assert [one["title"] for one in kept] == ["one", "two"]
