"""Going live by WHIP from a real Chromium: the offer, the refusals, the way back, the end."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.studio_pages.conftest import DEADLINE_MS, Studio
from tests.browser.studio_pages.mock_server import KEY

pytestmark = pytest.mark.browser

MUTE_CAMERA = """(muted) => {
  const [track] = document.querySelector(".stage video").srcObject.getVideoTracks();
  Object.defineProperty(track, "muted", { value: muted, configurable: true });
  track.dispatchEvent(new Event(muted ? "mute" : "unmute"));
}"""


def codecs(offer: str, kind: str) -> list[str]:
    """The codec names of one m-line in the order of preference."""
    section = re.split(r"^m=", offer, flags=re.MULTILINE)
    found = next(part for part in section if part.startswith(kind))
    names = dict(re.findall(r"a=rtpmap:(\d+) ([^/]+)/", found))
    return [names[payload] for payload in found.splitlines()[0].split()[3:]]


def test_the_offer_holds_h264_and_opus_alone(studio: Studio) -> None:
    studio.open()
    studio.go_live()
    [offer] = studio.fixture.offers
    assert set(codecs(offer, "video")) == {"H264", "rtx"}
    assert codecs(offer, "video")[0] == "H264"
    assert codecs(offer, "audio") == ["opus"]
    lines = re.findall(r"a=fmtp:\d+ (.*profile-level-id=.*)", offer)
    assert "profile-level-id=42e01f" in lines[0]
    assert all("packetization-mode=1" in line for line in lines)
    assert offer.count("a=sendonly") == 2
    assert "a=candidate" in offer


def test_one_press_is_not_enough(studio: Studio) -> None:
    studio.open()
    studio.press("Go live")
    expect(studio.page.get_by_role("button", name="Press again to go live")).to_be_visible()
    expect(studio.page.get_by_role("button", name="Go live", exact=True)).to_be_visible(
        timeout=DEADLINE_MS
    )
    assert studio.fixture.offers == []


def test_escape_disarms_and_the_keyboard_alone_goes_live(studio: Studio) -> None:
    studio.open()
    button = studio.page.locator(".dock .main")
    expect(button).to_have_text("Go live")
    button.press("Enter")
    expect(button).to_have_text("Press again to go live")
    button.press("Escape")
    expect(button).to_have_text("Go live")
    button.press("Enter")
    button.press("Enter")
    studio.page.locator(".desk.on-air").wait_for()


def test_the_key_is_nowhere_to_be_seen(studio: Studio) -> None:
    lines: list[str] = []
    studio.page.on("console", lambda line: lines.append(line.text))
    studio.open()
    studio.go_live()
    assert "#" not in studio.page.url
    assert KEY not in studio.page.content()
    assert not any(KEY in url for url in studio.fixture.seen)
    assert not any(KEY in line for line in lines)
    studio.page.get_by_role("tab", name="Use OBS").click()
    assert KEY not in studio.page.content()
    studio.press("Show")
    expect(studio.page.get_by_text(KEY)).to_be_visible()
    studio.press("Hide")
    expect(studio.page.get_by_text(KEY)).to_have_count(0)
    assert KEY not in studio.page.content()


def test_a_reload_keeps_the_key_and_a_new_tab_has_none(studio: Studio) -> None:
    studio.open()
    expect(studio.page.get_by_role("button", name="Go live", exact=True)).to_be_visible()
    studio.page.reload()
    expect(studio.page.get_by_role("button", name="Go live", exact=True)).to_be_visible()
    other = studio.page.context.new_page()
    other.goto(studio.page.url)
    expect(other.get_by_label("Invitation link or key")).to_be_visible()


def test_the_end_tells_the_server_and_frees_the_camera(studio: Studio) -> None:
    studio.open()
    studio.go_live()
    track = studio.page.evaluate_handle(
        "document.querySelector('.stage video').srcObject.getVideoTracks()[0]"
    )
    studio.press("End broadcast")
    studio.press("Press again to end")
    expect(studio.page.get_by_role("heading", name="Your broadcast has ended")).to_be_visible()
    studio.page.wait_for_function("(track) => track.readyState === 'ended'", arg=track)
    assert studio.until(lambda: studio.fixture.deleted == ["s1"])
    studio.press("Broadcast again")
    studio.go_live()
    assert len(studio.fixture.offers) == 2


def test_a_closed_page_ends_the_broadcast(studio: Studio) -> None:
    studio.open()
    studio.go_live()
    studio.page.close(run_before_unload=False)
    assert studio.until(lambda: studio.fixture.deleted == ["s1"])


REFUSALS = {
    401: "The key is not valid for this stream.",
    404: "There is no stream “c2”.",
    406: "The offer has no codec that streamd relays.",
    413: "The request's body is too large.",
    503: "All places are taken.",
}


def test_a_refusal_is_the_servers_sentence(studio: Studio) -> None:
    studio.open()
    for status, detail in REFUSALS.items():
        studio.fixture.whip_status, studio.fixture.whip_detail = status, detail
        studio.press("Go live")
        studio.press("Press again to go live")
        expect(studio.page.get_by_role("alert")).to_contain_text(detail)
        expect(studio.page.get_by_role("button", name="Go live", exact=True)).to_be_visible()


def test_in_persian_a_refusal_is_persian(studio: Studio) -> None:
    studio.fixture.whip_status = 503
    studio.open(lang="fa")
    button = studio.page.locator(".dock .main")
    button.click()
    button.click()
    alert = studio.page.get_by_role("alert")
    expect(alert).to_contain_text("چند ثانیه")


def test_a_call_pauses_and_the_broadcast_resumes_alone(studio: Studio) -> None:
    studio.open()
    studio.go_live()
    studio.page.evaluate(MUTE_CAMERA, True)
    expect(studio.page.locator(".phase-paused")).to_be_visible()
    expect(studio.page.locator(".veil")).to_contain_text("Your broadcast resumes by itself.")
    studio.page.evaluate(MUTE_CAMERA, False)
    expect(studio.page.locator(".phase-live")).to_be_visible()
    assert len(studio.fixture.offers) == 1


def test_an_ended_camera_is_taken_again(studio: Studio) -> None:
    studio.open()
    studio.go_live()
    studio.page.evaluate(
        """() => {
          const [track] = document.querySelector(".stage video").srcObject.getVideoTracks();
          track.stop();
          track.dispatchEvent(new Event("ended"));
        }"""
    )
    expect(studio.page.locator(".phase-paused")).to_be_visible()
    expect(studio.page.locator(".phase-live")).to_be_visible(timeout=DEADLINE_MS)
    assert len(studio.fixture.offers) == 1


def test_a_lost_session_comes_back(studio: Studio) -> None:
    studio.open()
    studio.go_live()
    studio.fixture.whip_status = 409
    studio.run(studio.fixture.drop())
    expect(studio.page.locator(".phase-reconnecting")).to_be_visible(timeout=DEADLINE_MS)
    expect(studio.page.locator(".veil")).to_contain_text("Connection lost. Reconnecting…")
    studio.fixture.whip_status = 201
    expect(studio.page.locator(".phase-live")).to_be_visible(timeout=DEADLINE_MS)
    assert len(studio.fixture.offers) == 2
    assert studio.fixture.deleted == [], "only the broadcaster ends the broadcast"
    studio.press("End broadcast")
    studio.press("Press again to end")
    assert studio.until(lambda: studio.fixture.deleted == ["s2"])


def test_the_end_while_reconnecting_reaches_the_server_for_certain(studio: Studio) -> None:
    studio.open()
    studio.go_live()
    studio.fixture.whip_status, studio.fixture.end_status = 409, 503
    studio.run(studio.fixture.drop())
    expect(studio.page.locator(".phase-reconnecting")).to_be_visible(timeout=DEADLINE_MS)
    studio.press("End broadcast")
    studio.press("Press again to end")
    expect(studio.page.get_by_role("heading", name="Your broadcast has ended")).to_be_visible()
    waiting = studio.page.get_by_text("your viewers still wait")
    expect(waiting).to_be_visible()
    studio.fixture.end_status = 409
    expect(waiting).to_have_count(0)
    assert studio.fixture.endings == 0
    studio.fixture.end_status = 204
    assert studio.until(lambda: studio.fixture.endings == 1)
    assert studio.fixture.deleted == []


def test_a_page_that_closes_while_reconnecting_ends_the_broadcast(studio: Studio) -> None:
    studio.open()
    studio.go_live()
    studio.fixture.whip_status = 409
    studio.run(studio.fixture.drop())
    expect(studio.page.locator(".phase-reconnecting")).to_be_visible(timeout=DEADLINE_MS)
    studio.page.close(run_before_unload=False)
    assert studio.until(lambda: studio.fixture.endings > 0)


def test_an_attempt_given_up_before_its_answer_leaves_no_session(studio: Studio) -> None:
    held: list[Route] = []
    studio.page.route("**/whip/*", lambda route: held.append(route))
    studio.open()
    studio.press("Go live")
    with studio.page.expect_request("**/whip/*"):
        studio.press("Press again to go live")
    studio.press("Cancel")
    expect(studio.page.get_by_role("button", name="Go live", exact=True)).to_be_visible()
    held.pop().continue_()
    assert studio.until(lambda: studio.fixture.deleted == ["s1"])


def test_a_revoked_key_ends_the_way_back(studio: Studio) -> None:
    studio.open()
    studio.go_live()
    studio.fixture.whip_status, studio.fixture.whip_detail = 401, "The key was revoked."
    studio.run(studio.fixture.drop())
    heading = studio.page.get_by_role("heading", name="The connection was lost")
    expect(heading).to_be_visible(timeout=DEADLINE_MS)
    expect(studio.page.locator(".placard")).to_contain_text("The key was revoked.")


def test_mute_and_quality_reach_the_sender(studio: Studio) -> None:
    studio.page.add_init_script(
        """{
          const Real = RTCPeerConnection;
          window.RTCPeerConnection = function (...args) {
            return (window.peer = new Real(...args));
          };
        }"""
    )
    studio.open()
    studio.go_live()
    studio.press("Mute")
    assert studio.page.evaluate(
        "peer.getSenders().find((s) => s.track.kind === 'audio').track.enabled === false"
    )
    studio.page.get_by_text("Camera, microphone and quality").click()
    studio.page.get_by_role("radio", name="360p").check()
    studio.page.wait_for_function(
        """() => {
          const sender = peer.getSenders().find((s) => s.track.kind === "video");
          const [encoding] = sender.getParameters().encodings;
          return encoding.maxBitrate === 600000 && encoding.scaleResolutionDownBy === 2;
        }"""
    )
