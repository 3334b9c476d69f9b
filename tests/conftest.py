"""Fixtures that every test folder shares: a running streamd, and a real browser."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from playwright.async_api import expect as expect_async
from playwright.sync_api import Browser, expect, sync_playwright

from tests.server import Server, running

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
]
# Deadlines are for what hangs: a machine that does other things too may take its time.
DEADLINE_MS = 20_000
expect.set_options(timeout=DEADLINE_MS)
expect_async.set_options(timeout=DEADLINE_MS)

ARTEFACTS = Path(__file__).parent.parent / "artefacts"

EVENT = """
[event]
id = "test"
title = { en = "Test event", fa = "رویداد آزمون" }

[[event.candidates]]
stream = "alef"
number = 3
name = { en = "Alef Azad", fa = "الف آزاد" }

[[event.candidates]]
stream = "be"
number = 5
name = { en = "Be Bahar", fa = "ب بهار" }

[[event.candidates]]
stream = "pe"
number = 8
name = { en = "Pe Paydar", fa = "پ پایدار" }
"""


@pytest.fixture(autouse=True)
def logging_as_it_comes() -> Iterator[None]:
    """Each test finds structlog unconfigured: a stream captured for one test is closed in the
    next. Loggers that were bound for good could not be freed of it, so that is refused."""
    structlog.reset_defaults()
    yield
    bound_for_good = structlog.get_config()["cache_logger_on_first_use"]
    structlog.reset_defaults()
    assert not bound_for_good, "The test configured structlog for good; start a process for that."


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """No module configures structlog when it is imported: it would be for whatever runs later."""
    if structlog.is_configured():
        raise pytest.UsageError(f"{report.nodeid}: importing it configures structlog.")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A streamd with three candidates, for tests that do not stop it."""
    home = tmp_path_factory.mktemp("streamd")
    config = home / "config.toml"
    config.write_text(EVENT, encoding="utf-8")
    with running(home, "serve", "--config", str(config)) as started:
        yield started


@pytest.fixture(scope="session")
def stream_key(server: Server) -> str:
    """The key of stream ``alef``."""
    return server.new_key("alef")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium with a fake camera and microphone.

    Not for a whole session: while Playwright's blocking interface is open it runs an event loop
    in this thread, and tests that are coroutines cannot run beside it.
    """
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def artefacts(request: pytest.FixtureRequest) -> Path:
    """Where this test keeps its screenshots."""
    folder = ARTEFACTS / re.sub(r"\W+", "-", request.node.name).strip("-")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What drives a real browser is tried once more when it fails, and the summary says so (R):
    on two cores Chromium's own start and decoding may take longer than any deadline."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        in_browser = item.get_closest_marker("browser") or "browser" in fixtures
        if in_browser or "/browser/" in item.nodeid:
            item.add_marker(pytest.mark.flaky(reruns=1))
