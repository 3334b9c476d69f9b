"""Answering every kind of question, by keyboard; what is wrong is said beside it; what is sent."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.pages.asked import question, sheet, survey
from tests.browser.pages.conftest import Theatre
from tests.browser.pages.poll_states import ASKED

pytestmark = pytest.mark.browser


def ask(theatre: Theatre, kind: str, **changes: Any) -> Locator:
    """A poll of ``kind`` stands on the open page; its card."""
    row = ASKED[kind]("en") if not changes else sheet(question("en", kind), **changes)
    theatre.do(theatre.stage.set_polls, "mina", row)
    theatre.open()
    card = theatre.page.locator("streamd-poll")
    expect(card.locator("form, .asked").first).to_be_visible()
    return card


def send(card: Locator, name: str = "Vote") -> None:
    card.get_by_role("button", name=name, exact=True).press("Enter")


def counted(theatre: Theatre, card: Locator) -> Any:
    """The one vote, once it is counted and the keyboard is where that stands."""
    expect(card.get_by_text("Counted", exact=True)).to_be_visible()
    expect(card.locator(".counted")).to_be_focused()
    [vote] = theatre.stage.votes
    return vote


def test_several_answers_are_bounded_and_counted(theatre: Theatre) -> None:
    card = ask(theatre, "multiple")
    hint = card.locator(".question-hint")
    expect(hint).to_have_text("Choose up to 2 answers. 0 chosen.")
    send(card)
    alert = card.get_by_role("alert")
    expect(alert).to_have_text("Choose an answer first.")
    first = card.get_by_role("checkbox", name="Work and wages")
    expect(first).to_be_focused()
    expect(first).to_have_attribute("aria-invalid", "true")
    described = card.locator("fieldset").get_attribute("aria-describedby") or ""
    assert (alert.get_attribute("id") or "?") in described.split()
    for name in ("Work and wages", "Schools", "Housing"):
        card.get_by_role("checkbox", name=name).press("Space")
    expect(hint).to_have_text("Choose up to 2 answers. 2 chosen.")
    expect(card.get_by_role("checkbox", name="Housing")).not_to_be_checked()
    expect(card.locator("> [role=status]")).to_have_text("At most 2 answers. Take one away first.")
    send(card)
    assert counted(theatre, card)["choices"] == ["1", "4"]
    expect(card.locator(".result.mine")).to_have_count(2)


def test_a_scale_s_ends_are_in_its_names(theatre: Theatre) -> None:
    card = ask(theatre, "rating")
    expect(card.get_by_role("radio")).to_have_count(5)
    card.get_by_role("radio", name="1 Not at all").press("Space")
    card.get_by_role("radio", name="1 Not at all").press("ArrowRight")
    card.get_by_role("radio", name="2", exact=True).press("ArrowRight")
    send(card)
    assert counted(theatre, card)["choices"] == ["3"]
    expect(card.locator(".mean")).to_contain_text("Your answer: 3")


def test_an_order_is_made_with_arrows_that_keep_the_keyboard(theatre: Theatre) -> None:
    card = ask(theatre, "ranking")
    send(card)
    expect(card.get_by_role("alert")).to_contain_text("Nothing was moved yet.")
    assert theatre.stage.votes == []
    up = card.get_by_role("button", name="Move up: Water and climate")
    up.press("Enter")
    said = card.locator("> [role=status]")
    expect(said).to_have_text("Water and climate: place 2 of 4")
    expect(up).to_be_focused()
    expect(card.get_by_role("alert")).to_have_count(0)
    theatre.page.keyboard.press("Enter")
    expect(said).to_have_text("Water and climate: place 1 of 4")
    expect(up).to_be_focused()
    send(card)
    assert counted(theatre, card)["choices"] == ["3", "1", "2", "4"]
    expect(card.locator(".said li")).to_have_text(
        ["Water and climate", "Work and wages", "Housing", "Schools"]
    )


def test_an_order_is_made_by_dragging(theatre: Theatre) -> None:
    card = ask(theatre, "ranking")
    rows = card.locator(".ranked")
    handle = rows.nth(3).locator(".ranked-handle").bounding_box()
    target = rows.nth(0).bounding_box()
    assert handle
    assert target
    mouse = theatre.page.mouse
    mouse.move(handle["x"] + 10, handle["y"] + 10)
    mouse.down()
    mouse.move(handle["x"] + 10, target["y"] + 20, steps=12)
    mouse.up()
    expect(rows.nth(0)).to_contain_text("Schools")
    send(card)
    assert counted(theatre, card)["choices"] == ["4", "1", "2", "3"]


def test_an_order_left_as_it_came_is_an_answer_once_its_voter_says_so(theatre: Theatre) -> None:
    card = ask(theatre, "ranking")
    send(card)
    expect(card.get_by_role("alert")).to_be_visible()
    send(card)
    assert counted(theatre, card)["choices"] == ["1", "2", "3", "4"]


def test_a_quiz_tells_right_and_wrong_in_words_once_it_has_closed(theatre: Theatre) -> None:
    card = ask(theatre, "quiz")
    card.get_by_role("radio", name="About 40", exact=True).press("Space")
    send(card)
    counted(theatre, card)
    expect(card).to_contain_text("Which answer is right is told once the poll has closed.")
    expect(card.get_by_text("Right answer")).to_have_count(0)
    shown = sheet(question("en", "quiz"), state="closed")
    theatre.do(theatre.stage.set_polls, "mina", shown)
    expect(card.get_by_text("Your answer is not the right one")).to_be_visible()
    right = card.locator(".result.right")
    expect(right).to_have_count(1)
    expect(right.locator(".result-label")).to_have_text("About 400 Right answer")


def test_an_open_answer_is_counted_in_characters_and_held(theatre: Theatre) -> None:
    card = ask(theatre, "text")
    field = card.get_by_role("textbox", name="What did you miss in this debate?")
    send(card)
    expect(card.get_by_role("alert")).to_have_text("Write your answer first.")
    expect(field).to_be_focused()
    field.fill("x" * 201)
    expect(card.locator(".writing [role=status]")).to_have_text("1 character too many")
    send(card)
    expect(card.get_by_role("alert")).to_have_text("Shorten your answer to 200 characters.")
    field.fill("  Night buses ")
    send(card)
    assert counted(theatre, card)["text"] == "Night buses"
    expect(card.locator(".said")).to_contain_text("Night buses")
    words = card.get_by_role("list", name="What did you miss in this debate?")
    expect(words.get_by_role("listitem").first).to_contain_text("in 41 answers")


def test_a_survey_is_resumed_reviewed_and_sent_at_once(theatre: Theatre) -> None:
    row = sheet(survey("en"))
    theatre.do(theatre.stage.set_polls, "mina", row)
    theatre.open()
    page, card = theatre.page, theatre.page.locator("streamd-poll")
    expect(card.get_by_text("Question 1 of 5")).to_be_visible()
    send(card, "Next")
    expect(card.get_by_role("alert")).to_have_text("Choose an answer first.")
    page.keyboard.press("Space")
    send(card, "Next")
    expect(card.get_by_role("heading", level=2)).to_be_focused()
    card.get_by_role("checkbox", name="Housing").press("Space")
    send(card, "Next")

    page.reload()
    expect(card.get_by_text("Question 3 of 5")).to_be_visible()
    expect(card.get_by_text("Your answers from before are still here.")).to_be_visible()
    send(card, "Back")
    expect(card.get_by_role("checkbox", name="Housing")).to_be_checked()
    send(card, "Next")
    card.get_by_role("radio", name="4", exact=True).press("Space")
    send(card, "Next")
    card.get_by_role("button", name="Move down: Work and wages").press("Enter")
    send(card, "Next")
    expect(card.locator(".question-hint")).to_contain_text("You may leave this one out.")
    send(card, "Review")
    expect(card.get_by_role("heading", name="Your answers")).to_be_focused()
    expect(card.locator(".review dd")).to_have_text(
        ["Work and wages", "Housing", "4", "HousingWork and wagesWater and climateSchools",
         "Left out"]
    )  # fmt: skip
    card.get_by_role("button", name="Change: How well did the candidate").press("Enter")
    card.get_by_role("radio", name="5 Completely").press("Space")
    for name in ("Next", "Next", "Review", "Send all answers"):
        send(card, name)
    answers = {"q1": ["1"], "q2": ["2"], "q3": ["5"], "q4": ["2", "1", "3", "4"]}
    assert counted(theatre, card)["answers"] == answers
    assert page.evaluate("localStorage.getItem('streamd.draft.p1')") is None
    expect(card.locator(".question-result")).to_have_count(5)


def test_an_edited_survey_is_begun_again(theatre: Theatre) -> None:
    row = sheet(survey("en"))
    theatre.do(theatre.stage.set_polls, "mina", row)
    theatre.open()
    card = theatre.page.locator("streamd-poll")
    card.get_by_role("radio", name="Housing").press("Space")
    send(card, "Next")
    theatre.do(theatre.stage.set_polls, "mina", {**row, "version": 2})
    expect(card.get_by_text("Question 1 of 5")).to_be_visible()
    expect(card.get_by_role("radio", name="Housing")).not_to_be_checked()


def test_shuffled_choices_stand_in_this_browser_s_order_by_the_published_seed(
    theatre: Theatre,
) -> None:
    row = sheet(question("en", "single"), shuffle=True)
    theatre.do(theatre.stage.set_polls, "mina", row)
    theatre.page.add_init_script("localStorage.setItem('streamd.order', JSON.stringify('ab12'))")
    theatre.open()
    labels = theatre.page.locator("streamd-poll .choice")
    expect(labels).to_have_count(4)

    def place(choice: dict[str, str]) -> str:
        return hashlib.sha256(f"{row['seed']}ab12q1.{choice['id']}".encode()).hexdigest()

    wanted = [choice["label"] for choice in sorted(row["choices"], key=place)]
    expect(labels).to_have_text(wanted)
    theatre.page.locator(".terms summary").click()
    expect(theatre.page.locator(".terms")).to_contain_text(row["seed"])


def test_every_ballot_tells_what_its_voter_had_read(theatre: Theatre) -> None:
    theatre.stage.refusal = 1008
    card = ask(theatre, "single")
    card.get_by_role("radio", name="Housing").press("Space")
    send(card)
    expect(card.get_by_role("alert")).to_contain_text("The question was changed")
    assert theatre.stage.votes[0]["version"] == 1
    assert theatre.stage.votes[0]["choices"] == ["2"]
