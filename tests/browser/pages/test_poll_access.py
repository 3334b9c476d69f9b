"""The poll card for everybody, in each kind and state: axe, narrow screens, sizes of targets."""

from __future__ import annotations

import json

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ViewportSize, expect

from tests.browser.pages.asked import receipt
from tests.browser.pages.conftest import Theatre
from tests.browser.pages.poll_states import ASKED, TOLD

pytestmark = pytest.mark.browser

STATES = (*(f"ask-{kind}" for kind in ASKED), *(f"told-{kind}" for kind in TOLD))
BOTH = ("ask-single", "ask-eleven", "ask-ranking", "ask-qa", "told-survey")
PHONE: ViewportSize = {"width": 390, "height": 844}
BALLOT = "a" * 32
OVER = """[...document.querySelectorAll("streamd-poll *")]
  .filter((e) => !e.closest(".visually-hidden, .region-table, svg"))
  .map((e) => [e.tagName, e.className, e.getBoundingClientRect()])
  .filter(([, , r]) => r.width > 0 && (r.right > innerWidth + 1 || r.left < -1))
  .map(([tag, name]) => `${tag}.${name}`)"""
SMALL = """[...document.querySelectorAll("streamd-poll :is(a, button, input, summary, textarea)")]
  .map((e) => [e.outerHTML.slice(0, 90), (e.closest("label") ?? e).getBoundingClientRect()])
  .filter(([, r]) => r.width > 1 && (r.width < 24 || r.height < 24))
  .map(([html]) => html)"""
NAMES = """[...document.querySelectorAll("streamd-poll :is(button, a)")]
  .filter((e) => e.checkVisibility() && e.getAttribute("aria-label"))
  .map((e) => [e.innerText.trim().replace(/\\s+/g, " "), e.getAttribute("aria-label")])
  .filter(([seen, name]) => seen && !name.includes(seen))"""


@pytest.mark.parametrize(("language", "theme"), [("en", "dark"), ("fa", "light")])
def test_everybody_can_use_it(theatre: Theatre, language: str, theme: str) -> None:
    theatre.page.set_viewport_size(PHONE)
    theatre.open(f"/watch/mina?lang={language}&theme={theme}")
    # Each state in one of the two languages, and the widest in both.
    for place, state in enumerate(STATES):
        if state in BOTH or (place % 2 == 0) == (language == "en"):
            check(theatre, state, language, f"poll{place}")


def check(theatre: Theatre, state: str, language: str, poll: str) -> None:
    """Brings the card into ``state`` with everything opened, and looks at it."""
    page, card = theatre.page, theatre.page.locator("streamd-poll")
    moment, _, kind = state.partition("-")
    if moment == "ask":
        row = ASKED[kind](language)
    else:
        make, said = TOLD[kind]
        row = make(language)
        kept = {**said, "ballot_id": BALLOT, "nonce": "b" * 32, "receipt": receipt(poll, BALLOT)}
        page.evaluate(
            "([key, kept]) => localStorage.setItem(key, kept)",
            [f"streamd.ballot.{poll}", json.dumps(kept)],
        )
    row = {**row, "id": poll, "tally": {**row["tally"], "poll": poll}}
    theatre.do(theatre.stage.set_polls, "mina", row)
    theatre.until(f"document.querySelector('streamd-poll').poll?.id === '{poll}'")
    expect(card.locator(".terms")).to_be_attached()
    if page.locator(".dock[data-folded]").count():
        page.locator(".dock-fold").click()
    if moment == "ask" and row["kind"] != "qa":
        # What is wrong is part of what everybody can use.
        card.locator("button[type=submit]").click()
    for opened in (".terms summary", ".counted button[aria-expanded=false]"):
        if card.locator(opened).count():
            card.locator(opened).click()
    results = Axe().run(page, context="streamd-poll")
    assert results.violations_count == 0, f"{state}: {results.generate_report()}"
    assert page.evaluate(SMALL) == [], state
    assert page.evaluate(NAMES) == [], state
    page.set_viewport_size({"width": 280, "height": 653})
    assert page.evaluate(OVER) == [], state
    page.set_viewport_size(PHONE)
