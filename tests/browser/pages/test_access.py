"""The pages for everybody: axe finds nothing, nothing overflows at 280 px, thumbnails are few."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.pages.asked import poll
from tests.browser.pages.conftest import Theatre

pytestmark = pytest.mark.browser

WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
STATES = ("event", "ask", "counted", "closed", "idle", "ended", "error")


def show(theatre: Theatre, state: str, language: str, theme: str) -> None:
    """Brings the page into ``state``."""
    tail = f"lang={language}&theme={theme}"
    stage = theatre.stage
    if state in ("ask", "counted", "closed"):
        shown = poll(language, state="closed" if state == "closed" else "open")
        theatre.do(stage.set_polls, "mina", shown)
    if state == "ended":
        theatre.do(stage.set_stream, "mina", "ended")
    path = {"event": "/", "error": "/error/404"}.get(state, "/watch/mina")
    theatre.open(f"{path}?{tail}")
    theatre.page.evaluate("document.fonts.ready")
    if state in ("ask", "counted"):
        expect(theatre.page.locator(".choice")).to_have_count(4)
    if state == "counted":
        theatre.page.locator(".choice").first.click()
        theatre.page.locator("streamd-poll button[type=submit]").click()
        theatre.page.locator(".counted button[aria-expanded]").click()


@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing(theatre: Theatre, state: str, artefacts: Path) -> None:
    for number, (language, theme, size) in enumerate(
        (("en", "dark", WIDE), ("fa", "light", PHONE))
    ):
        theatre.page.set_viewport_size(size)  # type: ignore[arg-type]
        theatre.page.context.clear_cookies()
        show(theatre, state, language, theme)
        theatre.page.wait_for_timeout(300)
        theatre.page.screenshot(path=artefacts / f"{number}-{language}-{theme}.png")
        results = Axe().run(theatre.page)
        assert results.violations_count == 0, results.generate_report()
        theatre.page.evaluate("localStorage.clear()")


def test_a_sheet_that_scrolls_can_be_scrolled_by_keyboard(theatre: Theatre) -> None:
    theatre.page.set_viewport_size({"width": 390, "height": 480})
    show(theatre, "closed", "en", "dark")
    theatre.do(theatre.stage.set_stream, "mina", "ended")
    if theatre.page.locator("[data-folded]").count():
        theatre.page.locator(".dock-fold").click()
    expect(theatre.page.locator("streamd-poll[tabindex='0']")).to_be_visible()
    results = Axe().run(theatre.page)
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("state", STATES)
def test_nothing_overflows_at_280_pixels(theatre: Theatre, state: str) -> None:
    theatre.page.set_viewport_size({"width": 280, "height": 653})
    show(theatre, state, "fa" if state in ("ask", "event") else "en", "dark")
    over = theatre.page.evaluate(
        """[...document.querySelectorAll("body *")]
          .filter((e) => !e.closest(".visually-hidden, .skip, svg"))
          .map((e) => [e.tagName, e.className, e.getBoundingClientRect()])
          .filter(([, , r]) => r.width > 0 && (r.right > innerWidth + 1 || r.left < -1))
          .map(([tag, name]) => `${tag}.${name}`)"""
    )
    assert over == []
    assert theatre.page.evaluate("document.documentElement.scrollWidth") <= 280


def test_targets_are_large_enough(theatre: Theatre) -> None:
    theatre.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    show(theatre, "counted", "en", "dark")
    small = theatre.page.evaluate(
        """[...document.querySelectorAll("a, button, input, summary")]
          .map((e) => [e.outerHTML.slice(0, 80), (e.closest("label") ?? e).getBoundingClientRect()])
          .filter(([, r]) => r.width > 1 && (r.width < 24 || r.height < 24))
          .map(([html]) => html)"""
    )
    assert small == []


def test_the_event_page_follows_the_feed(theatre: Theatre) -> None:
    theatre.open("/")
    tags = theatre.page.locator("[data-state]")
    expect(tags).to_have_text(["Not started", "Not started", "Not started"])
    expect(theatre.page.get_by_text("Nobody is live right now")).to_be_visible()
    theatre.do(theatre.stage.set_stream, "kaveh", "live", 96)
    expect(tags).to_have_text(["Not started", "Live", "Not started"])
    expect(theatre.page.get_by_text("96 people are watching")).to_be_visible()
    thumbnail = theatre.page.locator("streamd-player")
    expect(thumbnail).to_have_count(1)
    assert thumbnail.evaluate("(player) => player.video.muted")
    theatre.do(theatre.stage.set_stream, "kaveh", "ended")
    expect(thumbnail).to_have_count(0)


def test_why_this_order(theatre: Theatre) -> None:
    theatre.open("/")
    theatre.page.get_by_text("Why this order?").click()
    expect(theatre.page.get_by_text("published rotation")).to_be_visible()


def test_the_theme_is_the_reader_s_choice(theatre: Theatre) -> None:
    theatre.open()
    scheme = "getComputedStyle(document.documentElement).colorScheme"
    assert theatre.page.evaluate(scheme) == "dark"
    theatre.page.get_by_role("button", name="Switch between light and dark").click()
    assert theatre.page.evaluate(scheme) == "light"
    theatre.open()
    assert theatre.page.evaluate(scheme) == "light"
