"""What a poll's rules do on the page; codes, messengers, proofs, viewers' questions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.pages.asked import CODE, POLL, question, sheet, tally
from tests.browser.pages.conftest import Theatre
from tests.browser.pages.voting import PLATFORM_TOKEN

pytestmark = pytest.mark.browser


def ask(theatre: Theatre, kind: str = "single", path: str = "/watch/mina", **rules: Any) -> Locator:
    """A poll with ``rules`` stands on the open page; its card."""
    theatre.do(theatre.stage.set_polls, "mina", sheet(question("en", kind), **rules))
    theatre.open(path)
    card = theatre.page.locator("streamd-poll")
    expect(card.locator("h2")).to_be_visible()
    return card


def answer(card: Locator, label: str, button: str = "Vote") -> None:
    card.get_by_role("radio", name=label).press("Space")
    card.get_by_role("button", name=button, exact=True).press("Enter")


def test_every_rule_is_told_before_voting(theatre: Theatre) -> None:
    card = ask(
        theatre,
        who=("device", "code"),
        revote="last",
        results="after_close",
        regions=("hills", "harbour"),
        log="recount",
    )
    terms = card.locator(".terms")
    expect(terms.locator("summary")).to_contain_text(
        "Open to everybody · 2 regions · the last answer counts · results after the close"
    )
    terms.locator("summary").press("Enter")
    for sentence in (
        "with an access code: each code counts once",
        "Only for these regions: The Hills, Harbour.",
        "the link between you and your ballot is kept until the close, and then deleted",
        "Results: to everybody after the close.",
        "You could then show others how you answered.",
        "Open until",
    ):
        expect(terms).to_contain_text(sentence)


def test_hidden_results_say_why_and_when(theatre: Theatre) -> None:
    card = ask(theatre, results="after_close")
    expect(card.get_by_role("button", name="Show results")).to_have_count(0)
    answer(card, "Housing")
    expect(card.locator(".hidden-results")).to_contain_text("after the close, at")
    expect(card.locator(".result")).to_have_count(0)
    closed = sheet(question("en", "single"), results="after_close", state="closed")
    theatre.do(theatre.stage.set_polls, "mina", closed)
    expect(card.locator(".result")).to_have_count(4)


def test_who_has_answered_sees_what_others_do_not_yet(theatre: Theatre) -> None:
    counts = {"1": 7, "2": 5, "3": 0, "4": 0}
    theatre.stage.voting.tallies[POLL] = tally(counts, seq=9000)
    card = ask(theatre, results="after_vote")
    answer(card, "Housing")
    expect(card.locator(".result-count").first).to_have_text("7")
    hidden = {**tally(counts, seq=9001), "counts": None, "total": 4000}
    theatre.do(theatre.stage.hub.publish, f"poll:{POLL}", hidden)
    expect(card).to_contain_text("4,000 people answered")
    expect(card.locator(".result-count").first).to_have_text("7")


def test_tiers_of_an_open_poll_are_told_at_the_close(theatre: Theatre) -> None:
    card = ask(theatre, tiers={"device": 1204, "platform": 400, "code": 96})
    answer(card, "Housing")
    expect(card.locator(".tiers")).to_have_text("By identity: told at the close")


def test_tiers_stand_beside_the_result_and_small_ones_are_withheld(theatre: Theatre) -> None:
    card = ask(theatre, state="closed", tiers={"device": 1204, "platform": 4, "code": 96})
    expect(card.locator(".tiers")).to_have_text(
        "1,204 by device · through a messenger: withheld · with a code: withheld"
    )


def test_regions_are_told_after_the_close_in_their_names(theatre: Theatre) -> None:
    row = sheet(question("en", "single"), state="closed")
    counts = {"1": 40, "2": 30, "3": 20, "4": 10}
    hidden = dict.fromkeys(counts)
    theatre.stage.voting.whole[POLL] = {
        **row,
        "regions": {
            "hills": {"total": 100, "counts": counts},
            "harbour": {"total": None, "counts": hidden},
        },
    }
    theatre.page.add_init_script("Math.random = () => 0")
    card = ask(theatre, state="closed")
    card.locator(".by-region summary").press("Enter")
    rows = card.locator(".by-region tbody tr")
    expect(rows).to_have_text(["The Hills 100 40302010", f"Harbour withheld {'withheld' * 4}"])
    expect(card.locator(".by-region")).to_contain_text("fewer than ten people")


def test_an_answer_is_changed_until_the_close(theatre: Theatre) -> None:
    card = ask(theatre, revote="last")
    answer(card, "Housing")
    expect(card.locator(".proof-line")).to_have_text("On its way into the public log.")
    card.get_by_role("button", name="Change my answer").press("Enter")
    expect(card.get_by_role("radio", name="Housing")).to_be_checked()
    answer(card, "Schools", "Change my answer")
    expect(card.locator(".result.mine")).to_contain_text("Schools")
    first, second = theatre.stage.votes
    assert (first["choices"], second["choices"]) == (["2"], ["4"])
    assert first["ballot_id"] != second["ballot_id"]
    card.get_by_role("button", name="Change my answer").press("Enter")
    theatre.stage.refusal = 1003
    answer(card, "Housing", "Change my answer")
    expect(card.get_by_role("alert")).to_contain_text("came too late")
    expect(card.locator(".result.mine")).to_contain_text("Schools")
    kept = theatre.page.evaluate(f"JSON.parse(localStorage.getItem('streamd.ballot.{POLL}'))")
    assert kept["ballot_id"] == second["ballot_id"]


def test_the_proof_comes_by_itself_and_the_receipt_can_be_checked(theatre: Theatre) -> None:
    theatre.page.add_init_script("Math.random = () => 0")
    card = ask(theatre)
    answer(card, "Housing")
    expect(card.locator(".proof-line")).to_have_text("On its way into the public log.")
    theatre.stage.voting.is_logged = True
    expect(card.locator(".proof-line")).to_have_text("In the public log.")
    card.get_by_role("button", name="Receipt").press("Enter")
    expect(card.locator(".receipt")).to_contain_text("1,042 of 2,820")
    given = theatre.page.evaluate(f"JSON.parse(localStorage.getItem('streamd.ballot.{POLL}'))")
    address = card.get_by_role("link", name="Check it").get_attribute("href") or ""
    shown = theatre.page.evaluate("(text) => decodeURIComponent(text)", address)
    assert json.loads(shown.removeprefix("/verify#receipt=")) == given["receipt"]
    with theatre.page.expect_download() as download:
        card.get_by_role("button", name="Download").click()
    assert json.loads(download.value.path().read_text()) == given["receipt"]


def test_a_code_opens_the_poll_and_a_wrong_one_says_what_to_do(theatre: Theatre) -> None:
    card = ask(theatre, who=("code",))
    expect(card.get_by_role("radio")).to_have_count(0)
    field = card.get_by_role("textbox", name="Access code")
    for typed, sentence in (("7k3m 92", "not a whole code"), ("0000-0000-0000", "does not hold")):
        field.fill("")
        field.press_sequentially(typed)
        field.press("Enter")
        alert = card.get_by_role("alert")
        expect(alert).to_contain_text(sentence)
        expect(field).to_be_focused()
        expect(field).to_have_attribute("aria-invalid", "true")
        described = (field.get_attribute("aria-describedby") or "").split()
        assert alert.get_attribute("id") in described
    field.fill("")
    field.press_sequentially(CODE.replace("-", "").lower())
    expect(field).to_have_value(CODE)
    field.press("Enter")
    expect(card.get_by_role("radio").first).to_be_focused()
    answer(card, "Housing")
    expect(card.get_by_text("Counted", exact=True)).to_be_visible()
    assert set(theatre.stage.voting.tiers) == {"code"}


def test_whom_the_rules_leave_out_is_told_by_which_of_them(theatre: Theatre) -> None:
    card = ask(theatre, regions=("north",))
    theatre.stage.refusal = 1007
    answer(card, "Housing")
    expect(card.get_by_role("alert")).to_contain_text("only for these regions")
    said = theatre.page.evaluate(
        """async () => {
          const base = document.querySelector("script[src*='watch.js']").src;
          const { refusal } = await import(new URL("poll/sentences.js", base));
          const rules = { who: ["platform", "code"], regions: ["north"] };
          return [refusal(1007, { rules }), refusal(1007, { rules }, "region")];
        }"""
    )
    assert "only through a messenger that vouches for you or with an access code" in said[0]
    assert "these regions: north" in said[1]


def test_a_code_in_the_address_is_taken_and_gone_from_it(theatre: Theatre) -> None:
    card = ask(theatre, path=f"/watch/mina?lang=en#code={CODE}", who=("code",))
    expect(card.get_by_role("radio")).to_have_count(4)
    assert CODE not in theatre.page.url
    ordinary = sheet(question("en", "single"), id="p2", who=("device",))
    theatre.do(theatre.stage.set_polls, "mina", ordinary)
    answer(card, "Housing")
    expect(card.get_by_text("Counted", exact=True)).to_be_visible()
    assert theatre.stage.voting.tiers[-1] == "device"


def framed(theatre: Theatre, reply: str) -> Locator:
    """The watch page in a frame of another site, whose page answers as ``reply`` says."""
    row = sheet(question("en", "single"), who=("platform",))
    theatre.do(theatre.stage.set_polls, "mina", row)
    address = theatre.stage.url
    theatre.stage.voting.around = f"""<!doctype html>
      <iframe src="{address}/watch/mina?lang=en" width=800 height=700></iframe>
      <script>addEventListener("message", ({{ source, origin, data }}) => {{
        if (data.streamd === "token?" && origin === "{address}") {{ {reply} }}
      }});</script>"""
    theatre.page.goto(f"http://127.0.0.1:{theatre.stage.port}/around")
    return theatre.page.frame_locator("iframe").locator("streamd-poll")


def test_a_messenger_s_page_says_who_its_member_is(theatre: Theatre) -> None:
    theatre.stage.origins.append(f"http://127.0.0.1:{theatre.stage.port}")
    token = json.dumps({"streamd": "token", "token": PLATFORM_TOKEN})
    card = framed(theatre, f"source.postMessage({token}, origin)")
    answer(card, "Housing")
    expect(card.get_by_text("Counted", exact=True)).to_be_visible()
    assert set(theatre.stage.voting.tiers) == {"platform"}


def test_a_strange_page_around_is_not_asked(theatre: Theatre) -> None:
    theatre.stage.origins.append("https://messenger.example")
    token = json.dumps({"streamd": "token", "token": PLATFORM_TOKEN})
    card = framed(theatre, f"source.postMessage({token}, origin)")
    theatre.page.evaluate(f"frames[0].postMessage({token}, '*')")
    expect(card.get_by_role("alert")).to_contain_text("The messenger did not say who you are.")
    # It is the messenger's to say: a tab of ours would know no more.
    expect(card.get_by_role("link", name="Answer in a new tab")).to_have_count(0)
    assert theatre.stage.voting.tiers == []


def test_questions_are_asked_held_and_wanted(theatre: Theatre) -> None:
    card = ask(theatre, "qa")
    field = card.get_by_role("textbox", name="Your question")
    card.get_by_role("button", name="Ask", exact=True).press("Enter")
    expect(card.get_by_role("alert")).to_have_text("Write your question first.")
    expect(field).to_be_focused()
    field.fill("Who mends the bridge?")
    card.get_by_role("button", name="Ask", exact=True).press("Enter")
    held = card.get_by_role("list", name="Your questions")
    expect(held).to_have_text("Held until approvedWho mends the bridge?")
    expect(field).to_have_value("")
    [asked] = theatre.stage.voting.asked
    assert asked["text"] == "Who mends the bridge?"
    want = card.get_by_role("button", name="31 Want this answered: Will the number 12 bus")
    want.press("Enter")
    wanted = card.get_by_role("button", name="32 You want this answered: Will the number 12")
    expect(wanted).to_have_attribute("aria-pressed", "true")
    expect(wanted).to_be_focused()
    wanted.press("Enter")
    assert theatre.stage.voting.upvoted == [f"{1:032x}"]
    expect(card.locator(".asked-item.answered")).to_contain_text("Answered")
    expect(card.locator(".asked-item.answered").get_by_role("button")).to_have_count(0)
    theatre.stage.voting.refusal = 1009
    field.fill("And who pays?")
    card.get_by_role("button", name="Ask", exact=True).press("Enter")
    expect(card.get_by_role("alert")).to_contain_text("No more questions are taken from you")
    expect(field).to_have_value("And who pays?")


def test_a_pending_survey_shows_what_waits(theatre: Theatre) -> None:
    card = ask(theatre, "ranking")
    theatre.page.route("**/api/v1/**", lambda route: route.abort())
    theatre.run(theatre.stage.cut_line())
    card.get_by_role("button", name="Move up: Schools").press("Enter")
    card.get_by_role("button", name="Vote", exact=True).press("Enter")
    expect(card.get_by_text("Not yet counted.")).to_be_visible()
    expect(card.locator(".review li")).to_have_text(
        ["Work and wages", "Housing", "Schools", "Water and climate"]
    )
    theatre.page.unroute("**/api/v1/**")
    theatre.run(theatre.stage.open_line())
    expect(card.get_by_text("Counted", exact=True)).to_be_visible()
