"""A frame in another site's page: two origins, one real Chromium, one whole streamd."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, Route, expect

from loadtests.ports import free_port
from tests.browser.pages.messenger import PLATFORM, Messenger, messenger, token
from tests.conftest import CHROMIUM, CHROMIUM_FLAGS, EVENT
from tests.server import Server, running
from tests.web.client import Client, ballot

pytestmark = pytest.mark.browser

CHOICES = ["Housing", "Schools", "Work and wages"]
SHOWN_FROM = 10
"""Fewer of a tier are withheld."""
PATIENCE_SECONDS = 20.0
NOTICE = "Self-selected, not representative; not a vote in the election."
FRAMED_JARS = ("streamd_device_framed", "streamd_pass_framed")
RENEW = """
async () => {
  const found = performance.getEntriesByType("resource").map((entry) => entry.name)
    .find((name) => name.endsWith("js/identity/identity.js"));
  const { identity } = await import(found);
  await identity.token();
  return identity.tier;
}
"""
LINE_BACK = """() => {
  const { client } = document.querySelector("streamd-poll").feed;
  client.disconnect();
  client.setToken("");
  client.connect();
}"""
KEPT = """() => ["localStorage", "sessionStorage"].map((name) => {
  try {
    return JSON.stringify(window[name]);
  } catch {
    return "refused";
  }
}).join() + document.cookie + performance.getEntries().map(({ name }) => name).join()"""


@pytest.fixture(scope="module")
def site() -> Iterator[Messenger]:
    """The messenger whose pages are allowed."""
    with messenger() as serving:
        yield serving


@pytest.fixture(scope="module")
def served(site: Messenger, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A streamd that the messenger's pages may show, as ``localhost``, another site than theirs."""
    home = tmp_path_factory.mktemp("embed")
    config = home / "config.toml"
    config.write_text(EVENT, encoding="utf-8")
    settings = {
        "STREAMD_FEEDS_ORIGINS": f"['{site.origin}']",
        "STREAMD_IDENTITY_PLATFORMS": PLATFORM,
    }
    with running(home, "serve", "--config", str(config), **settings) as server:
        yield server


@pytest.fixture(scope="module")
def key(served: Server) -> str:
    return served.new_key("alef")


@pytest.fixture
def ask(served: Server, key: str) -> Iterator[Callable[..., str]]:
    """Opens a poll and gives its id; what is open afterwards is closed."""
    client = Client(served)
    made: list[str] = []

    def opened(*who: str) -> str:
        rules = {"rules": {"who": list(who)}} if who else {}
        asked = {"question": "What comes first?", "choices": CHOICES, "open": True, **rules}
        poll = client.ask("POST", "/api/v1/streams/alef/polls", asked, key=key).json["id"]
        made.append(poll)
        return str(poll)

    yield opened
    for poll in made:
        client.ask("POST", f"/api/v1/polls/{poll}/close", {}, key=key)


@contextmanager
def visited(context: BrowserContext) -> Iterator[Page]:
    """A browser of its own; script errors in its pages fail the test."""
    errors: list[str] = []
    context.on("weberror", lambda error: errors.append(str(error.error)))
    yield context.new_page()
    context.close()
    assert errors == []


@contextmanager
def keeping(browser: Browser, profile: Path) -> Iterator[Page]:
    """In a browser that keeps cookies and storage for the frame alone, as Chromium comes."""
    # Playwright switches partitioned storage off: none of its settings.
    launched = browser.browser_type.launch(
        executable_path=CHROMIUM,
        ignore_default_args=True,
        args=[
            *CHROMIUM_FLAGS,
            "--headless",
            "--remote-debugging-pipe",
            f"--user-data-dir={profile}",
            "--test-third-party-cookie-phaseout",
        ],
    )
    with visited(launched.new_context()) as shown:
        yield shown
    launched.close()


@pytest.fixture
def page(browser: Browser, site: Messenger) -> Iterator[Page]:
    site.member, site.given, site.changes = "", 0, {}
    with visited(browser.new_context()) as shown:
        yield shown


def address(served: Server, language: str = "en") -> str:
    return f"{served.url}/embed/alef?lang={language}"


def inside(page: Page) -> FrameLocator:
    return page.frame_locator("#live")


def vote(card: FrameLocator, name: str = "Housing") -> None:
    card.get_by_role("radio", name=name).press("Space")
    card.get_by_role("button", name="Vote", exact=True).press("Enter")
    expect(card.get_by_text("Counted", exact=True)).to_be_visible()


def tiers_given(page: Page) -> list[str]:
    """The tiers of the identities that the page's frames are given from now on."""
    found: list[str] = []

    def note(response: Any) -> None:
        if response.url.endswith("/api/v1/token") and response.ok:
            found.append(response.json()["tier"])

    page.on("response", note)
    return found


def noted(page: Page, tiers: list[str]) -> None:
    """Until there is one: an answer's body is read a moment after the page has it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not tiers:
        assert time.monotonic() < deadline, "no identity was given"
        page.wait_for_timeout(50)


def by_messenger(served: Server, poll: str) -> None:
    """As many of the messenger's members vote as it takes, with one more, to be shown."""
    client = Client(served)
    for number in range(SHOWN_FROM - 1):
        paid = client.ask("POST", "/api/v1/token", {}, key=token(f"{poll}-{number}"))
        path = f"/api/v1/polls/{poll}/votes"
        assert client.ask("POST", path, ballot("2"), key=paid.json["token"]).status == 200


def test_a_member_votes_in_the_frame_by_the_messenger_s_token(
    page: Page, site: Messenger, served: Server, ask: Callable[..., str], key: str
) -> None:
    poll = ask()
    by_messenger(served, poll)
    site.member = "mina"
    tiers = tiers_given(page)
    page.goto(site.show(address(served), answers=True))
    card = inside(page)
    vote(card)
    assert set(tiers) == {"platform"}
    expect(card.locator(".poll-notice")).to_contain_text(NOTICE)
    expect(card.locator(".poll-notice")).to_contain_text("10 people answered")
    row = Client(served).ask("GET", f"/api/v1/polls/{poll}").json
    assert row["tally"]["counts"] == {"1": 1, "2": SHOWN_FROM - 1, "3": 0}
    card.get_by_role("button", name="Receipt").press("Enter")
    expect(card.locator(".receipt")).to_contain_text(poll)

    # Renewed by asking, every time; kept and logged nowhere.
    frame = page.frames[1]
    before = site.given
    assert frame.evaluate(RENEW) == "platform"
    assert site.given == before + 1
    assert {"streamd": "token?"} in page.evaluate("() => said")
    assert token("mina").partition(".")[0] not in frame.evaluate(KEPT) + served.log()
    Client(served).ask("POST", f"/api/v1/polls/{poll}/close", {}, key=key)
    row = Client(served).ask("GET", f"/api/v1/polls/{poll}").json
    assert row["tally"]["tiers"]["platform"] == SHOWN_FROM


def test_only_the_messenger_s_own_page_is_listened_to(
    page: Page, site: Messenger, served: Server, ask: Callable[..., str]
) -> None:
    ask("platform")
    tiers = tiers_given(page)
    with messenger() as stranger:
        stranger.page = "<!doctype html><title>Another site</title>"
        page.goto(site.show(address(served)))
        card = inside(page)
        expect(card.get_by_role("alert")).to_contain_text("The messenger did not say who you are.")
        # A frame of another site beside ours hands a right token over: it is not our parent.
        page.evaluate(
            """(src) => new Promise((loaded) => {
                const beside = document.createElement("iframe");
                beside.addEventListener("load", loaded);
                beside.src = src;
                document.body.append(beside);
            })""",
            f"{stranger.origin}/",
        )
        forged = {"streamd": "token", "token": token("mina")}
        page.frames[2].evaluate(f"() => parent.frames[0].postMessage({json.dumps(forged)}, '*')")
        card.get_by_role("button", name="Answer as a member of this messenger").press("Enter")
        page.frames[2].evaluate(f"() => parent.frames[0].postMessage({json.dumps(forged)}, '*')")
        expect(card.get_by_role("alert")).to_be_visible()
        assert tiers == []
        # And the parent's own, when it comes.
        page.evaluate("(said) => frames[0].postMessage(said, new URL(frame.src).origin)", forged)
        card.get_by_role("button", name="Answer as a member of this messenger").press("Enter")
        expect(card.get_by_role("radio", name="Housing")).to_be_visible()
        noted(page, tiers)
        assert tiers == ["platform"]


def test_a_strange_parent_is_not_believed_even_where_it_gets_the_frame(
    page: Page, served: Server, ask: Callable[..., str]
) -> None:
    """With our policy taken off on the way, as a proxy of the operator's may."""

    def bare(route: Route) -> None:
        answer = route.fetch()
        headers = dict(answer.headers)
        del headers["content-security-policy"]
        route.fulfill(response=answer, headers=headers)

    ask("platform")
    page.route(f"{served.url}/embed/**", bare)
    tiers = tiers_given(page)
    with messenger() as stranger:
        stranger.member = "mina"
        page.goto(stranger.show(address(served), answers=True))
        expect(inside(page).get_by_role("alert")).to_contain_text("did not say who you are")
        page.evaluate("(one) => send(one, new URL(frame.src).origin)", token("mina"))
        assert page.evaluate("() => said") == []
    assert tiers == []


def test_other_origins_and_other_pages_are_refused_by_the_browser(
    page: Page, site: Messenger, served: Server
) -> None:
    with messenger() as stranger:
        for around, src in (
            (stranger, address(served)),
            (site, f"{served.url}/watch/alef"),
            (site, f"{served.url}/verify"),
        ):
            with page.expect_console_message(lambda said: "frame-ancestors" in said.text):
                page.goto(around.show(src))
            expect(inside(page).get_by_role("heading", name="Alef Azad")).to_have_count(0)
    page.goto(site.show(address(served)))
    expect(inside(page).get_by_role("heading", name="Alef Azad")).to_be_visible()


def test_nobody_signed_in_is_told_and_then_let_in(
    page: Page, site: Messenger, served: Server, ask: Callable[..., str]
) -> None:
    ask("platform")
    page.goto(site.show(address(served), answers=True))
    card = inside(page)
    expect(card.get_by_role("alert")).to_contain_text("nobody is signed in")
    expect(card.get_by_role("link", name="Answer in a new tab")).to_have_count(0)
    site.member = "kaveh"
    card.get_by_role("button", name="Answer as a member of this messenger").press("Enter")
    vote(card)


def test_a_token_that_is_refused_is_told_to_both(
    page: Page, site: Messenger, served: Server, ask: Callable[..., str]
) -> None:
    ask("platform")
    site.member, site.changes = "sara", {"aud": "somebody-else"}
    page.goto(site.show(address(served), answers=True))
    expect(inside(page).get_by_role("alert")).to_contain_text("did not say who you are")
    assert {"streamd": "refused", "reason": "unauthenticated"} in page.evaluate("() => said")


def jars(context: BrowserContext) -> dict[str, tuple[object, ...]]:
    return {
        str(cookie["name"]): (cookie.get("sameSite"), cookie["secure"], cookie.get("partitionKey"))
        for cookie in context.cookies()
    }


def test_a_device_votes_by_a_cookie_of_this_frame_alone(
    page: Page, site: Messenger, served: Server, ask: Callable[..., str]
) -> None:
    poll = ask()
    tiers = tiers_given(page)
    page.goto(site.show(address(served)))
    card = inside(page)
    vote(card)
    assert set(tiers) == {"device"}
    assert jars(page.context) == dict.fromkeys(FRAMED_JARS, ("None", True, "http://127.0.0.1"))
    # As Playwright starts Chromium, another site's frame may keep cookies and nothing else.
    expect(card.get_by_text("take the receipt with you")).to_be_visible()
    page.reload()
    vote_again = card.get_by_role("radio", name="Schools")
    vote_again.press("Space")
    card.get_by_role("button", name="Vote", exact=True).press("Enter")
    expect(card.get_by_role("alert")).to_contain_text("You have already answered this poll")
    assert Client(served).ask("GET", f"/api/v1/polls/{poll}").json["tally"]["total"] == 1


def test_a_browser_without_third_party_cookies_keeps_the_frame_s_own(
    browser: Browser, site: Messenger, served: Server, ask: Callable[..., str], tmp_path: Path
) -> None:
    ask()
    with keeping(browser, tmp_path) as page:
        page.goto(site.show(address(served)))
        card = inside(page)
        vote(card)
        assert set(jars(page.context)) == set(FRAMED_JARS)
        expect(card.get_by_text("take the receipt with you")).to_have_count(0)
        page.reload()
        expect(card.get_by_text("Counted", exact=True)).to_be_visible()


def receipt(card: FrameLocator) -> str:
    """The ballot that the card shows a receipt for."""
    card.get_by_role("button", name="Receipt").press("Enter")
    shown = card.locator(".receipt bdi").nth(1).inner_text()
    card.get_by_role("button", name="Receipt").press("Enter")
    return shown


def unanswered(card: FrameLocator) -> None:
    expect(card.get_by_role("radio", name="Housing")).to_be_visible()
    expect(card.get_by_text("Counted", exact=True)).to_have_count(0)
    expect(card.get_by_role("radio", checked=True)).to_have_count(0)


def test_of_two_members_in_one_browser_each_has_a_ballot_of_their_own(
    browser: Browser, site: Messenger, served: Server, ask: Callable[..., str], tmp_path: Path
) -> None:
    poll = ask()
    with keeping(browser, tmp_path) as page:
        card = inside(page)
        site.member = "mina"
        page.goto(site.show(address(served), answers=True))
        vote(card)
        mina = receipt(card)
        site.member = "sara"
        page.reload()
        unanswered(card)
        vote(card, "Schools")
        sara = receipt(card)
        site.member = "mina"
        page.reload()
        expect(card.get_by_text("Counted", exact=True)).to_be_visible()
        assert mina == receipt(card) != sara
        site.member = ""
        page.reload()
        unanswered(card)
        # Both are kept, and nothing that names either or is the same in another poll.
        kept = page.frames[1].evaluate("() => Object.keys(localStorage)")
        assert len([name for name in kept if name.startswith(f"streamd.ballot.{poll}.")]) == 2
        holder = Client(served).ask("POST", "/api/v1/token", {}, key=token("mina")).json["holder"]
        assert holder not in page.frames[1].evaluate(KEPT)
    assert Client(served).ask("GET", f"/api/v1/polls/{poll}").json["tally"]["total"] == 2


def test_another_member_in_the_open_page_sees_and_answers_for_themselves(
    page: Page, site: Messenger, served: Server, ask: Callable[..., str]
) -> None:
    poll = ask("platform")
    hand = "([token]) => send(token, new URL(frame.src).origin)"
    card = inside(page)
    site.member = "mina"
    page.goto(site.show(address(served), answers=True))
    vote(card)
    mina = receipt(card)
    # By a token that nobody asked for.
    site.member = "sara"
    page.evaluate(hand, [token("sara")])
    unanswered(card)
    vote(card, "Schools")
    # By the answer to a request of ours, as every some minutes.
    site.member = "mina"
    assert page.frames[1].evaluate(RENEW) == "platform"
    expect(card.get_by_text("Counted", exact=True)).to_be_visible()
    assert receipt(card) == mina
    # By the token that the feed's line asks for as it comes back: that line stays no other's.
    site.member = "omid"
    page.frames[1].evaluate(LINE_BACK)
    unanswered(card)
    vote(card, "Work and wages")
    site.member = ""
    page.evaluate(hand, [None])
    expect(card.get_by_role("alert")).to_contain_text("nobody is signed in")
    expect(card.get_by_text("Counted", exact=True)).to_have_count(0)
    assert Client(served).ask("GET", f"/api/v1/polls/{poll}").json["tally"]["total"] == 3


def test_where_cookies_are_refused_a_tab_takes_the_vote(
    browser: Browser, site: Messenger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over plain HTTP, and not to localhost, no browser lets a foreign frame have a cookie."""
    port, feed_port = free_port(), free_port()
    monkeypatch.setattr("tests.server.free_port", iter((port, feed_port)).__next__)
    ours = f"http://streamd.test:{port}"
    config = tmp_path / "config.toml"
    config.write_text(EVENT, encoding="utf-8")
    allowed = {"STREAMD_FEEDS_ORIGINS": f"['{site.origin}', '{ours}']"}
    named = browser.browser_type.launch(
        executable_path=CHROMIUM,
        args=[*CHROMIUM_FLAGS, "--host-resolver-rules=MAP streamd.test 127.0.0.1"],
    )
    with running(tmp_path / "home", "serve", "--config", str(config), **allowed) as served:
        asked = {"question": "What comes first?", "choices": CHOICES, "open": True}
        client, key = Client(served), served.new_key("alef")
        poll = client.ask("POST", "/api/v1/streams/alef/polls", asked, key=key).json["id"]
        with visited(named.new_context()) as page:
            page.goto(site.show(f"{ours}/embed/alef?lang=en"))
            card = inside(page)
            expect(card.get_by_text("Your browser keeps our cookies out")).to_be_visible()
            expect(card.get_by_role("radio")).to_have_count(0)
            expect(card.get_by_role("button", name="I have an access code")).to_be_visible()
            with page.expect_popup() as opened:
                card.get_by_role("link", name="Answer in a new tab").click()
            tab = opened.value
            tab.get_by_role("radio", name="Schools").press("Space")
            tab.get_by_role("button", name="Vote", exact=True).press("Enter")
            expect(tab.get_by_text("Counted", exact=True)).to_be_visible()
            assert tab.url == f"{ours}/watch/alef?lang=en"
        counts = client.ask("GET", f"/api/v1/polls/{poll}").json["tally"]["counts"]
        assert counts == {"1": 0, "2": 1, "3": 0}
    named.close()


def test_the_parent_is_told_a_height_that_shows_everything(
    page: Page, site: Messenger, served: Server, ask: Callable[..., str]
) -> None:
    ask()
    for width in (240, 360, 640):
        page.goto(site.show(address(served), (width, 320), follows=True))
        card = inside(page)
        expect(card.get_by_role("radio", name="Housing")).to_be_visible()
        expect(card.locator(".poll-notice").get_by_text(NOTICE)).to_be_in_viewport(ratio=1)
        expect(card.get_by_role("button", name="Vote", exact=True)).to_be_in_viewport(ratio=1)
        page.wait_for_function(
            """() => {
                const told = said.filter((one) => one.streamd === "height").at(-1)?.height;
                return told === frame.clientHeight;
            }"""
        )
        frame = page.frames[1]
        assert frame.evaluate("() => document.documentElement.scrollHeight <= innerHeight")
        assert frame.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
