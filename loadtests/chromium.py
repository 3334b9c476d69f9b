"""The real browser that the latency test looks through."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from loadtests.errors import Unprepared

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Playwright

FLAGS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
    # A page without a camera would offer its addresses only as names of multicast DNS.
    "--disable-features=WebRtcHideLocalIpsWithMdns",
]
SCRIPTS: Final = Path(__file__).parent / "browser"


def script(name: str) -> str:
    """The text of a script in ``browser/``."""
    return (SCRIPTS / f"{name}.js").read_text(encoding="utf-8")


@contextmanager
def playwright() -> Iterator[Playwright]:
    """Playwright's driver. Raises Unprepared where it is not installed."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise Unprepared("Playwright is needed: pip install 'streamd[test]'.") from error
    with sync_playwright() as driver:
        yield driver


@contextmanager
def browser(driver: Playwright) -> Iterator[Browser]:
    """A Chromium of its own. Raises Unprepared where there is none."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        raise Unprepared("Chromium is needed: apt-get install chromium, or name one in CHROMIUM.")
    launched = driver.chromium.launch(executable_path=path, args=FLAGS)
    try:
        yield launched
    finally:
        launched.close()


@contextmanager
def context(launched: Browser) -> Iterator[BrowserContext]:
    """A fresh profile. The pages' CSP is put aside: the measuring worklet is a blob."""
    opened = launched.new_context(viewport={"width": 1280, "height": 800}, bypass_csp=True)
    try:
        yield opened
    finally:
        opened.close()
