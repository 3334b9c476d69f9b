"""The stage in a thread of its own, beside the synchronous browser of these tests."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.pages.stage import Stage, stage
from tests.browser.pages.steps import go_live

Result = TypeVar("Result")
DEADLINE_SECONDS = 30.0


class Theatre:
    """A stage on its own loop, and one page in front of it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, served: Stage) -> None:
        self._loop = loop
        self.stage = served
        self.page: Page

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Runs ``coroutine`` on the stage's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(DEADLINE_SECONDS)

    def do(self, act: Callable[..., Result], *arguments: object) -> Result:
        """Calls ``act`` on the stage's loop."""

        async def call() -> Result:
            return act(*arguments)

        return self.run(call())

    def open(self, path: str = "/watch/mina") -> None:
        """Opens a page in English, unless ``path`` says otherwise."""
        joint = "&" if "?" in path else "?"
        lang = "" if "lang=" in path else f"{joint}lang=en"
        self.page.goto(f"{self.stage.url}{path}{lang}")

    def until(self, expression: str, seconds: float = DEADLINE_SECONDS) -> Any:
        """Waits for a JavaScript expression to become true and returns it."""
        deadline = time.monotonic() + seconds
        while not (value := self.page.evaluate(expression)):
            if time.monotonic() > deadline:
                raise TimeoutError(expression)
            self.page.wait_for_timeout(50)
        return value


@pytest.fixture(scope="module")
def shared() -> Iterator[Theatre]:
    """One stage a module: it is reset before each test."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    serving = stage()

    def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(DEADLINE_SECONDS)

    # One task enters and leaves: a TaskGroup must be left by the task that entered it.
    ready: asyncio.Future[Stage] = run(_future())
    leave: asyncio.Event = run(_event())

    async def serve() -> None:
        async with serving as served:
            ready.set_result(served)
            await leave.wait()

    over = asyncio.run_coroutine_threadsafe(serve(), loop)
    yield Theatre(loop, run(_result(ready)))
    loop.call_soon_threadsafe(leave.set)
    over.result(DEADLINE_SECONDS)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(timeout=10)
    loop.close()


async def _future() -> asyncio.Future[Stage]:
    return asyncio.get_running_loop().create_future()


async def _event() -> asyncio.Event:
    return asyncio.Event()


async def _result(future: asyncio.Future[Stage]) -> Stage:
    return await future


@pytest.fixture
def theatre(shared: Theatre, browser: Browser) -> Iterator[Theatre]:
    """A wide page, nothing on air yet; script errors and missing static files fail the test."""
    for stream in tuple(shared.stage.pictures):  # of a test that failed
        shared.run(shared.stage.take_off(stream))
    shared.do(shared.stage.reset)
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    shared.page = context.new_page()
    shared.page.set_default_timeout(DEADLINE_SECONDS * 1000)
    errors: list[str] = []
    shared.page.on("pageerror", lambda error: errors.append(str(error)))
    shared.page.on(
        "response",
        lambda answer: (
            errors.append(answer.url) if "/static/" in answer.url and answer.status >= 400 else None
        ),
    )
    yield shared
    context.close()
    assert errors == []


@pytest.fixture
def card(theatre: Theatre) -> Iterator[Theatre]:
    """The test card is on mina's stream, and its page is open."""
    go_live(theatre)
    theatre.open()
    yield theatre
    theatre.run(theatre.stage.take_off("mina"))
