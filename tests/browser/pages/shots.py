"""Draws every state of the event, watch and error pages to look at.

    python -m tests.browser.pages.shots [FOLDER] [NAME…]

Sizes 390×844 and 1440×900, English and Persian, light and dark. Each page is also given to axe;
what it finds is printed, and the exit code says whether there was any.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright

from tests.browser.pages.asked import poll
from tests.browser.pages.stage import Stage, stage

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = {"phone": (390, 844), "wide": (1440, 900)}
PLAYING = "document.querySelector('streamd-player').phase === 'playing'"
Act = Callable[[Stage, Page, str], Awaitable[None]]


async def until(page: Page, expression: str, seconds: float = 15.0) -> None:
    """Waits for ``expression`` to hold. Playwright's own wait needs eval, which the CSP forbids."""
    async with asyncio.timeout(seconds):
        while not await page.evaluate(expression):
            await page.wait_for_timeout(50)


async def nothing(_served: Stage, _page: Page, _language: str) -> None:
    """The state stands as soon as the page is there."""


async def playing(_served: Stage, page: Page, _language: str) -> None:
    await until(page, PLAYING)


async def picked(served: Stage, page: Page, language: str) -> None:
    await playing(served, page, language)
    await page.locator("streamd-poll .choice").nth(1).click()


async def voted(served: Stage, page: Page, language: str) -> None:
    await picked(served, page, language)
    await page.locator("streamd-poll button[type=submit]").click()
    await page.wait_for_selector(".counted")


async def with_receipt(served: Stage, page: Page, language: str) -> None:
    await voted(served, page, language)
    await page.locator(".counted button[aria-expanded]").click()


async def pending(served: Stage, page: Page, language: str) -> None:
    await page.route("**/votes", lambda route: route.abort())
    served.refusal = -1
    await picked(served, page, language)
    await page.locator("streamd-poll button[type=submit]").click()
    await page.wait_for_selector(".notice.warn")


async def refused(served: Stage, page: Page, language: str) -> None:
    served.refusal = 1005
    await picked(served, page, language)
    await page.locator("streamd-poll button[type=submit]").click()
    await page.wait_for_selector(".notice.fault")


async def offline(served: Stage, page: Page, language: str) -> None:
    await playing(served, page, language)
    await page.evaluate(
        "() => { const p = document.querySelector('streamd-player');"
        " p.lags.isOffline = true; p.requestUpdate(); }"
    )


async def stalled(served: Stage, page: Page, language: str) -> None:
    await playing(served, page, language)
    served.set_stream("mina", "stalled", 1284)
    await until(page, "document.querySelector('streamd-player').phase === 'stalled'")


async def choices(served: Stage, page: Page, language: str) -> None:
    await playing(served, page, language)
    await page.locator("streamd-player .controls [aria-controls=choices]").click()
    await page.wait_for_timeout(3200)


async def saver(served: Stage, page: Page, language: str) -> None:
    await playing(served, page, language)
    await page.evaluate("document.querySelector('streamd-player').take('saver')")
    await until(page, "document.querySelector('streamd-player').mode === 'audio'")
    await until(page, "!document.querySelector('streamd-player').still.canvas.hidden")
    await page.wait_for_timeout(5000)


async def saver_choices(served: Stage, page: Page, language: str) -> None:
    await saver(served, page, language)
    await page.locator("streamd-player .controls [aria-controls=choices]").click()


async def slow(served: Stage, page: Page, language: str) -> None:
    await playing(served, page, language)
    await page.evaluate("document.querySelector('streamd-player').route.events.onSkipped(40)")


async def offered(served: Stage, page: Page, language: str) -> None:
    await playing(served, page, language)
    for _ in range(3):
        await slow(served, page, language)


async def fallen(served: Stage, page: Page, language: str) -> None:
    await playing(served, page, language)
    await page.evaluate(
        "document.querySelector('streamd-player').route.events.onGiveUp('b-frames')"
    )
    await page.wait_for_timeout(1200)


async def captioned(served: Stage, page: Page, language: str) -> None:
    await playing(served, page, language)
    text = {
        "en": "Every school in the valley gets its bus back,\nand we know what it costs.",
        "fa": "همهٔ مدرسه‌های دره سرویس‌شان را پس می‌گیرند،\nو حساب کرده‌ایم که چه هزینه‌ای دارد.",
    }[language]
    await page.evaluate(
        "(text) => { const p = document.querySelector('streamd-player');"
        " p.captions.turn(true);"
        " p.cue({ id: 1, start: p.clock - 5, end: p.clock + 60, text }); }",
        text,
    )


async def past(served: Stage, page: Page, language: str) -> None:
    await playing(served, page, language)
    await page.evaluate(
        "() => { const p = document.querySelector('streamd-player');"
        " const now = Date.now() / 1000;"
        " p.rewind.Path = { reach: async () => ({ from: now - 2843, to: now }) };"
        " p.rewind.lookedAt = -Infinity; p.rewind.look(); }"
    )


async def failed(_served: Stage, page: Page, _language: str) -> None:
    await page.evaluate(
        "() => { const p = document.querySelector('streamd-player');"
        " p.router.choice.best = () => null; p.router.choice.nextTry = () => Infinity; p.retry(); }"
    )


async def folded(served: Stage, page: Page, language: str) -> None:
    await playing(served, page, language)
    if await page.locator(".dock-fold").is_visible():
        await page.locator(".dock-fold").click()


async def order(_served: Stage, page: Page, _language: str) -> None:
    await page.wait_for_timeout(1500)
    await page.locator(".order summary").click()


async def thumbnails(_served: Stage, page: Page, _language: str) -> None:
    await until(
        page,
        "[...document.querySelectorAll('streamd-player')].some((p) => p.phase === 'playing')",
    )
    await page.wait_for_timeout(800)


# name: (path, stream's state, poll, act)
STATES: dict[str, tuple[str, str, str, Act]] = {
    "watch-ask": ("/watch/mina", "live", "open", playing),
    "watch-picked": ("/watch/mina", "live", "open", picked),
    "watch-counted": ("/watch/mina", "live", "open", voted),
    "watch-receipt": ("/watch/mina", "live", "open", with_receipt),
    "watch-pending": ("/watch/mina", "live", "open", pending),
    "watch-refused": ("/watch/mina", "live", "open", refused),
    "watch-closed": ("/watch/mina", "live", "closed", playing),
    "watch-folded": ("/watch/mina", "live", "open", folded),
    "watch-quiet": ("/watch/mina", "live", "", playing),
    "watch-choices": ("/watch/mina", "live", "open", choices),
    "watch-saver": ("/watch/mina", "live", "open", saver),
    "watch-saver-choices": ("/watch/mina", "live", "open", saver_choices),
    "watch-slow": ("/watch/mina", "live", "open", slow),
    "watch-offer": ("/watch/mina", "live", "open", offered),
    "watch-fallen": ("/watch/mina", "live", "open", fallen),
    "watch-captions": ("/watch/mina", "live", "open", captioned),
    "watch-past": ("/watch/mina", "live", "open", past),
    "watch-offline": ("/watch/mina", "live", "open", offline),
    "watch-stalled": ("/watch/mina", "live", "open", stalled),
    "watch-failed": ("/watch/mina", "live", "open", failed),
    "watch-idle": ("/watch/sara", "idle", "", nothing),
    "watch-ended": ("/watch/sara", "ended", "closed", nothing),
    "watch-loading": ("/watch/kaveh", "live", "loading", nothing),
    "event": ("/", "live", "", thumbnails),
    "event-order": ("/", "live", "", order),
    "event-idle": ("/", "idle", "", nothing),
    "event-empty": ("/?empty=1", "idle", "", nothing),
    "error-404": ("/error/404", "idle", "", nothing),
    "error-500": ("/error/500", "idle", "", nothing),
}


def variants() -> Iterator[tuple[str, str, str]]:
    """Every (size, language, theme)."""
    for size in SIZES:
        for language in ("en", "fa"):
            for theme in ("dark", "light"):
                yield size, language, theme


async def draw(
    browser: Browser, served: Stage, name: str, variant: tuple[str, str, str], folder: Path
) -> int:
    """Draws one state in one variant; returns how many faults axe found."""
    size, language, theme = variant
    path, state, asked, act = STATES[name]
    width, height = SIZES[size]
    _set(served, path, state, asked, language)
    context = await browser.new_context(
        viewport={"width": width, "height": height}, reduced_motion="no-preference"
    )
    page = await context.new_page()
    page.on("console", lambda message: _complain(name, message.type, message.text))
    page.on("pageerror", lambda error: _complain(name, "error", str(error)))
    if asked == "loading":
        await page.route("**/api/v1/polls*", lambda route: route.abort())
    joint = "&" if "?" in path else "?"
    await page.goto(f"{served.url}{path}{joint}lang={language}&theme={theme}")
    await page.evaluate("document.fonts.ready")
    await act(served, page, language)
    await page.wait_for_timeout(400)
    await page.screenshot(path=folder / f"{name}-{size}-{language}-{theme}.png")
    results = await Axe().run(page)
    if results.violations_count:
        print(f"{name} {variant}: {results.generate_report()}")
    await context.close()
    return int(results.violations_count)


def _complain(name: str, kind: str, text: str) -> None:
    if kind in ("error", "warning"):
        print(f"{name}: console {kind}: {text}")


def _set(served: Stage, path: str, state: str, asked: str, language: str) -> None:
    served.refusal = 0
    stream = path.split("/")[-1].split("?")[0] or "mina"
    served.set_polls(
        stream if stream in served.rows else "mina",
        *([poll(language, state=asked)] if asked in ("open", "closed") else []),
    )
    is_on_air = state == "live"
    for one in served.rows:
        served.set_stream(one, "idle")
    if stream in served.rows:
        served.set_stream(stream, state, 1284 if is_on_air else 0)
    if path == "/" and is_on_air:
        served.set_stream("kaveh", "live", 96)


async def main(folder: Path, names: list[str]) -> int:
    """Draws the named states, or all."""
    faults = 0
    async with stage() as served, async_playwright() as playwright:
        served.show_clip("mina")
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        await asyncio.sleep(1)
        for name in names or STATES:
            for variant in variants():
                faults += await draw(browser, served, name, variant, folder)
        await browser.close()
    return faults


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "artefacts/pages")
    target.mkdir(parents=True, exist_ok=True)
    sys.exit(1 if asyncio.run(main(target, sys.argv[2:])) else 0)
