"""Polls in the studio: writing one, asking it, watching it move, closing it."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

from tests.browser.studio_pages.conftest import Studio
from tests.browser.studio_pages.poll_rows import poll

pytestmark = pytest.mark.browser


def compose(studio: Studio, question: str, labels: list[str]) -> None:
    page = studio.page
    page.get_by_role("tab", name="Polls").click()
    page.locator("#question").fill(question)
    for place, label in enumerate(labels, 1):
        if place > 2:
            studio.press("Add a choice")
        page.get_by_role("textbox", name=f"Choice {place}").fill(label)


def test_a_question_is_asked_as_previewed(studio: Studio) -> None:
    studio.open()
    compose(studio, "Do we need a night bus?", ["Yes", "No", "Not yet"])
    preview = studio.page.locator(".preview")
    expect(preview).to_contain_text("Do we need a night bus?")
    expect(preview).to_contain_text("Not yet")
    expect(preview).to_contain_text("not a vote in the election")
    studio.press("Move “Not yet” up")
    studio.page.get_by_role("radio", name="2 min").check()
    studio.press("Ask now")
    expect(studio.page.locator(".poll.open")).to_contain_text("Do we need a night bus?")
    [asked] = studio.fixture.polls
    assert [choice["label"] for choice in asked["choices"]] == ["Yes", "Not yet", "No"]
    assert (asked["state"], asked["duration_seconds"]) == ("open", 120)
    expect(studio.page.locator("#question")).to_have_value("")


def test_an_unfinished_question_says_what_is_missing(studio: Studio) -> None:
    studio.open()
    compose(studio, "", ["Yes", ""])
    studio.press("Ask now")
    page = studio.page
    expect(page.locator("#question-error")).to_have_text("Write the question first.")
    expect(page.locator("#choices-error")).to_contain_text("Fill in every choice")
    expect(page.locator("#question")).to_be_focused()
    compose(studio, "Well?", ["Yes", "Yes"])
    studio.press("Ask now")
    expect(page.locator("#choices-error")).to_contain_text("Two choices are the same")
    assert studio.fixture.polls == []


def test_ten_choices_are_the_most_and_two_the_fewest(studio: Studio) -> None:
    studio.open()
    compose(studio, "Which?", [f"Number {place}" for place in range(1, 11)])
    expect(studio.page.get_by_role("button", name="Add a choice")).to_have_count(0)
    for place in range(10, 2, -1):
        studio.press(f"Remove “Number {place}”")
    expect(studio.page.get_by_role("button", name="Remove “Number 1”")).to_be_disabled()


def test_the_tally_moves_with_the_feed_and_closing_takes_two_presses(studio: Studio) -> None:
    now = time.time()
    row = poll(1, "open", counts=(1, 0, 0), opened_at=now, closes_at=now + 90)
    studio.fixture.polls = [row]
    studio.open()
    studio.page.get_by_role("tab", name="Polls").click()
    card = studio.page.locator(".poll.open")
    expect(card).to_contain_text("1 person answered")
    tally = {**row["tally"], "seq": 9, "total": 9, "counts": {"1": 1, "2": 8, "3": 0}}
    for _ in range(20):
        studio.run(studio.fixture.push("poll:p1", tally))
        if "9 people answered" in card.inner_text():
            break
        studio.page.wait_for_timeout(200)
    expect(card).to_contain_text("9 people answered")
    stale = {**tally, "seq": 4, "total": 4}
    studio.run(studio.fixture.push("poll:p1", stale))
    studio.page.wait_for_timeout(300)
    expect(card).to_contain_text("9 people answered")
    studio.press("Close poll")
    assert row["state"] == "open"
    studio.press("Press again to close")
    expect(studio.page.locator(".poll.closed")).to_be_visible()
    assert row["state"] == "closed"


def test_a_draft_opens_later(studio: Studio) -> None:
    studio.open()
    compose(studio, "Later?", ["Yes", "No"])
    studio.press("Keep as a draft")
    draft = studio.page.locator(".poll.draft")
    expect(draft).to_contain_text("Later?")
    draft.get_by_role("button", name="Ask now").click()
    expect(studio.page.locator(".poll.open")).to_contain_text("Later?")


def test_a_refused_question_stays_written(studio: Studio) -> None:
    studio.fixture.polls_status = 422
    studio.open()
    compose(studio, "Allowed?", ["Yes", "No"])
    studio.press("Ask now")
    expect(studio.page.get_by_role("alert")).to_contain_text("Too many open polls.")
    expect(studio.page.locator("#question")).to_have_value("Allowed?")


def test_questions_from_viewers_are_offered_no_hidden_results(studio: Studio) -> None:
    studio.open()
    compose(studio, "What do you want to ask?", [])
    page = studio.page
    page.locator(".rules > summary", has_text="Rules").first.click()
    results = page.locator("input[name=results]")
    results.nth(2).check()
    page.get_by_label("Kind of answer").select_option("qa")
    expect(results.nth(0)).to_be_checked()
    for place in (1, 2, 3):
        expect(results.nth(place)).to_be_disabled()
    expect(page.get_by_role("checkbox", name="Take answers from the recording")).to_be_disabled()
    expect(page.get_by_text("Not with questions from viewers.")).to_have_count(4)


def test_a_quiz_is_offered_no_late_answers(studio: Studio) -> None:
    studio.open()
    compose(studio, "Who knows?", ["a", "b"])
    page = studio.page
    page.locator(".rules > summary", has_text="Rules").first.click()
    late = page.get_by_role("checkbox", name="Take answers from the recording")
    late.check()
    page.get_by_label("Kind of answer").select_option("quiz")
    expect(late).to_be_disabled()
    expect(late).not_to_be_checked()
    expect(page.get_by_text("Not with a quiz: its right answers are told")).to_be_visible()
    page.get_by_label("Kind of answer").select_option("single")
    expect(late).to_be_checked()
