"""An open poll is given more time and less: every path meets the close that counts."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_cues import SLOW_MS, ask_for, moment, viewer
from tests.server import Server, running
from tests.web.client import Client

pytestmark = pytest.mark.browser

# A minute and what was left; more where a busy machine films late.
LEFT = re.compile(r"^[1-9]:\d\d left$")


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A test card on stream ``card``."""
    home = tmp_path_factory.mktemp("deadlines")
    with running(home, "none", module="tests.card_server") as server:
        yield server


def past(page: Page, at: float) -> None:
    """Waits until this viewer's picture is past ``at``."""
    page.wait_for_function(
        "(at) => document.querySelector('streamd-player').clock > at", arg=at, timeout=SLOW_MS
    )


def test_more_time_and_less_reach_every_path_and_the_desk_says_what_is_still_taken(
    live: Server, browser: Browser
) -> None:
    key = live.new_key("card")
    organiser = Client(live)
    pages = {path: viewer(browser, live, path) for path in ("ws", "whep", "hls")}
    question = "Is a minute enough?"
    ask_for([*pages.values()], question)
    asked = {"question": question, "choices": ["a", "b"], "duration_seconds": 5}
    made = organiser.ask("POST", "/api/v1/streams/card/polls", asked, key=key).json
    desk = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    desk.goto(f"{live.url}/studio/card/desk?lang=en#key={key}")
    expect(desk.get_by_role("group", name="Delay until viewers see it")).to_be_visible()
    desk.keyboard.press("o")
    desk.keyboard.press("o")
    expect(desk.locator(".in-hand.open")).to_be_visible()
    opened = organiser.ask("GET", f"/api/v1/polls/{made['id']}").json
    desk.keyboard.press("m")
    expect(desk.get_by_role("status")).to_contain_text("One minute more: it closes at ")
    expect(desk.locator(".in-hand header .number")).to_have_text(LEFT)
    for page in pages.values():
        past(page, opened["cue"]["close"] + 0.5)
        assert page.evaluate("() => document.querySelector('streamd-poll').isOpen")
        assert page.evaluate("() => window.seen.closed === undefined")

    # Shown at a picture of the broadcast that is ten seconds ahead.
    desk.keyboard.press("t")
    expect(desk.get_by_role("radio", name="10 s")).to_be_checked()
    desk.keyboard.press("s")
    expect(desk.get_by_role("radio", name="none")).to_be_checked()
    expect(desk.get_by_role("status")).to_contain_text("The hall's screen shows: ")
    shown = organiser.ask("GET", f"/api/v1/polls/{made['id']}").json
    assert 2 < shown["cue"]["show"] - shown["shown_at"] < 12

    sooner = time.time() + 2
    path = f"/api/v1/polls/{made['id']}/deadline"
    moved = organiser.ask("POST", path, {"closes_at": sooner}, key=key).json
    assert moved["cue"]["rev"] == 2
    for page in pages.values():
        closed = moment(page, "closed")
        assert closed["at"] >= 1000 * moved["cue"]["close"] - 1
        assert closed["at"] < 1000 * opened["cue"]["close"] + 60_000
    # Who is far behind may answer still, and nothing else can be done to it meanwhile.
    desk.reload()
    expect(desk.locator(".in-hand .tag").first).to_have_text("Closing")
    expect(desk.locator(".in-hand header .number")).to_contain_text("Closing: ballots until ")
    for name in ("Close", "One minute more"):
        expect(desk.get_by_role("button", name=name, exact=True)).to_be_disabled()
    refused = organiser.ask("POST", path, {"closes_at": time.time() + 60}, key=key)
    assert (refused.status, refused.json["type"]) == (409, "urn:streamd:problem:illegal_move")
    desk.get_by_role("link", name="Results and files").click()
    expect(desk.locator(".deadlines li")).to_have_count(2)
    expect(desk.locator(".deadlines li").first).to_contain_text("Extended at ")
    expect(desk.locator(".deadlines li").last).to_contain_text("Shortened at ")
    for page in (*pages.values(), desk):
        page.context.close()
