"""Every state a candidate can meet before going live says what is wrong and what to do."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.studio_pages.conftest import Studio
from tests.browser.studio_pages.mock_server import KEY
from tests.browser.studio_pages.poll_rows import STREAM, poll

pytestmark = pytest.mark.browser

REFUSE = """navigator.mediaDevices.getUserMedia = async () => {{
  throw new DOMException("", "{}");
}};"""
PLAIN_HTTP = """
Object.defineProperty(navigator, "mediaDevices", { value: undefined });
Object.defineProperty(window, "isSecureContext", { value: false });
"""


@pytest.mark.parametrize(
    ("script", "title"),
    [
        (PLAIN_HTTP, "This page cannot use your camera"),
        (REFUSE.format("NotAllowedError"), "Camera and microphone are blocked"),
        (REFUSE.format("NotFoundError"), "No camera was found"),
        (REFUSE.format("NotReadableError"), "Another app is using the camera"),
        (REFUSE.format("UnknownError"), "The camera did not start"),
    ],
)
def test_no_camera_is_explained(studio: Studio, script: str, title: str) -> None:
    studio.page.add_init_script(script)
    studio.open()
    expect(studio.page.get_by_role("heading", name=title)).to_be_visible()
    expect(studio.page.get_by_role("button", name="Go live", exact=True)).to_have_count(0)
    assert Axe().run(studio.page).violations_count == 0


def test_a_device_without_microphone_may_go_live(studio: Studio) -> None:
    studio.page.add_init_script(
        """{
          const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
          navigator.mediaDevices.getUserMedia = async (wish) => {
            if (wish.audio) throw new DOMException("", "NotFoundError");
            return real(wish);
          };
        }"""
    )
    studio.open()
    expect(studio.page.get_by_text("viewers will hear nothing")).to_be_visible()
    studio.go_live()
    assert "m=audio" not in studio.fixture.offers[0]


def test_the_gate_takes_a_pasted_link(studio: Studio) -> None:
    studio.open(key="")
    field = studio.page.get_by_label("Invitation link or key")
    field.fill("not-the-key")
    studio.press("Open the studio")
    expect(studio.page.get_by_role("heading", name="This link's key is not valid")).to_be_visible()
    assert Axe().run(studio.page).violations_count == 0
    field.fill(f"https://example.org/studio/{STREAM}#key={KEY}")
    studio.press("Open the studio")
    expect(studio.page.get_by_role("button", name="Go live", exact=True)).to_be_visible()


def test_an_unknown_stream_is_named_so(studio: Studio) -> None:
    studio.fixture.unknown = True
    studio.open()
    expect(studio.page.get_by_role("heading", name="There is no such stream here")).to_be_visible()


def test_a_broadcast_from_obs_is_shown_and_not_disturbed(studio: Studio) -> None:
    studio.page.add_init_script("navigator.permissions.query = async () => ({ state: 'prompt' });")
    studio.fixture.state = "live"
    studio.open()
    title = "You are live from another device"
    expect(studio.page.get_by_role("heading", name=title)).to_be_visible()
    expect(studio.page.locator(".figures")).to_contain_text("1280×720")
    expect(studio.page.get_by_role("link", name="Open your watch page")).to_be_visible()
    assert Axe().run(studio.page).violations_count == 0


def test_a_second_device_may_take_over_and_is_told_what_that_does(studio: Studio) -> None:
    studio.fixture.state = "live"
    studio.open()
    expect(studio.page.get_by_role("heading", name="Take over here?")).to_be_visible()
    expect(studio.page.get_by_text("that broadcast ends; viewers stay")).to_be_visible()
    expect(studio.page.get_by_role("button", name="Go live", exact=True)).to_have_count(0)
    assert Axe().run(studio.page).violations_count == 0


@pytest.mark.parametrize(("lang", "scheme"), [("en", "light"), ("en", "dark"), ("fa", "light")])
def test_axe_finds_nothing(studio: Studio, lang: str, scheme: str) -> None:
    studio.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    studio.fixture.polls = [poll(2, "open", lang, (4, 2, 1)), poll(1, "draft", lang)]
    studio.open(lang=lang)
    for tab in studio.page.get_by_role("tab").all():
        tab.click()
        studio.page.wait_for_timeout(300)
        found = Axe().run(studio.page)
        assert found.violations_count == 0, found.generate_report()


def test_tabs_move_by_arrow_keys(studio: Studio) -> None:
    studio.open()
    tab = studio.page.get_by_role("tab", name="Camera")
    tab.press("ArrowRight")
    expect(studio.page.get_by_role("tab", name="Polls")).to_be_focused()
    expect(studio.page.get_by_role("tabpanel", name="Polls")).to_be_visible()
