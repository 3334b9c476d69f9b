"""The health word: pure functions of static/js/studio/health.js, on made samples."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.studio_pages.conftest import Studio

pytestmark = pytest.mark.browser

VERDICT = """async ([samples, about]) => {
  const { verdict } = await import("/static/js/studio/health.js");
  return verdict(samples, about);
}"""


def samples(**changes: Any) -> list[dict[str, Any]]:
    """Ten seconds of a good 720p broadcast, with some of it changed."""
    good = {"kbps": 2400, "fps": 30, "loss": 0, "limit": "none", "roundTripMs": 40}
    return [{**good, "at": 10_000 + second * 1000, **changes} for second in range(10)]


@pytest.mark.parametrize(
    ("made", "about", "word"),
    [
        (samples(), {}, "good"),
        (samples(), {"since": 15_000}, "measuring"),
        (samples(kbps=700, limit="bandwidth"), {}, "upload"),
        # A still picture needs few bits: that is no fault of the line.
        (samples(kbps=300), {}, "good"),
        (samples(loss=0.12), {}, "upload"),
        (samples(fps=9, limit="cpu"), {}, "device"),
        (samples(roundTripMs=650), {}, "slow"),
        (samples(roundTripMs=None), {}, "good"),
        (samples(fps=0), {}, "stuck"),
        (samples(), {"receiving": False}, "stuck"),
    ],
)
def test_words(
    studio: Studio, made: list[dict[str, Any]], about: dict[str, Any], word: str
) -> None:
    studio.open(key="")
    full = {"since": 0, "now": 20_000, "target": 2_500_000, "receiving": True, **about}
    assert studio.page.evaluate(VERDICT, [made, full]) == word


def test_a_rate_on_its_way_up_is_not_judged(studio: Studio) -> None:
    studio.open(key="")
    made = samples(limit="bandwidth")
    for place, one in enumerate(made):
        one["kbps"] = 300 + 150 * place
    full = {"since": 0, "now": 20_000, "target": 2_500_000, "receiving": True}
    assert studio.page.evaluate(VERDICT, [made, full]) == "measuring"
