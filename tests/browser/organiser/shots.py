"""``python -m tests.browser.organiser.shots FOLDER [NAME…]``: the organiser's pages in pictures."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.organiser.seed import Organiser, everything, prepared
from tests.conftest import CHROMIUM, CHROMIUM_FLAGS, EVENT
from tests.server import Server, running

WIDE, PHONE, HALL = (1440, 900), (390, 844), (1920, 1080)
LOOKS = {"en": {"light": (WIDE,), "dark": (PHONE,)}, "fa": {"dark": (WIDE,), "light": (PHONE,)}}


def write_survey(page: Page) -> None:
    """The composer on the desk, with a survey of three questions and its rules open."""
    page.keyboard.press("w")
    page.locator(".templates > summary").click()
    page.locator(".templates .button").nth(8).click()
    page.locator(".rules > summary").first.click()


STEPS: dict[str, Callable[[Page], None]] = {
    "desk-write": write_survey,
    "desk-quiz": lambda page: page.locator(".poll-entry.closed").nth(2).click(),
    "desk-qa": lambda page: page.locator(".poll-entry.open").nth(1).click(),
}


def shoot(
    browser: Browser, server: Server, folder: Path, name: str, path: str, key: str, lang: str
) -> None:
    """One page, wide and on a phone, light and dark."""
    for theme, sizes in LOOKS[lang].items():
        for width, height in (HALL,) if name.startswith("present") else sizes:
            context = browser.new_context(viewport={"width": width, "height": height})
            context.add_init_script(f"localStorage.setItem('streamd.theme', '{theme}')")
            page = context.new_page()
            page.on("pageerror", lambda error: print(name, "error:", error))
            joint = "&" if "?" in path else "?"
            page.goto(f"{server.url}{path}{joint}lang={lang}{f'#key={key}' if key else ''}")
            page.wait_for_timeout(1200)
            if name in STEPS:
                STEPS[name](page)
                page.wait_for_timeout(400)
            whole = not name.startswith("present")
            page.screenshot(path=folder / f"{name}-{lang}-{theme}-{width}.png", full_page=whole)
            context.close()


def main(folder: Path, only: list[str]) -> None:
    """Starts a server, fills it, takes the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        config = Path(home) / "config.toml"
        config.write_text(EVENT, encoding="utf-8")
        with running(Path(home), "serve", "--config", str(config)) as server:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
            for lang, stream in (("en", "alef"), ("fa", "be")):
                key = server.new_key(stream)
                organiser = Organiser(server, key, stream)
                found = everything(organiser, lang)
                prepared(organiser, lang)
                pages = {
                    **{f"poll-{kind}": (f"/polls/{name}", "") for kind, name in found.items()},
                    "polls": (f"/polls?stream={stream}", ""),
                    "present": (f"/present/{stream}", ""),
                    "desk": (f"/studio/{stream}/desk", key),
                    **dict.fromkeys(STEPS, (f"/studio/{stream}/desk", key)),
                    "studio": (f"/studio/{stream}", key),
                }
                for name, (path, given) in pages.items():
                    if not only or name in only:
                        shoot(browser, server, folder, name, path, given, lang)
            browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
