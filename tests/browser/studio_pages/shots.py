"""Draws the studio in each of its states and keeps the pictures: ``python -m
tests.browser.studio_pages.shots DIRECTORY [STATE …]``. Look at them after every change of the page.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from tests.browser.studio_pages.mock_server import KEY, Fixture, last_word, serving
from tests.browser.studio_pages.poll_rows import STREAM, poll

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
]
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}


def open_polls(lang: str) -> list[dict[str, object]]:
    now = time.time()
    return [
        poll(3, "open", lang, (41, 63, 118), opened_at=now - 40, closes_at=now + 80),
        poll(2, "draft", lang),
        poll(1, "closed", lang, (12, 30, 9), opened_at=now - 900, closed_at=now - 800),
    ]


async def go_live(page: Page, fixture: Fixture) -> None:
    """From the device check to "live", by the page's own buttons."""
    await page.locator(".stage video").wait_for(state="visible")
    button = page.locator(".dock .main")
    await button.click()
    await button.click()
    await page.locator(".desk.on-air").wait_for()
    await fixture.push_viewers(1284)
    await page.wait_for_timeout(fixture.settle_ms)


async def nothing(page: Page, fixture: Fixture) -> None:
    await page.wait_for_timeout(700)


async def armed(page: Page, fixture: Fixture) -> None:
    await page.locator(".stage video").wait_for(state="visible")
    await page.locator(".dock .main").click()
    await page.wait_for_timeout(500)


async def polls_tab(page: Page, fixture: Fixture) -> None:
    await page.locator("#tab-polls").click()
    await page.wait_for_timeout(400)


async def obs_tab(page: Page, fixture: Fixture) -> None:
    await page.locator("#tab-obs").click()
    await page.wait_for_timeout(300)


async def compose(page: Page, fixture: Fixture) -> None:
    await polls_tab(page, fixture)
    fa = await page.evaluate("document.documentElement.lang") == "fa"
    question = "اتوبوس شبانه لازم است؟" if fa else "Do we need a night bus?"
    labels = ("بله", "نه", "هنوز نه") if fa else ("Yes", "No", "Not yet")
    await page.locator("#question").fill(question)
    await page.locator(".choices .add").click()
    await page.locator(".choices input").nth(2).wait_for()
    for field, label in zip(await page.locator(".choices input").all(), labels, strict=True):
        await field.fill(label)
    await page.wait_for_timeout(300)


async def invalid(page: Page, fixture: Fixture) -> None:
    await polls_tab(page, fixture)
    await page.locator(".actions [type=submit]").click()
    await page.wait_for_timeout(300)


async def live_polls(page: Page, fixture: Fixture) -> None:
    await go_live(page, fixture)
    await polls_tab(page, fixture)


async def interrupted(page: Page, fixture: Fixture) -> None:
    await go_live(page, fixture)
    await page.evaluate(
        """() => {
          const [track] = document.querySelector(".stage video").srcObject.getVideoTracks();
          Object.defineProperty(track, "muted", { value: true, configurable: true });
          track.dispatchEvent(new Event("mute"));
        }"""
    )
    await page.wait_for_timeout(500)


async def lost(page: Page, fixture: Fixture) -> None:
    await go_live(page, fixture)
    fixture.whip_status = 503
    for peer in fixture.peers.values():
        await peer.close()
    await page.locator(".phase-reconnecting").wait_for(timeout=30_000)
    await page.wait_for_timeout(500)


async def ended(page: Page, fixture: Fixture) -> None:
    await go_live(page, fixture)
    button = page.locator(".dock .main")
    await button.click()
    await button.click()
    await page.wait_for_timeout(800)


async def refused(page: Page, fixture: Fixture) -> None:
    fixture.whip_status = 503
    await page.locator(".stage video").wait_for(state="visible")
    await page.locator(".dock .main").click()
    await page.locator(".dock .main").click()
    await page.wait_for_timeout(800)


async def takeover(page: Page, fixture: Fixture) -> None:
    fixture.whip_status, fixture.state = 409, "live"
    await page.locator(".stage video").wait_for(state="visible")
    await page.locator(".takeover").wait_for(timeout=30_000)
    await page.locator(".dock .main").click()
    await page.wait_for_timeout(500)


async def changing_over(page: Page, fixture: Fixture) -> None:
    fixture.udp_blocked = True
    fixture.line_open.clear()
    await page.locator(".stage video").wait_for(state="visible")
    await page.locator(".dock .main").click()
    await page.locator(".dock .main").click()
    await page.get_by_text("UDP").first.wait_for(timeout=30_000)
    await page.wait_for_timeout(300)


async def web_connection(page: Page, fixture: Fixture) -> None:
    fixture.udp_blocked = True
    await go_live(page, fixture)


async def blocked(page: Page, fixture: Fixture) -> None:
    fixture.udp_blocked = True
    await page.locator(".stage video").wait_for(state="visible")
    await page.locator(".dock .main").click()
    await page.locator(".dock .main").click()
    await page.locator(".trouble").wait_for(timeout=30_000)


async def taken_over(page: Page, fixture: Fixture) -> None:
    await go_live(page, fixture)
    assert fixture.publishing is not None
    await last_word(fixture.publishing, "ended", 409, "taken_over", "Another device took over.")
    await page.wait_for_timeout(800)


async def connection(page: Page, fixture: Fixture) -> None:
    await page.locator("#way").wait_for()
    await page.locator("#way").scroll_into_view_if_needed()
    await page.wait_for_timeout(500)


async def obs_whip(page: Page, fixture: Fixture) -> None:
    await obs_tab(page, fixture)
    await page.locator("[name=obs-by][value=whip]").check()


Act = Callable[[Page, Fixture], Awaitable[None]]
# state: (what to do, init script, key in the link, camera permission)
STATES: dict[str, tuple[Act, str, str, bool]] = {
    "nokey": (nothing, "", "", True),
    "wrongkey": (nothing, "", "nope", True),
    "prime": (nothing, "", KEY, False),
    "insecure": (
        nothing,
        "Object.defineProperty(navigator, 'mediaDevices', {value: undefined});"
        "Object.defineProperty(window, 'isSecureContext', {value: false});",
        KEY,
        True,
    ),
    "denied": (
        nothing,
        "navigator.mediaDevices.getUserMedia = async () => {"
        " throw new DOMException('no', 'NotAllowedError'); };",
        KEY,
        True,
    ),
    "nocamera": (
        nothing,
        "navigator.mediaDevices.getUserMedia = async () => {"
        " throw new DOMException('no', 'NotFoundError'); };",
        KEY,
        True,
    ),
    "check": (nothing, "", KEY, True),
    "armed": (armed, "", KEY, True),
    "refused": (refused, "", KEY, True),
    "live": (go_live, "", KEY, True),
    "paused": (interrupted, "", KEY, True),
    "reconnecting": (lost, "", KEY, True),
    "ended": (ended, "", KEY, True),
    "elsewhere": (nothing, "", KEY, False),
    "polls": (live_polls, "", KEY, True),
    "compose": (compose, "", KEY, True),
    "invalid": (invalid, "", KEY, True),
    "obs": (obs_tab, "", KEY, True),
    "obs-whip": (obs_whip, "", KEY, True),
    "takeover": (takeover, "", KEY, True),
    "changing-over": (changing_over, "", KEY, True),
    "web-connection": (web_connection, "", KEY, True),
    "blocked": (blocked, "delete window.VideoEncoder;", KEY, True),
    "taken-over": (taken_over, "", f"{KEY}&way=websocket", True),
    "connection": (connection, "", KEY, True),
}


WHOLE = ("compose", "polls", "obs", "obs-whip", "live", "connection", "takeover", "web-connection")


async def _context(browser: Browser, size: dict[str, int], scheme: str) -> BrowserContext:
    return await browser.new_context(
        viewport={"width": size["width"], "height": size["height"]},
        device_scale_factor=2 if size is PHONE else 1,
        color_scheme="dark" if scheme == "dark" else "light",
    )


def _complain(state: str, line: ConsoleMessage) -> None:
    if line.type == "error" and "Failed to load resource" not in line.text:
        print(f"{state}: {line.text}")


async def shoot(
    browser: Browser, state: str, folder: Path, lang: str, scheme: str, wide: bool
) -> None:
    act, script, key, allowed = STATES[state]
    fixture = Fixture(polls=open_polls(lang) if state in ("polls", "elsewhere", "live") else [])
    fixture.settle_ms = 11_000
    if state == "elsewhere":
        fixture.state, fixture.viewers = "live", 1284
    async with serving(fixture) as origin:
        context = await _context(browser, DESK if wide else PHONE, scheme)
        if allowed:
            await context.grant_permissions(["camera", "microphone"], origin=origin)
        page = await context.new_page()
        page.on("pageerror", lambda error: print(f"{state}: {error}"))
        page.on("console", partial(_complain, state))
        if not allowed:
            script += "navigator.permissions.query = async () => ({state: 'prompt'});"
        if script:
            await page.add_init_script(script)
        fragment = f"#key={key}" if key else ""
        await page.goto(f"{origin}/studio/{STREAM}?lang={lang}{fragment}")
        await act(page, fixture)
        await page.wait_for_timeout(300)
        faults = await Axe().run(page)
        if faults.violations_count:
            print(f"{state} {lang} {scheme}: {faults.generate_report()}")
        name = f"{state}-{lang}-{scheme}-{'desk' if wide else 'phone'}.png"
        await page.screenshot(path=folder / name)
        tall = state in WHOLE and not wide
        if tall:
            height = await page.evaluate("document.documentElement.scrollHeight")
            await page.set_viewport_size({"width": PHONE["width"], "height": height})
            await page.wait_for_timeout(200)
            await page.screenshot(path=folder / name.replace(".png", "-whole.png"))
        await context.close()


async def main(folder: Path, wanted: list[str], looks: list[tuple[str, str, bool]]) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for lang, scheme, wide in looks:
            for state in wanted:
                await shoot(browser, state, folder, lang, scheme, wide)
        await browser.close()


if __name__ == "__main__":
    looks = [
        (lang, scheme, wide)
        for lang, scheme in (("en", "dark"), ("fa", "light"), ("en", "light"), ("fa", "dark"))
        for wide in (False, True)
    ]
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(target, sys.argv[2:] or list(STATES), looks))
