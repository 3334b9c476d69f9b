"""The poll card: asking, counting, refusing, waiting for the line, announcing."""

from __future__ import annotations

import itertools
import json
import re
import time
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.pages.asked import POLL, poll, receipt, tally
from tests.browser.pages.conftest import Theatre

pytestmark = pytest.mark.browser

ALREADY_VOTED: dict[str, Any] = {
    "status": 409,
    "content_type": "application/problem+json",
    "body": json.dumps({"type": "urn:streamd:problem:already_voted"}),
}
BALLOT = f"JSON.parse(localStorage.getItem('streamd.ballot.{POLL}'))"


def ask(theatre: Theatre, **changes: object) -> None:
    """A poll stands on mina's stream."""
    theatre.do(theatre.stage.set_polls, "mina", poll(**changes))  # type: ignore[arg-type]


def answer(theatre: Theatre, label: str) -> None:
    """Picks a choice and presses Vote."""
    theatre.page.get_by_text(label, exact=True).click()
    theatre.page.get_by_role("button", name="Vote").click()


def test_a_vote_is_counted_and_its_receipt_is_one_tap_away(theatre: Theatre) -> None:
    ask(theatre)
    theatre.open()
    answer(theatre, "Housing")
    expect(theatre.page.get_by_text("Counted", exact=True)).to_be_visible()
    [vote] = theatre.stage.votes
    assert vote["poll"] == POLL
    assert vote["choices"] == ["2"]
    assert re.fullmatch("[0-9a-f]{32}", vote["ballot_id"])
    assert re.fullmatch("[0-9a-f]{32}", vote["nonce"])
    assert vote["ballot_id"] != vote["nonce"]
    expect(theatre.page.get_by_text(vote["ballot_id"])).to_be_hidden()
    theatre.page.get_by_role("button", name="Receipt").click()
    expect(theatre.page.get_by_text(vote["ballot_id"])).to_be_visible()
    expect(theatre.page.get_by_text("0:2809")).to_be_visible()
    theatre.open()
    expect(theatre.page.get_by_text("Counted", exact=True)).to_be_visible()
    assert len(theatre.stage.votes) == 1


def test_all_by_keyboard(theatre: Theatre) -> None:
    ask(theatre)
    theatre.open()
    theatre.page.get_by_role("radio", name="Work and wages").focus()
    theatre.page.keyboard.press("ArrowDown")
    theatre.page.keyboard.press("ArrowDown")
    theatre.page.keyboard.press("Tab")
    theatre.page.keyboard.press("Enter")
    expect(theatre.page.get_by_text("Counted", exact=True)).to_be_visible()
    assert theatre.stage.votes[0]["choices"] == ["3"]


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (1001, "no longer there"),
        (1002, "not one of the choices"),
        (1003, "came too late"),
        (1005, "already answered"),
        (1006, "already counted"),
    ],
)
def test_a_refusal_is_a_sentence(theatre: Theatre, code: int, sentence: str) -> None:
    theatre.stage.refusal = code
    ask(theatre)
    theatre.open()
    answer(theatre, "Schools")
    expect(theatre.page.get_by_role("alert")).to_contain_text(sentence)
    expect(theatre.page.get_by_text(str(code))).to_have_count(0)
    assert theatre.page.evaluate(BALLOT) is None


def test_without_an_identity_on_the_socket_http_casts_the_same_ballot(theatre: Theatre) -> None:
    theatre.stage.refusal = 1004
    ask(theatre)
    theatre.open()
    answer(theatre, "Schools")
    expect(theatre.page.get_by_text("Counted", exact=True)).to_be_visible()
    assert theatre.stage.posts[0]["ballot_id"] == theatre.stage.votes[0]["ballot_id"]


def test_a_vote_made_offline_goes_when_the_line_is_back(theatre: Theatre) -> None:
    ask(theatre)
    theatre.open()
    expect(theatre.page.get_by_role("radio", name="Housing")).to_be_visible()
    theatre.page.route("**/api/v1/**", lambda route: route.abort())
    theatre.run(theatre.stage.cut_line())
    answer(theatre, "Housing")
    expect(theatre.page.get_by_text("Not yet counted.")).to_be_visible()
    kept = theatre.page.evaluate(BALLOT)
    assert kept["receipt"] is None
    theatre.page.reload()
    theatre.page.unroute("**/api/v1/**")
    theatre.run(theatre.stage.open_line())
    expect(theatre.page.get_by_text("Counted", exact=True)).to_be_visible()
    sent = [*theatre.stage.votes, *theatre.stage.posts]
    assert {vote["ballot_id"] for vote in sent} == {kept["ballot_id"]}
    assert {json.dumps(vote["choices"]) for vote in sent} == {'["2"]'}


def test_results_move_at_most_four_times_a_second_and_end_at_the_newest(theatre: Theatre) -> None:
    ask(theatre)
    theatre.open()
    theatre.page.get_by_role("button", name="Show results").click()
    theatre.page.evaluate(
        """() => {
          window.seen = [];
          const count = document.querySelector(".result-count");
          new MutationObserver(() => window.seen.push([performance.now(), count.textContent]))
            .observe(count, { characterData: true, childList: true, subtree: true });
        }"""
    )
    for step in range(40):
        counts = {"1": 2000 + step, "2": 871, "3": 640, "4": 93}
        theatre.do(theatre.stage.hub.publish, f"poll:{POLL}", tally(counts))
        time.sleep(0.03)
    theatre.until("window.seen.length && window.seen.at(-1)[1] === '2,039'")
    moments = [moment for moment, _ in theatre.page.evaluate("window.seen")]
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert gaps
    assert min(gaps) > 200


def test_an_older_tally_never_replaces_a_newer_one(theatre: Theatre) -> None:
    ask(theatre)
    theatre.open()
    theatre.page.get_by_role("button", name="Show results").click()
    first = theatre.page.locator(".result-count").first
    expect(first).to_have_text("1,204")
    theatre.do(theatre.stage.hub.publish, f"poll:{POLL}", tally({"1": 5000}, seq=9000))
    expect(first).to_have_text("5,000")
    theatre.do(theatre.stage.hub.publish, f"poll:{POLL}", tally({"1": 4000}, seq=8000))
    theatre.page.wait_for_timeout(600)
    expect(first).to_have_text("5,000")


def test_deadlines_are_announced(theatre: Theatre) -> None:
    ask(theatre, left=31.0, duration=60)
    theatre.open()
    status = theatre.page.locator("streamd-poll > [role=status]")
    expect(status).to_have_text(re.compile(r"^Poll: (30|2\d) seconds left\.$"))


def test_who_asked_when_how_many_and_what_it_is_not(theatre: Theatre) -> None:
    ask(theatre)
    theatre.open()
    card = theatre.page.locator("streamd-poll")
    expect(card).to_contain_text("Asked by \u2068Election headquarters\u2069")
    expect(card).to_contain_text("2,808 people answered")
    expect(card).to_contain_text("Self-selected, not representative; not a vote in the election.")


def test_only_a_poll_with_simulated_voters_says_so(theatre: Theatre) -> None:
    ask(theatre)
    theatre.open()
    card = theatre.page.locator("streamd-poll")
    expect(card.get_by_role("button", name="Vote")).to_be_visible()
    expect(card.get_by_text("Simulated voters")).to_have_count(0)
    ask(theatre, id="p2", simulated=True)
    expect(card.get_by_text("Simulated voters")).to_be_visible()


def test_the_asker_is_named_in_the_reader_s_language(theatre: Theatre) -> None:
    ask(theatre)
    theatre.open("/watch/mina?lang=fa")
    expect(theatre.page.locator(".poll-notice")).to_contain_text("ستاد انتخابات")
    # An older poll has the name as it was written and no more.
    theatre.do(theatre.stage.set_polls, "mina", {**poll(id="p2"), "asked_by": None})
    expect(theatre.page.locator(".poll-notice")).to_contain_text("Election headquarters")


@pytest.mark.parametrize("language", ["en", "fa"])
def test_on_a_phone_the_notice_stands_with_the_button(theatre: Theatre, language: str) -> None:
    theatre.page.set_viewport_size({"width": 390, "height": 844})
    ask(theatre, language=language)
    theatre.open(f"/watch/mina?lang={language}")
    expect(theatre.page.locator("streamd-poll .vote-notice")).to_be_in_viewport(ratio=1)
    expect(theatre.page.locator("streamd-poll button[type=submit]")).to_be_in_viewport(ratio=1)
    theatre.page.set_viewport_size({"width": 1440, "height": 900})
    expect(theatre.page.locator("streamd-poll .vote-notice")).to_be_hidden()
    expect(theatre.page.locator(".poll-notice p").last).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("code", [1001, 1002, 1003, 1004, 1005, 1006, 1999])
def test_a_refusal_is_persian_on_a_persian_page(theatre: Theatre, code: int) -> None:
    ask(theatre, language="fa")
    theatre.open("/watch/mina?lang=fa")
    sentence = theatre.page.evaluate(
        """async (code) => {
          const base = document.querySelector("script[src*='watch.js']").src;
          return (await import(new URL("poll/sentences.js", base))).refusal(code);
        }""",
        code,
    )
    assert re.fullmatch(r"[\u0600-\u06ff\u200c\s.،؛]+", sentence)


def test_a_second_tab_keeps_the_receipt(theatre: Theatre) -> None:
    ask(theatre)
    theatre.open()
    first = theatre.page
    second = first.context.new_page()
    second.goto(first.url)
    expect(second.get_by_role("radio", name="Schools")).to_be_visible()
    answer(theatre, "Housing")
    expect(first.get_by_text("Counted", exact=True)).to_be_visible()
    kept = first.evaluate(BALLOT)
    expect(second.get_by_text("Counted", exact=True)).to_be_visible()
    second.get_by_role("button", name="Receipt").click()
    expect(second.get_by_text(kept["ballot_id"])).to_be_visible()
    first.reload()
    expect(first.get_by_text("Counted", exact=True)).to_be_visible()
    assert first.evaluate(BALLOT) == kept
    assert {vote["ballot_id"] for vote in theatre.stage.votes} == {kept["ballot_id"]}


def test_a_tab_that_missed_the_other_s_vote_takes_it_over(theatre: Theatre) -> None:
    ask(theatre)
    theatre.open()
    first = theatre.page
    second = first.context.new_page()
    second.add_init_script(
        "Object.defineProperty(StorageEvent.prototype, 'key', { get: () => 'not heard' })"
    )
    second.goto(first.url)
    second.get_by_text("Schools", exact=True).click()
    answer(theatre, "Housing")
    expect(first.get_by_text("Counted", exact=True)).to_be_visible()
    kept = first.evaluate(BALLOT)
    second.get_by_role("button", name="Vote").click()
    expect(second.get_by_text("Counted", exact=True)).to_be_visible()
    assert second.evaluate(BALLOT) == kept
    assert len(theatre.stage.votes) == 1


def test_a_refusal_drops_only_the_ballot_that_was_refused(theatre: Theatre) -> None:
    ask(theatre)
    theatre.open()
    theatre.stage.refusal = -1
    answer(theatre, "Housing")
    expect(theatre.page.get_by_text("Not yet counted.")).to_be_visible()
    ballot_id = "a" * 32
    other: dict[str, Any] = {"choices": ["4"], "ballot_id": ballot_id, "nonce": "b" * 32}
    other["receipt"] = receipt(POLL, ballot_id)
    store = "(kept) => localStorage.setItem('streamd.ballot.p1', JSON.stringify(kept))"
    theatre.page.evaluate(store, other)
    theatre.page.route("**/votes", lambda route: route.fulfill(**ALREADY_VOTED))
    expect(theatre.page.get_by_text("Counted", exact=True)).to_be_visible()
    assert theatre.page.evaluate(BALLOT) == other


def test_several_open_polls_are_answered_one_after_another(theatre: Theatre) -> None:
    old, new = poll(id="p1", question="First?"), poll(id="p2", question="Second?")
    theatre.do(theatre.stage.set_polls, "mina", new, old)
    theatre.open()
    page = theatre.page
    expect(page.get_by_role("heading", name="Second?")).to_be_visible()
    expect(page.get_by_role("button", name="Next question")).to_have_count(0)
    answer(theatre, "Housing")
    page.get_by_role("button", name="Next question").click()
    expect(page.get_by_role("heading", name="First?")).to_be_visible()
    expect(page.get_by_role("radio").first).to_be_focused()
    theatre.do(theatre.stage.tell, "mina")
    answer(theatre, "Schools")
    expect(page.get_by_text("Counted", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Next question")).to_have_count(0)
    assert [vote["poll"] for vote in theatre.stage.votes] == ["p2", "p1"]


def test_an_open_poll_before_a_closed_one_and_the_last_closed_before_others(
    theatre: Theatre,
) -> None:
    opened = poll(id="p1", question="Open?")
    earlier = poll(id="p2", question="Closed earlier?", state="closed")
    earlier["closed_at"] -= 30
    theatre.do(theatre.stage.set_polls, "mina", earlier, opened)
    theatre.open()
    expect(theatre.page.get_by_role("heading", name="Open?")).to_be_visible()
    last = poll(id="p1", question="Open?", state="closed")
    theatre.do(theatre.stage.set_polls, "mina", earlier, last)
    expect(theatre.page.get_by_text("Poll closed", exact=True)).to_be_visible()
    expect(theatre.page.get_by_role("heading", name="Open?")).to_be_visible()


def test_without_the_line_the_page_asks_again_and_again(theatre: Theatre) -> None:
    theatre.run(theatre.stage.cut_line())
    theatre.open()
    expect(theatre.page.get_by_text("No question right now")).to_be_visible()
    ask(theatre, id="p5", question="Asked later?")
    theatre.do(theatre.stage.set_stream, "mina", "stalled", 7)
    expect(theatre.page.get_by_role("heading", name="Asked later?")).to_be_visible()
    expect(theatre.page.locator("[data-count]")).to_have_text("7")
    asked: list[str] = []
    theatre.page.on("request", lambda request: asked.append(request.url))
    theatre.run(theatre.stage.open_line())
    theatre.until("!document.querySelector('streamd-poll').isLineDown")
    asked.clear()
    theatre.page.wait_for_timeout(6000)
    assert not [url for url in asked if "/api/v1/polls?" in url]


def test_a_failed_identification_leaves_the_old_connection(theatre: Theatre) -> None:
    ask(theatre)
    theatre.open()
    expect(theatre.page.get_by_role("radio", name="Housing")).to_be_visible()
    token = "**/api/v1/token"
    theatre.page.route(token, lambda route: route.fulfill(json={"token": "x", "expires_in": 9}))
    theatre.page.get_by_text("Housing", exact=True).click()
    failed = theatre.page.evaluate(
        """async () => {
          const { feed } = document.querySelector("streamd-poll");
          const before = feed.client;
          const why = await feed.identify().then(() => "identified", () => "refused");
          return { why, isIdentified: feed.isIdentified, isUp: feed.isUp,
                   isBack: feed.client.state === "connected" };
        }"""
    )
    assert failed == {"why": "refused", "isIdentified": False, "isUp": True, "isBack": True}
    ask(theatre, counts=(5000, 0, 0, 0))
    theatre.page.get_by_role("button", name="Show results").click()
    expect(theatre.page.locator(".result-count").first).to_have_text("5,000")
    theatre.page.unroute(token)
    theatre.page.get_by_role("button", name="Back to the answers").click()
    answer(theatre, "Housing")
    expect(theatre.page.get_by_text("Counted", exact=True)).to_be_visible()


def test_persian_has_persian_digits_and_dates(theatre: Theatre) -> None:
    ask(theatre, language="fa")
    theatre.open("/watch/mina?lang=fa")
    card = theatre.page.locator("streamd-poll")
    expect(card).to_contain_text("۲٬۸۰۸ نفر")
    theatre.page.get_by_role("button", name="دیدن نتیجه").click()
    expect(theatre.page.locator(".result-count").first).to_have_text("۱٬۲۰۴")
    assert theatre.page.evaluate("document.documentElement.dir") == "rtl"


def test_a_new_poll_takes_the_old_one_s_place(theatre: Theatre) -> None:
    ask(theatre)
    theatre.open()
    answer(theatre, "Housing")
    expect(theatre.page.get_by_text("Counted", exact=True)).to_be_visible()
    ask(theatre, id="p2")
    expect(theatre.page.get_by_role("button", name="Vote")).to_be_visible()
    ask(theatre, id="p2", state="closed")
    expect(theatre.page.get_by_text("Poll closed", exact=True)).to_be_visible()
    expect(theatre.page.locator(".result")).to_have_count(4)


def test_no_motion_where_less_is_asked_for(theatre: Theatre) -> None:
    theatre.page.emulate_media(reduced_motion="reduce")
    ask(theatre)
    theatre.open()
    theatre.page.get_by_role("button", name="Show results").click()
    moving = """[...document.querySelectorAll(".bar > i, .poll-line > i")]
        .map((bar) => getComputedStyle(bar))
        .filter((style) => style.transitionDuration !== "0s" && style.transitionProperty !== "none")
        .length"""
    assert theatre.page.evaluate(moving) == 0


def test_a_waiting_ballot_is_not_sent_as_somebody_else(theatre: Theatre) -> None:
    ask(theatre)
    theatre.open()
    waits = {"choices": ["2"], "ballot_id": "a" * 32, "nonce": "b" * 32, "tier": "code"}
    store = "(kept) => localStorage.setItem('streamd.ballot.p1', JSON.stringify(kept))"
    theatre.page.evaluate(store, {**waits, "version": 1, "receipt": None})
    theatre.page.reload()
    expect(theatre.page.get_by_role("alert")).to_contain_text("made under another identity")
    assert theatre.page.evaluate(BALLOT) is None
    assert theatre.stage.votes == []
    answer(theatre, "Housing")
    expect(theatre.page.get_by_text("Counted", exact=True)).to_be_visible()
    assert "tier" not in theatre.stage.votes[0]
