"""The mock server in a thread of its own, beside the synchronous browser of these tests."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.studio_pages.mock_server import KEY, Fixture, serving
from tests.browser.studio_pages.poll_rows import STREAM

Result = TypeVar("Result")
DEADLINE_MS = 30_000


class Studio:
    """One page on one mock server: ``fixture`` is what the server answers."""

    def __init__(self, page: Page, origin: str, fixture: Fixture, run: Callable[..., Any]) -> None:
        self.page = page
        self.origin = origin
        self.fixture = fixture
        self._run = run
        page.set_default_timeout(DEADLINE_MS)

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Runs ``coroutine`` on the server's loop."""
        result: Result = self._run(coroutine)
        return result

    def until(self, test: Callable[[], bool]) -> bool:
        """Waits until the server has seen ``test`` come true; False past the deadline."""
        deadline = time.monotonic() + DEADLINE_MS / 1000
        while not test() and time.monotonic() < deadline:
            self.run(asyncio.sleep(0.05))
        return test()

    def open(self, key: str = KEY, lang: str = "en", way: str = "") -> None:
        """Opens the link that a candidate gets."""
        fragment = f"#key={key}" if key else ""
        fragment += f"&way={way}" if way else ""
        self.page.goto(f"{self.origin}/studio/{STREAM}?lang={lang}{fragment}")

    def press(self, name: str) -> None:
        """Presses the button of that name."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def go_live(self) -> None:
        """From the device check to "live"."""
        self.press("Go live")
        self.press("Press again to go live")
        self.page.locator(".desk.on-air").wait_for()


@pytest.fixture
def fixture() -> Fixture:
    """What the server answers; a test may change it before it takes ``studio``."""
    return Fixture()


@pytest.fixture
def studio(browser: Browser, fixture: Fixture) -> Iterator[Studio]:
    """A phone with camera and microphone allowed; script errors fail the test."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(timeout=30)

    server = serving(fixture)
    origin = run(server.__aenter__())
    context = browser.new_context(viewport={"width": 390, "height": 844})
    context.grant_permissions(["camera", "microphone"], origin=origin)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield Studio(page, origin, fixture, run)
    context.close()
    run(server.__aexit__(None, None, None))
    loop.call_soon_threadsafe(loop.stop)
    thread.join(timeout=10)
    loop.close()
    assert errors == []
