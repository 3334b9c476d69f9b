"""Draws the page of platforms' frames in its states, sizes, languages and themes to look at.

    python -m tests.browser.pages.embed_shots FOLDER [NAME…]

The frame stands in another site's page. What axe finds in it is printed.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, FrameLocator, Page, async_playwright

from tests.browser.pages.asked import question, sheet, survey
from tests.browser.pages.messenger import Messenger, messenger
from tests.browser.pages.shots import CHROMIUM, FLAGS
from tests.browser.pages.stage import Stage, stage

SIZES = {
    "240": (240, 560),
    "240-low": (240, 160),
    "360": (360, 640),
    "360-low": (360, 240),
    "640": (640, 400),
    "640-high": (640, 820),
    "960": (960, 440),
}
LOOKS = [("en", "light"), ("fa", "dark")]
NAMES = ("idle", "ask", "told", "rating", "eleven", "qa", "survey", "tab", "code", "ended", "live")


def put(served: Stage, name: str, language: str) -> None:
    """Brings the stage into a state."""
    kinds = {"rating": "rating", "qa": "qa"}
    if name in ("ask", "told", "tab", *kinds):
        asked = sheet(question(language, kinds.get(name, "single")), language)
        served.set_polls("mina", asked)
    if name == "code":
        served.set_polls("mina", sheet(question(language, "single"), language, who=("code",)))
    if name == "survey":
        served.set_polls("mina", sheet(survey(language), language))
    if name == "ended":
        row = sheet(question(language, "single"), language, state="closed")
        served.set_polls("mina", row)
        served.set_stream("mina", "ended")
    served.holds_device = name != "tab"


async def act(frame: FrameLocator, page: Page, name: str) -> None:
    """What the voter does before the picture is taken."""
    if name != "idle":
        await frame.locator(".poll-body").wait_for(state="attached")
    if name == "told":
        if await frame.locator("[data-folded]").count():
            await frame.locator(".dock-fold").click()
        await frame.locator(".choice").nth(1).click()
        await frame.locator("button[type=submit]").click()
        await frame.locator(".counted button").first.click()
    if name == "live":
        await page.wait_for_timeout(2000)


async def draw(
    browser: Browser, served: Stage, site: Messenger, name: str, size: str, look: tuple[str, str]
) -> tuple[bytes, int]:
    """A picture of one state, and how many faults axe found in it."""
    language, theme = look
    width, height = SIZES[size]
    served.reset()
    if name == "live":
        served.set_polls("mina", sheet(question(language, "single"), language))
        served.show_card("mina")
        await asyncio.sleep(0.5)
        served.set_stream("mina", "live", 2841)
    put(served, name, language)
    context = await browser.new_context(viewport={"width": width, "height": height})
    page = await context.new_page()
    page.on("pageerror", lambda error: print(name, error))
    src = f"{served.url}/embed/mina?lang={language}&theme={theme}"
    await page.goto(site.show(src, (width, height)))
    frame = page.frame_locator("iframe")
    await act(frame, page, name)
    await page.wait_for_timeout(600)
    shot = await page.screenshot()
    await page.goto(src)
    await act_alone(page, name)
    results = await Axe().run(page)
    if results.violations_count:
        print(f"{name} {size} {look}: {results.generate_report()}")
    await context.close()
    if name == "live":
        await served.take_off("mina")
    return shot, int(results.violations_count)


async def act_alone(page: Page, name: str) -> None:
    """Waits until the page, on its own, has drawn itself."""
    if name != "idle":
        await page.locator(".poll-body").wait_for(state="attached")
    await page.wait_for_timeout(300)


async def main(folder: Path, names: list[str], sizes: list[str]) -> int:
    """Draws the named states, or all, in the named sizes."""
    faults = 0
    async with stage() as served, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with messenger() as site:
            for name in names or NAMES:
                for size in sizes:
                    for look in LOOKS:
                        shot, found = await draw(browser, served, site, name, size, look)
                        (folder / f"{name}-{size}-{look[0]}.png").write_bytes(shot)
                        faults += found
        await browser.close()
    return faults


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "artefacts/embed")
    target.mkdir(parents=True, exist_ok=True)
    wanted = [one for one in sys.argv[2:] if one not in SIZES]
    chosen = [one for one in sys.argv[2:] if one in SIZES] or list(SIZES)
    sys.exit(1 if asyncio.run(main(target, wanted, chosen)) else 0)
