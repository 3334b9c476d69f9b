"""Figures, their goals, and the tables that show them."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

_SHOWN = 20


@dataclass(frozen=True)
class Goal:
    """What a figure should reach: ``sense`` and ``limit``."""

    sense: Literal["≤", "≥"]
    limit: float

    def met(self, value: float) -> bool:
        """Whether ``value`` reaches the goal."""
        return value <= self.limit if self.sense == "≤" else value >= self.limit


@dataclass(frozen=True)
class Figure:
    """One measured number: a value a run, in ``unit``."""

    name: str
    values: Sequence[float]
    unit: str
    goal: Goal | None = None
    note: str = ""

    @property
    def median(self) -> float:
        """The median over the runs; NaN without any."""
        return statistics.median(self.values) if self.values else float("nan")

    @property
    def missed(self) -> bool:
        """Whether there is a goal and the median misses it."""
        return self.goal is not None and bool(self.values) and not self.goal.met(self.median)

    @property
    def unmeasured(self) -> bool:
        """Whether there is a goal and no value to hold against it."""
        return self.goal is not None and not self.values


@dataclass
class Report:
    """All figures of one load test, in the order in which they are shown."""

    title: str
    machine: str
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """Sentences about what must never happen; one of them fails the load test."""

    def add(
        self,
        name: str,
        values: Sequence[float],
        unit: str,
        goal: Goal | None = None,
        note: str = "",
    ) -> Figure:
        """Adds a figure; values that are NaN were not measured and are left out."""
        measured = [value for value in values if not math.isnan(value)]
        figure = Figure(name, measured, unit, goal, note)
        self.figures.append(figure)
        return figure

    def section(self, name: str) -> None:
        """Starts a group of figures with a line of its own."""
        self.figures.append(Figure(name, [], ""))

    @property
    def missed(self) -> list[Figure]:
        """The figures whose goal is missed."""
        return [figure for figure in self.figures if figure.missed]

    @property
    def unmeasured(self) -> list[Figure]:
        """The figures with a goal and without a value."""
        return [figure for figure in self.figures if figure.unmeasured]

    def print(self, console: Console) -> None:
        """The machine, the table, the notes."""
        console.print(f"\n[bold]{self.title}[/]")
        console.print(self.machine, style="dim")
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
        table.add_column("figure", no_wrap=True)
        table.add_column("median", justify="right")
        table.add_column("unit")
        table.add_column("lowest–highest", justify="right")
        table.add_column("goal", justify="right")
        table.add_column("")
        for figure in self.figures:
            table.add_row(*_cells(figure))
        console.print(table)
        for note in self.notes:
            console.print(f"· {note}", style="dim")
        for sentence in self.broken[:_SHOWN]:
            console.print(f"BROKEN: {sentence}", style="bold red")
        if len(self.broken) > _SHOWN:
            console.print(f"BROKEN: and {len(self.broken) - _SHOWN} more", style="bold red")

    def shown(self) -> dict[str, Any]:
        """Everything, for keeping as JSON."""
        return {
            "title": self.title,
            "machine": self.machine.splitlines(),
            "figures": [
                asdict(one) | {"median": one.median if one.values else None} for one in self.figures
            ],
            "notes": self.notes,
            "broken": self.broken,
        }


def write(reports: Sequence[Report], path: Path) -> None:
    """One report as an object, several as an array of them."""
    shown = [report.shown() for report in reports]
    text = json.dumps(shown[0] if len(shown) == 1 else shown, indent=1, ensure_ascii=False)
    path.write_text(text, encoding="utf-8")


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that ``share`` (0 to 1) of all do not exceed; NaN without any."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _cells(figure: Figure) -> tuple[str, ...]:
    if not figure.unit:
        return (f"[italic]{figure.name}[/]", "", "", "", "", "")
    spread = ""
    if len(figure.values) > 1:
        spread = f"{_number(min(figure.values))}–{_number(max(figure.values))}"
    goal = verdict = ""
    if figure.goal is not None:
        goal = f"{figure.goal.sense} {_number(figure.goal.limit)}"
        verdict = "[red]missed[/]" if figure.missed else "[green]reached[/]"
        if figure.unmeasured:
            verdict = "[yellow]not measured[/]"
    shown = " ".join(part for part in (verdict, f"[dim]{figure.note}[/]" if figure.note else ""))
    return (figure.name, _number(figure.median), figure.unit, spread, goal, shown.strip())


def _number(value: float) -> str:
    if math.isnan(value):
        return "–"
    if abs(value) >= 1_000 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
