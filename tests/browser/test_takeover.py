"""Two studios, one stream: the second asks and takes over, the first does not fight back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_main_job import SLOW_MS, playing
from tests.browser.watching import watching
from tests.server import Server

pytestmark = pytest.mark.browser


@pytest.fixture
def pages(browser: Browser) -> Iterator[list[Page]]:
    contexts = [browser.new_context(permissions=["camera", "microphone"]) for _ in range(3)]
    yield [context.new_page() for context in contexts]
    for context in contexts:
        context.close()


def press(page: Page, *names: str) -> None:
    for name in names:
        page.get_by_role("button", name=name, exact=True).click(timeout=SLOW_MS)


def test_the_stream_changes_hands_and_viewers_stay(
    server: Server, pages: list[Page], artefacts: Path
) -> None:
    key = server.new_key("be")
    first, second, viewer = pages
    first.goto(f"{server.url}/studio/be?lang=en#key={key}&way=webrtc")
    press(first, "Go live", "Press again to go live")
    first.get_by_role("button", name="End broadcast").wait_for(timeout=SLOW_MS)
    viewer.goto(f"{server.url}/watch/be?lang=en")
    playing(viewer, "ws")

    second.goto(f"{server.url}/studio/be?lang=en#key={key}&way=webrtc")
    expect(second.get_by_role("heading", name="Take over here?")).to_be_visible(timeout=SLOW_MS)
    second.screenshot(path=artefacts / "asks.png")
    press(second, "Take over here", "Yes, take over")
    second.get_by_role("button", name="End broadcast").wait_for(timeout=SLOW_MS)
    watching(viewer)

    heading = first.get_by_role("heading", name="Another device has taken over")
    expect(heading).to_be_visible(timeout=SLOW_MS)
    expect(second.get_by_role("button", name="End broadcast")).to_be_visible()
    press(second, "End broadcast", "Press again to end")
