"""A voter in a real Chromium before a whole streamd: every kind sent, counted and proven."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.server import Server
from tests.web.client import Client

pytestmark = pytest.mark.browser

CHOICES = ["One", "Two", "Three"]
SHEET: list[dict[str, Any]] = [
    {"text": "Which?", "choices": CHOICES},
    {"text": "Which ones?", "kind": "multiple", "choices": CHOICES, "maximum": 2},
    {"text": "How well?", "kind": "rating", "scale": {"low": 0, "high": 10}},
    {"text": "In what order?", "kind": "ranking", "choices": CHOICES},
    {"text": "Who knows?", "kind": "quiz", "choices": CHOICES, "right": ["2"]},
    {"text": "What else?", "kind": "text"},
]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A device of its own; its page's script errors fail the test."""
    context = browser.new_context()
    errors: list[str] = []
    context.on("weberror", lambda error: errors.append(str(error.error)))
    yield context.new_page()
    context.close()
    assert errors == []


@pytest.fixture
def organiser(server: Server, stream_key: str) -> Iterator[tuple[Client, str]]:
    """Who asks, and the key; what is still open afterwards is closed."""
    client = Client(server)
    yield client, stream_key
    for row in client.ask("GET", "/api/v1/polls?stream=alef").json["polls"]:
        if row["state"] == "open":
            client.ask("POST", f"/api/v1/polls/{row['id']}/close", {}, key=stream_key)


def ask(organiser: tuple[Client, str], **asked: Any) -> str:
    client, key = organiser
    made = client.ask("POST", "/api/v1/streams/alef/polls", {**asked, "open": True}, key=key)
    assert made.status == 201, made.json
    return str(made.json["id"])


def press(card: Locator, name: str) -> None:
    card.get_by_role("button", name=name, exact=True).press("Enter")


def test_a_survey_of_every_kind_is_counted_at_once_and_proven(
    server: Server, page: Page, organiser: tuple[Client, str]
) -> None:
    poll = ask(organiser, questions=SHEET)
    page.goto(f"{server.url}/watch/alef?lang=en")
    card = page.locator("streamd-poll")
    card.get_by_role("radio", name="Two").press("Space")
    press(card, "Next")
    for name in ("Three", "One"):
        card.get_by_role("checkbox", name=name).press("Space")
    press(card, "Next")
    card.get_by_role("radio", name="10").press("Space")
    press(card, "Next")
    card.get_by_role("button", name="Move up: Three").press("Enter")
    press(card, "Next")
    card.get_by_role("radio", name="Two").press("Space")
    press(card, "Next")
    card.get_by_role("textbox").fill("Night buses")
    press(card, "Review")
    press(card, "Send all answers")
    expect(card.get_by_text("Counted", exact=True)).to_be_visible()
    client, key = organiser
    counts = client.ask("GET", f"/api/v1/polls/{poll}").json["tally"]["counts"]
    counted = {"q1.2": 1, "q2.1": 1, "q2.3": 1, "q3.10": 1, "q4.1": 2, "q4.3": 1, "q5.2": 1}
    assert {name: n for name, n in counts.items() if n} == {**counted, "q6.answers": 1}
    client.ask("POST", f"/api/v1/polls/{poll}/close", {}, key=key)
    # The log takes it in at the close; the proof is asked for again and again until then.
    expect(card.locator(".proof-line")).to_have_text("In the public log.", timeout=60_000)
    press(card, "Receipt")
    with page.expect_popup() as opened:
        card.get_by_role("link", name="Check it").click()
    expect(opened.value.get_by_text("Everything holds")).to_be_visible()


def test_a_code_is_asked_for_and_its_tier_is_counted(
    server: Server, page: Page, organiser: tuple[Client, str]
) -> None:
    poll = ask(organiser, question="Coded?", choices=CHOICES, rules={"who": ["code"]})
    made = organiser[0].ask(
        "POST", "/api/v1/codes", {"count": 1, "poll": poll}, key=server.new_key()
    )
    [code] = made.json["codes"]
    page.goto(f"{server.url}/watch/alef?lang=en")
    card = page.locator("streamd-poll")
    field = card.get_by_role("textbox", name="Access code")
    field.fill(code[:-1])
    field.press("Enter")
    expect(card.get_by_role("alert")).to_contain_text("not a whole code")
    field.fill(code)
    field.press("Enter")
    card.get_by_role("radio", name="Three").press("Space")
    press(card, "Vote")
    expect(card.get_by_text("Counted", exact=True)).to_be_visible()
    expect(card.locator(".tiers")).to_have_text("By identity: told at the close")
    row = organiser[0].ask("GET", f"/api/v1/polls/{poll}").json
    assert row["tally"]["counts"] == {"1": 0, "2": 0, "3": 1}
    assert (row["tier_results"], "tiers" in row["tally"]) == ({}, False)
    organiser[0].ask("POST", f"/api/v1/polls/{poll}/close", {}, key=organiser[1])
    expect(card.locator(".tiers")).to_contain_text("with a code: withheld")


def test_an_answer_is_changed_and_only_those_who_answered_see(
    server: Server, page: Page, organiser: tuple[Client, str]
) -> None:
    rules = {"revote": "last", "results": "after_vote"}
    poll = ask(organiser, question="Changed?", choices=CHOICES, rules=rules)
    page.goto(f"{server.url}/watch/alef?lang=en")
    card = page.locator("streamd-poll")
    expect(card.get_by_role("button", name="Show results")).to_have_count(0)
    card.get_by_role("radio", name="One").press("Space")
    press(card, "Vote")
    expect(card.locator(".result.mine")).to_contain_text("One")
    expect(card.locator(".result-count").first).to_have_text("1")
    press(card, "Change my answer")
    card.get_by_role("radio", name="Two").press("Space")
    press(card, "Change my answer")
    expect(card.locator(".result.mine")).to_contain_text("Two")
    expect(card.locator(".result-count").nth(1)).to_have_text("1")
    client, key = organiser
    row = client.ask("POST", f"/api/v1/polls/{poll}/close", {}, key=key).json
    assert (row["tally"]["total"], row["tally"]["counts"]) == (1, {"1": 0, "2": 1, "3": 0})


def test_a_question_is_held_shown_and_answered(
    server: Server, page: Page, organiser: tuple[Client, str]
) -> None:
    poll = ask(organiser, question="Ask away", kind="qa")
    page.goto(f"{server.url}/watch/alef?lang=en")
    card = page.locator("streamd-poll")
    card.get_by_role("textbox", name="Your question").fill("Who mends the bridge?")
    press(card, "Ask")
    expect(card.get_by_text("Held until approved", exact=True)).to_be_visible()
    client, key = organiser
    [item] = client.ask("GET", f"/api/v1/polls/{poll}/items", key=key).json["items"]
    path = f"/api/v1/polls/{poll}/items/{item['id']}"
    client.ask("POST", path, {"move": "approve"}, key=key)
    want = card.get_by_role("button", name="0 Want this answered: Who mends the bridge?")
    want.press("Enter")
    expect(card.get_by_role("button", name="1 You want this answered")).to_be_visible()
    client.ask("POST", path, {"move": "answer"}, key=key)
    expect(card.locator(".asked-item.answered")).to_contain_text("Who mends the bridge?")
