"""A recording's page with what was asked in it: real votes, live and late, on a whole streamd.

The recording was made beforehand, so its pictures and its curve are scripted: polls.json is ours,
around the server's own rows. Its own polls.json against real pictures: tests/browser/test_cues.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from streamd.config import load
from tests.browser.pages.asked import question, survey
from tests.browser.pages.replayed import replayed
from tests.conftest import EVENT
from tests.recording.seed import Past, seed
from tests.server import Server, running
from tests.web.client import Client, ballot

pytestmark = pytest.mark.browser

BEGAN = 1_790_000_000
DEADLINE_MS = 45_000
SIZES = {"wide": (1440, 900), "phone": (390, 844)}
CARD = "document.querySelector('streamd-replay')"
VOD = "document.querySelector('streamd-vod')"
ASKED = {
    "question": "Which matter first?",
    "choices": ["Housing", "Water"],
    "rules": {"late": True},
    "open": True,
}
SENTENCE = "Answers from the recording are counted apart"


@dataclass
class Kept:
    """A streamd with a recording; ``polls`` is what its polls.json says, ``asked`` a real poll."""

    server: Server
    recording: str
    asked: dict[str, Any] = field(default_factory=dict)
    polls: list[dict[str, Any]] = field(default_factory=list)

    def row(self, poll: str) -> dict[str, Any]:
        """A poll as everybody may see it now."""
        found: dict[str, Any] = Client(self.server).ask("GET", f"/api/v1/polls/{poll}").json
        return found

    @property
    def late(self) -> dict[str, Any]:
        """The real poll of late answers."""
        rows = Client(self.server).ask("GET", f"/api/v1/polls?late_of={self.asked['id']}").json
        found: dict[str, Any] = rows["polls"][0]
        return found

    def real(self) -> dict[str, Any]:
        """The poll that was really asked, at 3 to 8 seconds of the recording."""
        scripted = replayed(question("en", "single"), BEGAN, (3, 8, None))
        row, late = self.row(self.asked["id"]), self.late
        counts = row["tally"]["counts"]
        curve = [[BEGAN + 4, 1, {"1": 1, "2": 0}], [BEGAN + 8, 3, counts]]
        told = {"poll": late["id"], "state": late["state"], "total": late["tally"]["total"]}
        told |= {"closes_at": late["closes_at"]}
        return {**scripted, "poll": row, "curve": curve, "late": {**told, "tally": late["tally"]}}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    home = tmp_path_factory.mktemp("replay")
    path = home / "config.toml"
    path.write_text(EVENT, encoding="utf-8")
    (recording,) = seed(home, load(path, {}).event, [Past("alef", BEGAN, 12)])
    settings = {"STREAMD_RECORDING_KEEP_DAYS": "0"}
    with running(home, "serve", "--config", str(path), **settings) as server:
        kept = Kept(server, recording)
        key, organiser = server.new_key("alef"), Client(server)
        asked = organiser.ask("POST", "/api/v1/streams/alef/polls", ASKED, key=key).json
        for choice in ("1", "1", "2"):
            voter = Client(server)
            assert voter.ask("GET", "/").status == 200
            assert voter.prove().status == 200
            vote = voter.ask("POST", f"/api/v1/polls/{asked['id']}/votes", ballot(choice))
            assert vote.status in (200, 201), vote.body
        organiser.ask("POST", f"/api/v1/polls/{asked['id']}/close", {}, key=key)
        kept.asked = asked
        yield kept


@pytest.fixture
def page(kept: Kept, browser: Browser) -> Iterator[Page]:
    """A viewer of the recording."""
    context = browser.new_context(base_url=kept.server.url)
    opened = context.new_page()
    opened.set_default_timeout(DEADLINE_MS)
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))

    def told(route: Route) -> None:
        route.fulfill(json={"polls": kept.polls})

    opened.route("**/polls.json", told)
    yield opened
    context.close()
    assert errors == []


def open_recording(page: Page, kept: Kept, language: str = "en") -> None:
    page.goto(f"/vod/{kept.recording}?lang={language}")
    page.wait_for_function(f"() => {VOD}?.fragments?.length > 0")
    page.evaluate(f"() => {{ {VOD}.video.muted = true; }}")


def seek(page: Page, seconds: float) -> None:
    page.evaluate(f"(at) => {VOD}.seek(at)", seconds)
    page.wait_for_function(f"() => !{VOD}.video.seeking && {VOD}.video.readyState > 1")


def test_what_stood_follows_from_the_picture_alone(page: Page, kept: Kept) -> None:
    kept.polls = []
    open_recording(page, kept)
    quiz = replayed(question("en", "quiz"), BEGAN, (2, 6, 7), results="after_close", id="q")
    live = replayed(question("en", "single"), BEGAN, (4, 9, None), id="l")
    cut = {**live, "curve": live["curve"][:2], "cue": {**live["cue"], "open": None}}
    found = page.evaluate(
        """async ([began, quiz, live, cut]) => {
          const base = document.querySelector("script[src*='vod/main.js']").src;
          const load = (name) => import(new URL(`../${name}.js`, base));
          const { asOf, chosen, inOrder, pointAt } = await load("poll/replay/replay");
          const { positionIn, timeIn } = await load("vod/places");
          const one = (entry, at) => {
            const found = asOf(entry, began + at);
            if (!found) return null;
            const { poll, tally } = found;
            const { right } = poll.questions[0];
            return [poll.state, tally.total, tally.counts && { ...tally.counts }, right];
          };
          const runs = [
            { programDateTime: 100_000, start: 0, duration: 2 },
            { programDateTime: 102_000, start: 2, duration: 2 },
            { programDateTime: 160_000, start: 4, duration: 2 },
          ];
          return {
            quiz: [1.9, 2, 3, 6].map((at) => one(quiz, at)),
            live: [3, 4, 5, 9, 5].map((at) => one(live, at)),
            cut: [0, 9].map((at) => one(cut, at)),
            left: asOf(live, began + 5).left,
            order: [1, 2, 5, 6.5, 8, 9, 3].map(
              (at) => chosen([quiz, live], began + at)?.poll.id ?? null,
            ),
            held: chosen([quiz, live], began + 5, "q").poll.id,
            sorted: inOrder([live, quiz, cut]).map(({ poll }) => poll.id),
            points: [0, 1, 1.5, 9].map((at) => pointAt([[1], [2]], at)),
            times: [0, 3, 4, 5.5, 99].map((at) => timeIn(runs, at)),
            back: [100, 103, 160, 161.5].map((at) => positionIn(runs, at)),
            none: timeIn([], 1),
          };
        }""",
        [BEGAN, quiz, live, cut],
    )
    right, final = quiz["poll"]["questions"][0]["right"], quiz["poll"]["tally"]
    assert found["quiz"][0] is None
    assert found["quiz"][1] == ["open", 0, None, None]
    assert found["quiz"][2][2:] == [None, None]  # neither counts nor the answer before the close
    assert found["quiz"][3] == ["closed", final["total"], final["counts"], right]
    assert found["live"][0] is None
    assert found["live"][1] == ["open", 0, {}, None]
    assert 0 < found["live"][2][1] < found["live"][3][1] == live["poll"]["tally"]["total"]
    assert found["live"][4] == found["live"][2]  # going back undoes
    # Its opening and its end are not in the recording: it was open, and ended as the store says.
    assert found["cut"][0] == ["open", 0, {}, None]
    assert found["cut"][1][1] == live["poll"]["tally"]["total"]
    assert found["left"] == 4
    assert found["order"] == [None, "q", "l", "l", "l", "l", "q"]
    assert found["held"] == "q"
    assert found["sorted"] == ["l", "q", "l"]
    assert found["points"] == [-1, 0, 0, 1]
    assert found["times"] == [100, 103, 160, 161.5, 162]
    assert found["back"] == [0, 3, 4, 5.5]
    assert found["none"] is None


def test_a_question_comes_and_goes_with_its_picture(page: Page, kept: Kept) -> None:
    kept.polls = [kept.real()]
    open_recording(page, kept)
    card = page.locator("streamd-replay")
    expect(card).to_be_hidden()
    moment = page.get_by_role("button", name="0:03 Which matter first?")
    expect(moment).to_have_attribute("aria-current", "false")
    expect(page.locator("streamd-vod .mark")).to_have_count(1)
    moment.press("Enter")
    expect(card).to_be_visible()
    expect(moment).to_have_attribute("aria-current", "true")
    expect(moment).to_be_focused()
    expect(card.get_by_role("heading", level=2)).to_have_text("Which matter first?")
    expect(card.get_by_text("As it was live")).to_be_visible()
    expect(card.get_by_role("status")).to_have_text("Poll: Which matter first?")
    assert page.evaluate(f"() => [{CARD}.poll.state, {CARD}.tally.total]") == ["open", 0]
    # It plays: the bars go along the curve, and it closes where it closed.
    page.evaluate(f"() => {VOD}.toggle()")
    page.wait_for_function(f"() => {CARD}.tally?.total === 1 && {CARD}.poll.state === 'open'")
    seek(page, 7)
    page.wait_for_function(f"() => {CARD}.poll?.state === 'closed'")
    closed = page.evaluate(f"() => {VOD}.at")
    assert closed > BEGAN + 7.9  # a callback may be for the picture that comes next
    page.wait_for_function(f"() => {CARD}.tally.total === 3")
    expect(card.locator(".result").first).to_contain_text("2 answers, 67%")
    expect(card.locator(".tiers")).to_contain_text("by device")
    seek(page, 5)
    page.wait_for_function(f"() => {CARD}.poll?.state === 'open' && {CARD}.tally.total === 1")
    seek(page, 1)
    page.wait_for_function(f"() => {CARD}.poll === null")
    expect(card).to_be_hidden()


def test_a_late_answer_is_counted_apart(page: Page, kept: Kept) -> None:
    late = kept.late
    before = late["tally"]["total"]
    kept.polls = [kept.real()]
    open_recording(page, kept)
    seek(page, 9)
    card = page.locator("streamd-replay")
    expect(card.locator(".late")).to_contain_text(SENTENCE)
    expect(card.locator(".late")).to_contain_text("Late answers are taken until ")
    card.get_by_role("button", name="Answer now").press("Enter")
    usual = card.locator("streamd-poll")
    expect(usual.get_by_role("radio").first).to_be_focused()
    expect(card.locator(".answering-late")).to_contain_text(SENTENCE)
    expect(card.locator(".answering-late")).to_contain_text("Late answers are taken until ")
    # A month is said, not counted down by the second.
    expect(usual.locator(".poll-meta .push")).to_have_count(0)
    usual.get_by_role("radio", name="Water").check()
    # The card stays with whoever is answering, wherever the recording has got to meanwhile.
    seek(page, 11)
    usual.get_by_role("button", name="Vote").click()
    expect(usual.locator(".counted")).to_be_visible()
    usual.get_by_role("button", name="Receipt").click()
    expect(usual.locator(".receipt")).to_contain_text(late["id"])
    usual.locator(".result").nth(1).get_by_text("Your answer").wait_for()
    card.get_by_role("button", name="As it was live").click()
    expect(card.locator(".late-total")).to_contain_text("1 person" if before == 0 else "people")
    expect(card.get_by_role("button", name="Your late answer")).to_be_focused()
    expect(card.locator(".late .result").nth(1)).to_contain_text("1 answer")
    expect(card.locator(".results").first.locator(".result").first).to_contain_text("2 answers")
    assert kept.late["tally"]["total"] == before + 1
    assert kept.row(kept.asked["id"])["tally"]["total"] == 3


def test_what_was_hidden_live_is_hidden_until_its_close(page: Page, kept: Kept) -> None:
    hidden: dict[str, Any] = {"results": "after_close"}
    kept.polls = [
        replayed(question("en", "quiz"), BEGAN, (1, 4, None), id="p1", **hidden),
        replayed(question("en", "rating"), BEGAN, (4, 6, None), id="p2", **hidden),
        replayed(survey("en"), BEGAN, (6, 8, None), id="p3", **hidden),
        replayed(question("en", "qa"), BEGAN, (8, 11, None), id="p4"),
    ]
    open_recording(page, kept)
    card = page.locator("streamd-replay")
    for at, words in (
        (2, "About 400"),
        (5, "Not at all"),
        (7, "What did you miss in this debate?"),
    ):
        seek(page, at)
        expect(card).to_contain_text("the results were hidden, as they are here")
        expect(card.locator(".offered").last).to_contain_text(words)
        expect(card.locator(".result, .right")).to_have_count(0)
    seek(page, 9)
    expect(card).to_contain_text("Viewers wrote their questions here")
    seek(page, 11.5)
    expect(card).to_contain_text("Will the number 12 bus run at night?")
    kept.polls = kept.polls[:1]
    open_recording(page, kept)
    seek(page, 4.5)
    expect(card.locator(".result.right")).to_contain_text("About 400")


def test_a_poll_that_is_still_open_takes_a_live_answer(page: Page, kept: Kept) -> None:
    organiser, key = Client(kept.server), kept.server.new_key("be")
    asked = organiser.ask("POST", "/api/v1/streams/be/polls", ASKED, key=key).json
    scripted = replayed(question("en", "single"), BEGAN, (3, None, None))
    kept.polls = [{**scripted, "poll": kept.row(asked["id"]), "curve": []}]
    open_recording(page, kept)
    seek(page, 5)
    card = page.locator("streamd-replay")
    expect(card.locator(".late")).to_contain_text("counts with those given live")
    card.get_by_role("button", name="Answer now").click()
    card.get_by_role("radio", name="Water").check()
    card.get_by_role("button", name="Vote").click()
    expect(card.locator(".counted")).to_be_visible()
    expect(card).not_to_contain_text(SENTENCE)
    assert kept.row(asked["id"])["tally"]["counts"] == {"1": 0, "2": 1}


def test_the_poll_s_page_shows_both_apart(page: Page, kept: Kept) -> None:
    page.goto(f"/polls/{kept.asked['id']}?lang=en")
    apart = page.get_by_role("region", name="Answered later, from the recording")
    expect(apart).to_contain_text(SENTENCE)
    expect(apart).to_contain_text("answered later")
    expect(page.locator(".figure-card").first).to_contain_text("3 answers")
    assert Axe().run(page).violations_count == 0
    apart.get_by_role("link", name="The late answers' own page").click()
    expect(page.get_by_role("link", name="The answers given live")).to_be_visible()
    assert page.url.split("?")[0].endswith(kept.late["id"])


@pytest.mark.parametrize(("size", "language"), [("wide", "en"), ("phone", "fa")])
def test_axe_finds_nothing(
    page: Page, kept: Kept, size: str, language: str, artefacts: Path
) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    kept.polls = [kept.real()]
    open_recording(page, kept, language)
    seek(page, 5)
    answer = page.locator(".late button")
    answer.wait_for()
    found = [look(page, artefacts / f"replay-{size}-{language}.png")]
    answer.click()
    page.locator("streamd-replay streamd-poll form").wait_for()
    found.append(look(page, artefacts / f"answer-{size}-{language}.png"))
    assert found == ["", ""]
    over = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
    assert over <= 0


def look(page: Page, path: Path) -> str:
    """What axe finds; and a picture of it."""
    page.screenshot(path=path)
    results = Axe().run(page)
    return str(results.generate_report()) if results.violations_count else ""
