"""A studio that ends its broadcast while it reconnects: its viewers are told, and do not wait."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from tests.browser.test_main_job import SLOW_MS, playing
from tests.browser.test_takeover import press
from tests.server import Server
from tests.web.client import Client

pytestmark = pytest.mark.browser

TOLD_SECONDS = 12
"""The server's own patience is half a minute."""


@pytest.fixture
def pages(browser: Browser) -> Iterator[tuple[Page, Page]]:
    contexts = [browser.new_context(permissions=["camera", "microphone"]) for _ in range(2)]
    yield contexts[0].new_page(), contexts[1].new_page()
    for context in contexts:
        context.close()


def test_the_end_while_reconnecting_is_the_viewers_end(
    server: Server, pages: tuple[Page, Page]
) -> None:
    studio, viewer = pages
    key = server.new_key("pe")
    lines: list[WebSocketRoute] = []

    def connect(line: WebSocketRoute) -> None:
        if lines:
            line.close()
            return
        lines.append(line.connect_to_server())

    studio.route_web_socket("**/publish/*", connect)
    studio.goto(f"{server.url}/studio/pe?lang=en#key={key}&way=websocket")
    press(studio, "Go live", "Press again to go live")
    studio.get_by_role("button", name="End broadcast").wait_for(timeout=SLOW_MS)
    viewer.goto(f"{server.url}/watch/pe?lang=en")
    playing(viewer, "ws")

    # The line breaks, and no other comes about.
    lines[0].close(code=3000)
    expect(studio.locator(".phase-reconnecting")).to_be_visible(timeout=SLOW_MS)
    press(studio, "End broadcast", "Press again to end")
    expect(viewer.get_by_text("The broadcast has ended")).to_be_visible(timeout=TOLD_SECONDS * 1000)
    assert Client(server).ask("GET", "/api/v1/streams/pe").json["state"] == "ended"
