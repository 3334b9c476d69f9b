"""A recording's polls as ``polls.json`` has them: real rows, with curves at scripted moments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.browser.pages.asked import sheet

LATE = "-late"


def replayed(
    asked: Any,
    begins: float,
    cue: tuple[float | None, float | None, float | None],
    language: str = "en",
    *,
    id: str = "p1",
    late: Mapping[str, Any] | None = None,
    **rules: Any,
) -> dict[str, Any]:
    """A poll of a recording that began at ``begins``; ``cue``: seconds into it of its opening,
    closing and showing. Its curve has a point a second and grows evenly to the row's counts.
    """
    row = sheet(asked, language, id=id, state="closed", late=late is not None, **rules)
    opened, closed, shown = (None if at is None else begins + at for at in cue)
    row |= {"opened_at": opened, "closes_at": closed, "closed_at": closed}
    return {
        "poll": row,
        "cue": {"open": opened, "close": closed, "show": shown},
        "curve": _curve(row, opened or begins, closed or begins + 60),
        "late": None if late is None else {"poll": id + LATE, **late},
    }


def _curve(row: Mapping[str, Any], opened: float, closed: float) -> list[list[Any]]:
    tally = row["tally"]
    seconds = int(closed - opened)
    is_told = row["rules"]["results"] == "live"
    points: list[list[Any]] = []
    for second in range(1, seconds + 1):
        part = second / (seconds + 1)
        counts = {name: int(part * n) for name, n in (tally["counts"] or {}).items()}
        points.append(
            [opened + second - 0.5, int(part * tally["total"]), counts if is_told else None]
        )
    return [*points, [closed, tally["total"], tally["counts"]]]
