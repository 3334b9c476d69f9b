"""The organiser's pages on a streamd of their own, with polls of every kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.organiser.seed import Organiser, everything
from tests.conftest import EVENT
from tests.server import Server, running

REGIONS = """
[[event.regions]]
id = "north"
name = { en = "The north", fa = "شمال" }
"""


@pytest.fixture(scope="session")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A streamd whose polls are these tests' alone."""
    home = tmp_path_factory.mktemp("organiser")
    config = home / "config.toml"
    config.write_text(EVENT + REGIONS, encoding="utf-8")
    with running(home, "serve", "--config", str(config)) as started:
        yield started


@pytest.fixture(scope="session")
def answered(hall: Server) -> dict[str, str]:
    """A poll of every kind on stream ``be``, in English: kind → id."""
    return everything(Organiser(hall, hall.new_key("be"), "be"), "en")


@pytest.fixture(scope="session")
def producer(hall: Server) -> Organiser:
    """Whoever holds the key of stream ``pe``."""
    return Organiser(hall, hall.new_key("pe"), "pe")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of its own; its script errors fail the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    errors: list[str] = []
    context.on("weberror", lambda error: errors.append(str(error.error)))
    yield context.new_page()
    context.close()
    assert errors == []
