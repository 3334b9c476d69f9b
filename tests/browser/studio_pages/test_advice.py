"""The server's advice in the studio: worst first, nothing twice, all well where there is none."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.studio_pages.conftest import Studio

pytestmark = pytest.mark.browser

LEFT = """async ([codes, here]) => {
  const { forThisPage } = await import("/static/js/studio/advice.js");
  const advice = codes?.map((code) => ({ code, severity: "warning" }));
  return forThisPage(advice, here).map(({ code }) => code);
}"""
HERE = {"word": "good", "muted": False, "soundless": False}


def told(code: str, severity: str, title: str) -> dict[str, str]:
    return {"code": code, "severity": severity, "title": title, "advice": f"About {code}."}


def test_what_the_page_says_itself_is_not_said_again(studio: Studio) -> None:
    studio.open(key="")
    cases: list[tuple[list[str], dict[str, Any], list[str]]] = [
        (["no_audio", "loss", "clipping"], {}, ["no_audio", "loss", "clipping"]),
        (["b_frames", "rare_keyframes", "profile", "picture_changed"], {}, []),
        (["loss", "clipping"], {"word": "upload"}, ["clipping"]),
        (["low_fps"], {"word": "device"}, []),
        (["stalled", "no_video"], {"word": "stuck"}, []),
        (["silence", "no_audio", "loss"], {"muted": True}, ["loss"]),
        (["silence"], {"soundless": True}, []),
        (["slow_line"], {"word": "slow"}, []),
    ]
    for codes, here, left in cases:
        assert studio.page.evaluate(LEFT, [codes, {**HERE, **here}]) == left, (codes, here)
    assert studio.page.evaluate(LEFT, [None, HERE]) == [], "an older server gives none"


def test_a_broadcast_from_obs_that_is_well(studio: Studio) -> None:
    studio.fixture.state = "live"
    studio.fixture.delay_seconds = 20.0
    studio.fixture.level = {"decibels": -30.0, "clipping": False, "quiet_seconds": 0.0}
    studio.open()
    studio.page.get_by_role("heading", name="All is well").wait_for()
    assert studio.page.locator(".advice").count() == 0
    assert studio.page.get_by_text("Viewers see and hear this 20 seconds later.").is_visible()
    level = studio.page.get_by_role("meter", name="Sound level")
    assert level.get_attribute("aria-valuetext") == "30 decibels below the limit"
    assert level.locator("rect").get_attribute("width") == "50.0"


def test_the_worst_is_the_headline_and_the_rest_a_list(studio: Studio) -> None:
    studio.fixture.state = "live"
    studio.fixture.advice = [
        told("no_audio", "problem", "No sound arrives"),
        told("b_frames", "warning", "Your encoder sends B-frames"),
        told("picture_changed", "note", "Your picture changed"),
    ]
    studio.open()
    studio.page.get_by_role("heading", name="No sound arrives").wait_for()
    rest = studio.page.get_by_role("list", name="What to do").get_by_role("listitem")
    assert [one.locator("b").inner_text() for one in rest.all()] == [
        "Your encoder sends B-frames",
        "Your picture changed",
    ]
    assert Axe().run(studio.page).violations_count == 0


def test_a_note_alone_is_no_trouble(studio: Studio) -> None:
    studio.fixture.state = "live"
    studio.fixture.advice = [told("picture_changed", "note", "Your picture changed")]
    studio.open()
    studio.page.get_by_role("heading", name="All is well").wait_for()
    assert studio.page.locator(".advice li.note").count() == 1


def test_why_an_encoder_was_refused_while_nothing_is_on_air(studio: Studio) -> None:
    studio.fixture.advice = [told("profile", "problem", "Browsers do not play this profile")]
    studio.open()
    studio.page.get_by_role("alert").filter(has_text="About profile.").wait_for()
