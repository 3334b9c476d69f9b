"""Behind a firewall that drops UDP the studio goes live all the same, and viewers elsewhere watch.

Chromium runs inside a network namespace; it needs root and iproute2, and is skipped without.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from loadtests.errors import Unprepared
from tests.browser.firewall import Firewalled, firewalled
from tests.browser.test_main_job import SLOW_MS, playing
from tests.browser.watching import watching
from tests.conftest import CHROMIUM, CHROMIUM_FLAGS, EVENT
from tests.server import Server, running
from tests.web.client import Client

pytestmark = pytest.mark.browser


@pytest.fixture
def network() -> Iterator[Firewalled]:
    """The network, or a reason to skip."""
    made = firewalled()
    try:
        network = made.__enter__()
    except Unprepared as error:
        pytest.skip(str(error))
    yield network
    made.__exit__(None, None, None)


@pytest.fixture
def reachable(network: Firewalled, tmp_path: Path) -> Iterator[Server]:
    """A streamd that listens on every interface."""
    config = tmp_path / "config.toml"
    config.write_text(EVENT, encoding="utf-8")
    everywhere = {"STREAMD_WEB_HOST": "0.0.0.0", "STREAMD_FEEDS_HOST": "0.0.0.0"}
    with running(tmp_path / "home", "serve", "--config", str(config), **everywhere) as server:
        yield server


def until(studio: Page, test: Callable[[], bool]) -> None:
    """Lets the page run until ``test`` comes true."""
    deadline = time.monotonic() + SLOW_MS / 1000
    while not test():
        assert time.monotonic() < deadline
        studio.wait_for_timeout(50)


def go_live(studio: Page) -> None:
    studio.get_by_role("button", name="Go live", exact=True).click(timeout=SLOW_MS)
    studio.get_by_role("button", name="Press again to go live").click()


def health(server: Server, key: str) -> dict[str, Any]:
    answer: dict[str, Any] = Client(server).ask("GET", "/api/v1/streams/alef/health", key=key).json
    return answer


def test_it_goes_live_over_the_web_connection_then_by_webrtc_and_moves_between_networks(
    network: Firewalled, reachable: Server, browser: Browser, tmp_path: Path, artefacts: Path
) -> None:
    key = reachable.new_key("alef")
    origin = f"http://{network.host}:{reachable.port}"
    flags = [*CHROMIUM_FLAGS, f"--unsafely-treat-insecure-origin-as-secure={origin}"]
    inside = browser.browser_type.launch(
        executable_path=network.chromium(tmp_path, CHROMIUM), args=flags
    )
    studio = inside.new_context(permissions=["camera", "microphone"]).new_page()
    studio.goto(f"{origin}/studio/alef?lang=en#key={key}")
    pressed = time.monotonic()
    go_live(studio)
    studio.get_by_role("button", name="End broadcast").wait_for(timeout=SLOW_MS)
    assert time.monotonic() - pressed > 4.9
    expect(studio.locator(".trouble")).to_contain_text("over the web connection instead")
    studio.screenshot(path=artefacts / "studio.png")

    viewer = browser.new_page()
    viewer.goto(f"{reachable.url}/watch/alef?lang=en")
    playing(viewer, "ws")
    assert health(reachable, key)["source"] == "websocket"
    assert health(reachable, key)["link"]["rtt_ms"] is not None

    studio.get_by_role("button", name="End broadcast").click()
    studio.get_by_role("button", name="Press again to end").click()
    network.open()
    studio.get_by_role("button", name="Broadcast again").click()
    go_live(studio)
    studio.get_by_role("button", name="End broadcast").wait_for(timeout=SLOW_MS)
    assert health(reachable, key)["source"] == "whip"
    playing(viewer, "ws")

    answers: list[tuple[str, int]] = []
    studio.on("response", lambda answer: answers.append((answer.request.method, answer.status)))
    network.move()
    until(studio, lambda: ("PATCH", 200) in answers)
    watching(viewer)
    assert "POST" not in [method for method, _ in answers]
    expect(studio.get_by_role("button", name="End broadcast")).to_be_visible()
    inside.close()
