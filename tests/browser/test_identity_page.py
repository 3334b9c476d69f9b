"""A new device's proof of work in a real browser: begun when the page is there, paid once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.server import Server
from tests.web.client import Client

pytestmark = pytest.mark.browser

VOTE = """
async (poll) => {
  const random = () => Array.from(crypto.getRandomValues(new Uint8Array(16)),
    (byte) => byte.toString(16).padStart(2, "0")).join("");
  const answer = await fetch(`/api/v1/polls/${poll}/votes`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ choices: ["1"], ballot_id: random(), nonce: random() }),
  });
  return answer.status;
}
"""
TOKEN = """
async () => {
  const found = performance.getEntriesByType("resource").map((entry) => entry.name)
    .find((name) => name.endsWith("js/identity/identity.js"));
  const { identity } = await import(found);
  await identity.token();
  return identity.tier;
}
"""


@pytest.fixture
def visit(browser: Browser) -> Iterator[BrowserContext]:
    """A device of its own; its pages' script errors fail the test."""
    context = browser.new_context()
    errors: list[str] = []
    context.on("weberror", lambda error: errors.append(str(error.error)))
    yield context
    context.close()
    assert errors == []


def poll_of(server: Server, key: str) -> str:
    asked = {"question": "Which?", "choices": ["One", "Two"], "open": True}
    made = Client(server).ask("POST", "/api/v1/streams/alef/polls", asked, key=key)
    return str(made.json["id"])


def names(page: Page) -> set[str]:
    return {str(cookie.get("name")) for cookie in page.context.cookies()}


def asked(page: Page) -> list[str]:
    """The addresses of the API's identity that the page asks for from now on."""
    paths: list[str] = []

    def note(request: Any) -> None:
        path = request.url.partition("/api/v1/")[2].partition("?")[0]
        if path in ("identity/challenge", "token"):
            paths.append(path)

    page.on("request", note)
    return paths


def test_the_proof_is_ready_before_the_vote_and_is_asked_for_once(
    visit: BrowserContext, server: Server, stream_key: str
) -> None:
    poll = poll_of(server, stream_key)
    page = visit.new_page()
    paths = asked(page)
    with page.expect_response("**/identity/challenge*") as answer, page.expect_worker():
        page.goto(f"{server.url}/watch/alef?lang=en")
    assert answer.value.status == 200
    assert page.evaluate(VOTE, poll) == 401  # solved or not, it has not been handed in
    assert "streamd_pass" not in names(page)
    assert page.evaluate(TOKEN) == "device"
    assert "streamd_pass" in names(page)
    assert page.evaluate(VOTE, poll) == 200
    assert paths == ["identity/challenge", "token"]
    # A token that expires is followed by another, without any proof.
    assert page.evaluate(TOKEN) == "device"
    assert paths == ["identity/challenge", "token", "token"]

    again = visit.new_page()
    with again.expect_response("**/identity/challenge*") as answer:
        again.goto(f"{server.url}/watch/be?lang=en")
    assert answer.value.status == 204
    assert again.evaluate(TOKEN) == "device"


def test_a_page_without_webcrypto_solves_the_other_kind(
    visit: BrowserContext, server: Server
) -> None:
    page = visit.new_page()
    page.add_init_script("Object.defineProperty(crypto, 'subtle', { value: undefined })")
    with page.expect_response("**/identity/challenge?kind=scrypt") as answer:
        page.goto(f"{server.url}/watch/alef?lang=en")
    assert answer.value.status == 200
    assert page.evaluate(TOKEN) == "device"
    assert "streamd_pass" in names(page)


def test_a_challenge_that_was_lost_is_asked_for_again(
    visit: BrowserContext, server: Server
) -> None:
    page = visit.new_page()
    page.route("**/identity/challenge*", lambda route: route.abort(), times=1)
    with page.expect_event("requestfailed"):
        page.goto(f"{server.url}/watch/alef?lang=en")
    assert page.evaluate(TOKEN) == "device"


def test_the_headquarters_page_can_show_and_print_a_sheet(
    visit: BrowserContext, server: Server
) -> None:
    headquarters_key = server.new_key()
    made = Client(server).ask("POST", "/api/v1/codes", {"count": 12}, key=headquarters_key).json
    page = visit.new_page()
    page.goto(f"{server.url}/?lang=en")
    page.evaluate(
        """async ([path, key]) => {
            const answer = await fetch(path, { headers: { Authorization: `Bearer ${key}` } });
            const frame = document.createElement("iframe");
            frame.srcdoc = await answer.text();
            const loaded = new Promise((resolve) => frame.addEventListener("load", resolve));
            document.body.append(frame);
            await loaded;
        }""",
        [f"{made['sheet']}?lang=en", headquarters_key],
    )
    sheet = page.frames[-1]
    assert sheet.locator(".code").all_inner_texts() == made["codes"]
    assert (
        sheet.locator(".code").first.evaluate("(one) => getComputedStyle(one).fontWeight") == "700"
    )
    assert sheet.locator("main").evaluate("(one) => getComputedStyle(one).display") == "grid"
    assert sheet.locator("svg.qr path").count() == 12
