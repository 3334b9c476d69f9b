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


Case = tuple[list[dict[str, Any]], dict[str, Any], str]
CASES: dict[str, Case] = {
    "all is well": (samples(), {}, "good"),
    "just begun": (samples(), {"since": 15_000}, "measuring"),
    "the line is too thin": (samples(kbps=700, limit="bandwidth"), {}, "upload"),
    "a still picture needs few bits": (samples(kbps=300), {}, "good"),
    "packets are lost": (samples(loss=0.12), {}, "upload"),
    "the device is too slow": (samples(fps=9, limit="cpu"), {}, "device"),
    "far away": (samples(roundTripMs=650), {}, "slow"),
    "no round trip known": (samples(roundTripMs=None), {}, "good"),
    "no frames": (samples(fps=0), {}, "stuck"),
    "the server gets nothing": (samples(), {"receiving": False}, "stuck"),
}


def test_words(studio: Studio) -> None:
    studio.open(key="")
    said = {}
    for name, (made, about, _) in CASES.items():
        full = {"since": 0, "now": 20_000, "target": 2_500_000, "receiving": True, **about}
        said[name] = studio.page.evaluate(VERDICT, [made, full])
    assert said == {name: word for name, (_, _, word) in CASES.items()}


def test_a_rate_on_its_way_up_is_not_judged(studio: Studio) -> None:
    studio.open(key="")
    made = samples(limit="bandwidth")
    for place, one in enumerate(made):
        one["kbps"] = 300 + 150 * place
    full = {"since": 0, "now": 20_000, "target": 2_500_000, "receiving": True}
    assert studio.page.evaluate(VERDICT, [made, full]) == "measuring"
