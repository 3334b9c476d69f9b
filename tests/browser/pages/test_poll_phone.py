"""The poll's sheet over a phone's page: what came of a vote, and words of another direction."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.pages.asked import question, sheet
from tests.browser.pages.conftest import Theatre

pytestmark = pytest.mark.browser

SIX = ("Work and wages", "Housing", "Water and climate", "Schools", "Health", "Roads and rail")
TOP_OF = """(selector) => {
  const box = document.querySelector(selector).getBoundingClientRect();
  return box.top - document.querySelector(".dock").getBoundingClientRect().top;
}"""
UNDER_CHEVRON = """() => {
  const fold = document.querySelector(".dock-fold");
  const { left, top, width, height } = fold.getBoundingClientRect();
  const found = document.elementsFromPoint(left + width / 2, top + height / 2);
  return found.find((one) => !fold.contains(one)).className;
}"""
STARTS = """(selector) => {
  const range = document.createRange();
  range.selectNodeContents(document.querySelector(selector));
  return range.getBoundingClientRect().right;
}"""


def six(language: str) -> dict[str, object]:
    """A poll of six choices in English."""
    return sheet(question("en", "single", choices=SIX), language)


def test_after_a_vote_the_result_is_in_sight(theatre: Theatre, artefacts: Path) -> None:
    page = theatre.page
    page.set_viewport_size({"width": 390, "height": 844})
    theatre.do(theatre.stage.set_polls, "mina", six("en"))
    theatre.open()
    page.get_by_role("radio", name=SIX[5]).check()
    assert page.evaluate(UNDER_CHEVRON) == "poll-meta"
    page.get_by_role("button", name="Vote", exact=True).click()
    expect(page.get_by_text("Counted", exact=True)).to_be_attached()
    page.wait_for_function("() => document.activeElement.matches('.counted')")
    page.wait_for_function("() => document.querySelector('streamd-poll').scrollTop === 0")
    assert 0 <= page.evaluate(TOP_OF, ".poll-head h2") < 80
    expect(page.locator(".poll-head h2")).to_be_in_viewport(ratio=1)
    expect(page.locator(".result").first).to_be_in_viewport(ratio=1)
    page.screenshot(path=artefacts / "counted.png")
    page.locator("streamd-poll").evaluate("(poll) => poll.scrollTo(0, poll.scrollHeight)")
    page.screenshot(path=artefacts / "scrolled.png")
    assert page.evaluate(UNDER_CHEVRON) == "poll-meta"


def test_an_english_question_stands_where_its_choices_do_on_a_persian_page(
    theatre: Theatre, artefacts: Path
) -> None:
    theatre.do(theatre.stage.set_polls, "mina", six("fa"))
    theatre.open("/watch/mina?lang=fa")
    page = theatre.page
    expect(page.locator(".choice")).to_have_count(6)
    page.screenshot(path=artefacts / "mixed.png")
    meta = page.locator(".poll-meta").bounding_box()
    assert meta is not None
    starts = page.evaluate(STARTS, ".poll-head h2")
    assert starts == pytest.approx(meta["x"] + meta["width"], abs=1)
    assert page.locator(".poll-head h2 span").evaluate("(h) => getComputedStyle(h).direction") == (
        "ltr"
    )
