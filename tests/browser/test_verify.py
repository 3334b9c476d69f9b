"""/verify in a real Chromium: WebCrypto agrees with the server, and finds what is wrong."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.server import Server
from tests.web.client import Client


def until_found(client: Client, path: str) -> str:
    deadline = time.monotonic() + 30
    while (answer := client.ask("GET", path)).status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return answer.body.decode()


@pytest.fixture(scope="module")
def voters(server: Server) -> list[Client]:
    """Three who may vote."""
    voters = [Client(server) for _ in range(3)]
    for voter in voters:
        assert voter.ask("GET", "/").status == 200
        assert voter.prove().status == 200
    return voters


def logged(voters: list[Client], key: str, mode: str, revote: str = "first") -> dict[str, Any]:
    """A poll that is over and logged: a receipt with nonce and answer, and two checkpoints."""
    organiser = voters[0]
    asked = {
        "question": "Which?",
        "choices": ["One", "Two", "Three"],
        "rules": {"log": mode, "revote": revote},
        "open": True,
    }
    poll = organiser.ask("POST", "/api/v1/streams/alef/polls", asked, key=key).json["id"]
    base = f"/api/v1/polls/{poll}"
    empty = until_found(organiser, f"{base}/checkpoint")
    for number, voter in enumerate(voters, 1):
        ballot = {
            "choices": [str(number)],
            "ballot_id": secrets.token_hex(16),
            "nonce": secrets.token_hex(16),
        }
        receipt = voter.ask("POST", f"{base}/votes", ballot).json
    changed = {**ballot, "choices": ["1"], "ballot_id": secrets.token_hex(16)}
    if revote == "last":
        assert voters[-1].ask("POST", f"{base}/votes", changed).status == 200
    organiser.ask("POST", f"{base}/close", {}, key=key)
    until_found(organiser, f"{base}/close-statement")
    return {
        "receipt": {**receipt, "nonce": ballot["nonce"], "answer": ballot["choices"][0]},
        "empty": empty,
        "newest": until_found(organiser, f"{base}/checkpoint"),
        "key": until_found(organiser, "/api/v1/log/key"),
    }


@pytest.fixture(scope="module")
def recount(voters: list[Client], stream_key: str) -> dict[str, Any]:
    return logged(voters, stream_key, "recount")


@pytest.fixture(scope="module")
def presence(voters: list[Client], stream_key: str) -> dict[str, Any]:
    return logged(voters, stream_key, "presence")


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    shown = browser.new_page(viewport={"width": 1440, "height": 900})
    shown.goto(f"{server.url}/verify?lang=en")
    shown.wait_for_selector("form[data-ready]")
    yield shown
    shown.close()


def check(page: Page, **fields: str | dict[str, Any]) -> None:
    """Fills the form and presses Check."""
    page.get_by_text("Check more strictly").click()
    for name, value in fields.items():
        text = value if isinstance(value, str) else json.dumps(value)
        page.locator(f"[name={name}]").fill(text)
    page.get_by_role("button", name="Check", exact=True).click()


def test_a_receipt_is_checked_to_the_end(page: Page, recount: dict[str, Any]) -> None:
    check(page, receipt=recount["receipt"], key=recount["key"], earlier=recount["empty"])
    expect(page.locator(".verdict")).to_have_text("Everything holds")
    # Receipt, inclusion, commitment, statement, growth.
    expect(page.locator(".finding")).to_have_count(5)
    expect(page.get_by_text("together with a sealed copy of your answer")).to_be_visible()
    page.get_by_role("button", name="Count all answers again").click()
    expect(page.get_by_text("Counting all 3 opened answers again gives")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Keep this checkpoint").click()
    assert Path(download.value.path()).read_text() == recount["newest"]
    assert Axe().run(page).violations_count == 0


def test_a_replaced_ballot_is_recorded_and_not_counted(
    page: Page, voters: list[Client], stream_key: str
) -> None:
    replaced = logged(voters, stream_key, "recount", "last")
    check(page, receipt=replaced["receipt"], key=replaced["key"])
    expect(page.locator(".verdict")).to_contain_text("this ballot was replaced and not counted")
    expect(page.get_by_text("counts 3 ballots and 1 are signed as superseded")).to_be_visible()
    expect(page.get_by_text("This ballot is recorded and was not counted")).to_be_visible()
    page.get_by_role("button", name="Count all answers again").click()
    expect(page.get_by_text("Counting all 3 opened answers again gives")).to_be_visible()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seq": 90}, "did not sign this receipt"),
        ({"log": "elsewhere/abcdefghij"}, "which is not one of"),
        ({"nonce": "0" * 32}, "commits to another answer"),
        ({"sig": "AAAA"}, "did not sign this receipt"),
    ],
)
def test_what_was_changed_is_found(
    page: Page, recount: dict[str, Any], change: dict[str, Any], said: str
) -> None:
    check(page, receipt={**recount["receipt"], **change}, key=recount["key"])
    expect(page.locator(".finding.wrong").get_by_text(said)).to_be_visible()
    expect(page.locator(".verdict.wrong")).to_be_visible()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"receipt": "{}"}, "not a whole receipt"),
        ({}, "Paste a receipt first"),
        ({"receipt": "RECEIPT", "key": "none"}, "not a public key of a log"),
        ({"receipt": "LOST"}, "The finished log does not hold this ballot"),
        ({"receipt": "ELSEWHERE"}, "This server has no such poll"),
    ],
)
def test_what_cannot_be_checked_is_told(
    page: Page, presence: dict[str, Any], fields: dict[str, str], said: str
) -> None:
    receipt = presence["receipt"]
    texts = {
        "RECEIPT": json.dumps(receipt),
        "LOST": json.dumps({**receipt, "ballot_id": "0" * 32}),
        "ELSEWHERE": json.dumps({**receipt, "poll": "../x"}),
    }
    check(page, **{name: texts.get(text, text) for name, text in fields.items()})
    expect(page.locator(".notice.warn")).to_contain_text(said)


def test_two_checkpoints_without_a_receipt(
    page: Page, presence: dict[str, Any], recount: dict[str, Any]
) -> None:
    # The order they are pasted in, and a lost last newline, do not matter.
    check(page, key=presence["key"], earlier=presence["newest"].rstrip(), later=presence["empty"])
    expect(page.get_by_text("The log has only grown, from 0 to 3 leaves")).to_be_visible()
    page.locator("[name=later]").fill("")
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_text("The log has only grown, from 3 to 3 leaves")).to_be_visible()
    page.locator("[name=later]").fill(recount["newest"])
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_text("The two checkpoints are of different logs")).to_be_visible()
    page.locator("[name=later]").fill(presence["newest"].replace("\n3\n", "\n4\n"))
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_text("something in it was changed")).to_be_visible()


def test_a_link_carries_the_receipt_where_no_server_sees_it(
    browser: Browser, server: Server, presence: dict[str, Any], artefacts: Path
) -> None:
    for language, size in (("en", (1440, 900)), ("fa", (390, 844))):
        shown = browser.new_page(viewport={"width": size[0], "height": size[1]})
        shown.goto("about:blank")
        shown.goto(f"{server.url}/verify?lang={language}")
        shown.screenshot(path=artefacts / f"{language}-empty.png", full_page=True)
        shown.goto("about:blank")
        asked: list[str] = []
        shown.on("request", lambda request: asked.append(request.url))  # noqa: B023
        shown.goto(
            f"{server.url}/verify?lang={language}#receipt="
            + shown.evaluate("text => encodeURIComponent(text)", json.dumps(presence["receipt"]))
        )
        expect(shown.locator(".verdict:not(.wrong)")).to_be_visible()
        expect(shown.locator(".finding")).to_have_count(3)
        assert not any(presence["receipt"]["nonce"] in url.partition("#")[0] for url in asked)
        shown.screenshot(path=artefacts / f"{language}.png", full_page=True)
        assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert Axe().run(shown).violations_count == 0
        shown.close()


def test_a_browser_without_ed25519_is_told_what_else_can(
    browser: Browser, server: Server, presence: dict[str, Any]
) -> None:
    old = browser.new_page()
    old.add_init_script("""
        const real = SubtleCrypto.prototype.importKey;
        SubtleCrypto.prototype.importKey = function (format, key, algorithm, ...rest) {
          if (algorithm.name === "Ed25519") {
            return Promise.reject(new DOMException("no", "NotSupportedError"));
          }
          return real.call(this, format, key, algorithm, ...rest);
        };
    """)
    old.goto(f"{server.url}/verify?lang=en")
    old.wait_for_selector("form[data-ready]")
    check(old, receipt=presence["receipt"])
    expect(old.locator(".notice.warn")).to_contain_text("cannot check Ed25519 signatures")
    old.close()
