"""From the composer over the desk to the file, by keyboard where a producer would."""

from __future__ import annotations

import csv
import io
import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.organiser.seed import Organiser, ask_questions
from tests.server import Server

pytestmark = pytest.mark.browser


def at_desk(page: Page, hall: Server, organiser: Organiser, lang: str = "en") -> None:
    page.goto(f"{hall.url}/studio/{organiser.stream}/desk?lang={lang}#key={organiser.key}")
    expect(page.locator(".producer")).to_be_visible()
    assert organiser.key not in page.url


def put_away(organiser: Organiser) -> None:
    """Leaves the stream without polls that a test would take for its own."""
    path = f"/api/v1/polls?stream={organiser.stream}"
    for row in organiser.client.ask("GET", path, key=organiser.key).json["polls"]:
        if row["state"] == "open":
            organiser.do(row["id"], "close")
        if row["state"] != "archived":
            organiser.do(row["id"], "archive")


def test_composed_opened_answered_closed_and_exported(
    page: Page, hall: Server, producer: Organiser
) -> None:
    put_away(producer)
    at_desk(page, hall, producer)
    page.keyboard.press("w")
    expect(page.locator("#question")).to_be_focused()
    page.keyboard.type("What first?")
    page.get_by_label("Kind of answer").select_option("multiple")
    page.get_by_role("textbox", name="Choice 1").fill("Water")
    page.get_by_role("textbox", name="Choice 2").fill("=Buses")
    page.get_by_role("button", name="Add a choice").click()
    page.keyboard.type("Parks")
    page.get_by_label("At most").select_option("2")
    page.get_by_role("button", name="Add a question").click()
    page.locator(".asked-one").nth(1).get_by_label("Kind of answer").select_option("rating")
    page.locator(".asked-one").nth(1).get_by_role("textbox", name="Question").fill("How sure?")
    page.locator(".rules > summary").first.click()
    page.get_by_role("radio", name="After the close", exact=True).check()
    page.get_by_role("checkbox", name="Messenger accounts").uncheck()
    page.get_by_role("checkbox", name="Shuffle the choices").check()
    page.get_by_role("checkbox", name="Take answers from the recording").check()
    expect(page.locator(".preview streamd-poll")).to_contain_text("What first?")
    page.get_by_role("button", name="Ask now").click()
    expect(page.locator(".in-hand.open")).to_contain_text("What first?")

    path = f"/api/v1/polls?stream={producer.stream}"
    row = producer.client.ask("GET", path, key=producer.key).json["polls"][0]
    assert (row["kind"], row["state"], row["duration_seconds"]) == ("survey", "open", 60)
    assert row["rules"]["who"] == ["device", "code"]
    assert (row["rules"]["results"], row["rules"]["shuffle"]) == ("after_close", True)
    assert row["rules"]["late"] is True
    assert [one["maximum"] for one in row["questions"]] == [2, 1]

    for choices in (["1"], ["1", "2"], ["2", "3"]):
        producer.vote(row["id"], answers={"q1": choices, "q2": ["4"]})
    expect(page.locator(".in-hand-total b")).to_have_text("3")
    # Hidden from everybody until the close, and told to whoever holds the key.
    expect(page.locator(".fig-count").first).to_have_text("2")
    page.keyboard.press("c")
    expect(page.get_by_role("button", name="Press again to close")).to_be_visible()
    page.keyboard.press("c")
    expect(page.locator(".in-hand.closed")).to_be_visible()

    page.get_by_role("link", name="Results and files").click()
    expect(page.locator(".chart svg")).to_have_count(2)
    expect(page.get_by_text("not a vote in the election").first).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV, the numbers").click()
    text = download.value.path().read_text(encoding="utf-8-sig")
    answers = [one for one in csv.DictReader(io.StringIO(text)) if one["section"] == "answer"]
    assert [(one["text"], one["count"]) for one in answers[:3]] == [
        ("Water", "2"),
        ("'=Buses", "2"),
        ("Parks", "1"),
    ]
    for kind, begins in (("PNG", b"\x89PNG"), ("SVG", b"<svg")):
        with page.expect_download() as download:
            page.get_by_role("button", name=f"{kind}, a picture").click()
        assert download.value.path().read_bytes().startswith(begins)


def test_a_broadcast_by_keyboard_alone_and_the_hall_follows(
    page: Page, hall: Server, producer: Organiser
) -> None:
    put_away(producer)
    first, second = (
        producer.ask(question=text, choices=["Yes", "No"]) for text in ("First?", "Second?")
    )
    screen = page.context.new_page()
    screen.goto(f"{hall.url}/present/{producer.stream}?lang=en")
    expect(screen.get_by_text("The next question appears here.")).to_be_visible()
    page.bring_to_front()
    at_desk(page, hall, producer)
    expect(page.locator(".in-hand")).to_contain_text("First?")
    page.keyboard.press("n")
    expect(page.locator(".in-hand")).to_contain_text("Second?")
    expect(page.get_by_role("status")).to_have_text("Next: Second?")
    page.keyboard.press("o")
    expect(page.get_by_role("status")).to_contain_text("Press again to open")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Open now")).to_be_visible()
    assert producer.row(second["id"])["state"] == "draft"
    page.keyboard.press("o")
    page.keyboard.press("o")
    expect(page.locator(".in-hand.open")).to_contain_text("Second?")
    expect(screen.locator("h1")).to_have_text("Second?")
    producer.vote(second["id"], choices=["1"])
    expect(screen.locator(".hall-count b")).to_have_text("1")
    page.keyboard.press("c")
    page.keyboard.press("c")
    expect(page.locator(".in-hand.closed")).to_be_visible()
    expect(screen.get_by_text("Closed", exact=True)).to_be_visible()
    page.keyboard.press("n")
    expect(page.locator(".in-hand")).to_contain_text("First?")
    page.keyboard.press("o")
    page.keyboard.press("o")
    expect(screen.locator("h1")).to_have_text("First?")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".in-hand")).to_contain_text("Second?")
    page.keyboard.press("s")
    expect(screen.locator("h1")).to_have_text("Second?")
    assert producer.row(first["id"])["state"] == "open"
    # Switched off, letters do nothing.
    page.get_by_role("checkbox", name="Keys on").uncheck()
    page.keyboard.press("w")
    expect(page.locator("#question")).to_have_count(0)


def test_what_viewers_write_is_judged_by_keyboard(
    page: Page, hall: Server, producer: Organiser
) -> None:
    put_away(producer)
    poll = producer.ask(question="Ask us", kind="qa", open=True)["id"]
    ask_questions(producer, poll, ["One?", "Two?", "Three?"])
    at_desk(page, hall, producer)
    held = page.locator(".held-item")
    expect(held).to_have_count(3)
    approved = page.locator(".held-item.current p").first.inner_text()
    page.keyboard.press("a")
    expect(page.locator(".fig-asked")).to_contain_text(approved)
    waiting = page.get_by_role("button", name="Reject “")
    expect(waiting).to_have_count(2)
    page.keyboard.press("r")
    expect(waiting).to_have_count(1)
    page.keyboard.press("z")
    expect(waiting).to_have_count(2)
    page.keyboard.press("r")
    page.keyboard.press("r")
    expect(page.get_by_text("Nothing waits")).to_be_visible()
    page.get_by_role("button", name=f"“{approved}” is answered").click()
    expect(page.locator(".held-item .tag")).to_have_text("Answered")
    page.goto("about:blank")  # what was rejected last goes with the page
    path = f"/api/v1/polls/{poll}/items"
    deadline = time.monotonic() + 20
    while (states := stand(producer, path)) != ["answered"]:
        assert time.monotonic() < deadline, states
        page.wait_for_timeout(100)


def stand(organiser: Organiser, path: str) -> list[str]:
    """The states of the items at ``path`` that are still there."""
    items = organiser.client.ask("GET", path, key=organiser.key).json["items"]
    return sorted(item["state"] for item in items if item["state"] != "gone")


def test_a_draft_is_changed_copied_and_kept_as_a_template(
    page: Page, hall: Server, producer: Organiser
) -> None:
    put_away(producer)
    made = producer.ask(question="Befor?", choices=["a", "b"], rules={"revote": "last"})
    at_desk(page, hall, producer)
    page.get_by_role("button", name="Edit").click()
    page.locator("#question").fill("Before?")
    page.get_by_role("button", name="Keep as a template").click()
    page.get_by_role("button", name="Save the changes").click()
    expect(page.locator(".in-hand-question")).to_have_text("Before?")
    row = producer.row(made["id"])
    assert (row["question"], row["version"], row["rules"]["revote"]) == ("Before?", 2, "last")
    page.get_by_role("button", name="Duplicate").click()
    page.get_by_role("textbox", name="Choice 1").fill("other")
    page.locator(".rules > summary").last.click()
    page.get_by_label("Date and time").fill("2020-01-01T10:00")
    page.get_by_role("button", name="Schedule").click()
    expect(page.get_by_text("Choose a time that is still to come.")).to_be_visible()
    page.get_by_label("Date and time").fill("2027-05-01T10:00")
    page.get_by_role("button", name="Schedule").click()
    expect(page.locator(".in-hand.scheduled")).to_contain_text("other")
    page.get_by_role("button", name="Write a question").click()
    page.locator(".templates > summary").click()
    page.get_by_role("button", name="Before?", exact=True).click()
    expect(page.get_by_role("textbox", name="Choice 1")).to_have_value("a")


def test_an_open_poll_is_changed_until_somebody_has_answered(
    page: Page, hall: Server, producer: Organiser
) -> None:
    put_away(producer)
    made = producer.ask(question="Wich?", choices=["a", "b"], open=True)
    at_desk(page, hall, producer)
    page.get_by_role("button", name="Edit").click()
    expect(page.get_by_text("The rules are fixed since the poll opened.")).to_be_visible()
    page.locator("#question").fill("Which?")
    page.get_by_role("button", name="Save the changes").click()
    expect(page.locator(".in-hand.open .in-hand-question")).to_have_text("Which?")
    assert producer.row(made["id"])["version"] == 2
    # Without a deadline it can be given one; off air everything is at once.
    expect(page.get_by_role("group", name="Delay until viewers see it")).to_have_count(0)
    page.get_by_role("button", name="Close in a minute").click()
    expect(page.get_by_role("button", name="One minute more")).to_be_visible()
    producer.vote(made["id"], choices=["1"])
    expect(page.locator(".in-hand-total b")).to_have_text("1")
    expect(page.get_by_role("button", name="Edit")).to_have_count(0)
