"""Draws the poll card in every kind and state to look at.

    python -m tests.browser.pages.poll_shots FOLDER [NAME…]

Sizes, languages and themes as in ``shots``; what axe finds is printed. Names are "ask-" and
"told-" with a name of ``poll_states``, "ask-fault" and "ask-review".
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright

from tests.browser.pages.asked import POLL, receipt
from tests.browser.pages.poll_states import ASKED, TOLD
from tests.browser.pages.shots import CHROMIUM, FLAGS, SIZES, variants
from tests.browser.pages.stage import Stage, stage


async def act(page: Page, name: str) -> None:
    """What the voter does before the picture is taken."""
    card = page.locator("streamd-poll")
    if name == "ask-multiple":
        for place in (0, 2):
            await card.locator(".choice").nth(place).click()
    if name in ("ask-rating", "ask-eleven"):
        await card.locator(".choice").nth(3).click()
    if name == "ask-ruled":
        await card.locator(".terms summary").click()
    if name == "ask-fault":
        await card.locator("button[type=submit]").click()
    if name == "ask-text":
        await card.locator("textarea").fill("x" * 190)
    if name == "ask-code":
        await card.locator(".code-input").press_sequentially("7k3m92qxab")
        await card.locator("button[type=submit]").click()
    if name == "ask-review":
        await _fill(page)
    if name == "told-single":
        await card.locator(".counted button").first.click()


async def _fill(page: Page) -> None:
    card = page.locator("streamd-poll")
    send = card.locator("button[type=submit]")
    for kind in ("single", "multiple", "rating"):
        await card.locator(f"[data-kind={kind}] .choice").nth(1).click()
        await send.click()
    await card.locator(".ranked-arrow").nth(1).click()
    await send.click()
    await send.click()


async def draw(
    browser: Browser, served: Stage, name: str, variant: tuple[str, str, str], folder: Path
) -> int:
    """Draws one state in one variant; returns how many faults axe found."""
    size, language, theme = variant
    width, height = SIZES[size]
    served.reset()
    served.voting.is_logged = name != "told-multiple"
    moment, _, kind = name.partition("-")
    said: dict[str, Any] | None = None
    if moment == "ask":
        row = ASKED[{"fault": "single", "review": "survey"}.get(kind, kind)](language)
    else:
        make, said = TOLD[kind]
        row = make(language)
    served.set_polls("mina", row)
    context = await browser.new_context(viewport={"width": width, "height": height})
    page = await context.new_page()
    page.on("pageerror", lambda error: print(name, error))
    if said is not None:
        ballot_id = "a" * 32
        kept = {**said, "ballot_id": ballot_id, "nonce": "b" * 32}
        kept["receipt"] = receipt(POLL, ballot_id)
        if name != "told-multiple":
            kept["proof"] = {"ballot_id": ballot_id, "index": 1041, "size": 2820}
        await page.add_init_script(
            f"localStorage.setItem('streamd.ballot.{POLL}', JSON.stringify({json.dumps(kept)}))"
        )
    await page.goto(f"{served.url}/watch/mina?lang={language}&theme={theme}")
    await page.evaluate("document.fonts.ready")
    await page.wait_for_selector(".poll-body[data-view]")
    await page.wait_for_timeout(300)
    await act(page, name)
    await page.wait_for_timeout(400)
    await page.screenshot(path=folder / f"{name}-{size}-{language}-{theme}.png")
    results = await Axe().run(page)
    if results.violations_count:
        print(f"{name} {variant}: {results.generate_report()}")
    await context.close()
    return int(results.violations_count)


async def main(folder: Path, names: list[str]) -> int:
    """Draws the named states, or all."""
    faults = 0
    every = [
        *(f"ask-{kind}" for kind in (*ASKED, "fault", "review")),
        *(f"told-{kind}" for kind in TOLD),
    ]
    async with stage() as served, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for name in names or every:
            for variant in variants():
                faults += await draw(browser, served, name, variant, folder)
        await browser.close()
    return faults


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "artefacts/polls")
    target.mkdir(parents=True, exist_ok=True)
    sys.exit(1 if asyncio.run(main(target, sys.argv[2:])) else 0)
