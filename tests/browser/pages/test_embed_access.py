"""The embed for everybody: axe finds nothing, nothing overflows at 240 px, the notice is seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Frame, expect

from tests.browser.pages.asked import question, sheet
from tests.browser.pages.conftest import Theatre
from tests.browser.pages.messenger import messenger

pytestmark = pytest.mark.browser

NARROW = (240, 560, "fa", "dark")
LOW = (360, 240, "en", "light")
WIDE = (640, 400, "en", "light")
STATES = {
    "idle": (NARROW,),
    "ask": (NARROW, LOW, WIDE),
    "told": (NARROW, WIDE),
    "qa": (NARROW,),
    "tab": (NARROW,),
}
NOTICE = ".poll-notice p:last-child"
OVERFLOWS = "() => document.documentElement.scrollWidth > innerWidth"


def shown(theatre: Theatre, state: str, look: tuple[str, str], folder: Path) -> Frame:
    """The frame in another site's page, in ``state``."""
    language, theme = look
    stage = theatre.stage
    stage.holds_device = state != "tab"
    row = sheet(question(language, "qa" if state == "qa" else "single"), language)
    if state != "idle":
        theatre.do(stage.set_polls, "mina", row)
    page = theatre.page
    size: Any = page.viewport_size
    with messenger() as site:
        src = f"{stage.url}/embed/mina?lang={language}&theme={theme}"
        page.goto(site.show(src, (size["width"], size["height"])))
        frame = page.frames[1]
        if state == "idle":
            expect(frame.locator(".poll-empty")).to_be_attached()
        else:
            expect(frame.locator(NOTICE)).to_be_in_viewport(ratio=1)
        if state == "told":
            frame.locator(".choice").first.click()
            frame.locator("button[type=submit]").click()
            frame.locator(".counted button").first.click()
            expect(frame.locator(NOTICE)).to_be_in_viewport(ratio=1)
    frame.evaluate("() => document.fonts.ready")
    page.screenshot(path=folder / f"{state}-{size['width']}-{language}.png")
    return frame


@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing_and_nothing_overflows(
    theatre: Theatre, state: str, artefacts: Path
) -> None:
    for width, height, language, theme in STATES[state]:
        theatre.page.set_viewport_size({"width": width, "height": height})
        theatre.do(theatre.stage.reset)
        frame = shown(theatre, state, (language, theme), artefacts)
        assert not frame.evaluate(OVERFLOWS)
        results = Axe().run(frame)
        assert results.violations_count == 0, results.generate_report()


SEEN = """() => [...document.querySelectorAll(".choice")].slice(0, 2).map((choice) => {
  const { left, top, width, height } = choice.getBoundingClientRect();
  return choice.contains(document.elementFromPoint(left + width / 2, top + height / 2));
})"""


@pytest.mark.parametrize("language", ["en", "fa"])
@pytest.mark.parametrize("width", [240, 320])
def test_a_small_frame_shows_choices_between_the_question_and_the_notice(
    theatre: Theatre, width: int, language: str, artefacts: Path
) -> None:
    page = theatre.page
    page.set_viewport_size({"width": width, "height": 480})
    frame = shown(theatre, "ask", (language, "light"), artefacts)
    assert frame.evaluate(SEEN) == [True, True]
    frame.locator("button[type=submit]").scroll_into_view_if_needed()
    expect(frame.locator("button[type=submit]")).to_be_in_viewport(ratio=1)
    frame.evaluate("() => scrollTo(0, document.documentElement.scrollHeight)")
    expect(frame.locator(".poll-notice")).to_be_in_viewport(ratio=0.98)


def test_a_low_frame_s_sheet_folds_over_the_picture(theatre: Theatre) -> None:
    theatre.page.set_viewport_size({"width": 360, "height": 220})
    theatre.do(theatre.stage.set_polls, "mina", sheet(question("en", "single"), "en"))
    theatre.open("/embed/mina")
    page = theatre.page
    expect(page.get_by_role("radio").first).to_be_in_viewport()
    page.get_by_role("button", name="Fold the poll away").press("Enter")
    expect(page.get_by_role("radio")).to_have_count(0)
    unfold = page.get_by_role("button", name="Show the poll")
    expect(unfold).to_contain_text("Which matter should the next debate begin with?")
    expect(page.locator("streamd-player")).to_be_in_viewport(ratio=1)
    unfold.press("Enter")
    expect(page.get_by_role("radio").first).to_be_in_viewport()


def test_every_link_of_a_frame_leads_out_of_it(theatre: Theatre) -> None:
    """The other pages refuse to stand in a frame, so a link that stayed would show an error."""
    theatre.do(theatre.stage.set_stream, "mina", "ended")
    theatre.open("/embed/mina")
    with theatre.page.expect_popup() as opened:
        theatre.page.get_by_role("link", name="Watch the recording").click()
    assert "/vod?stream=mina" in opened.value.url
