"""The player's WebRTC path in a real Chromium, on a whole streamd."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.relay.recording import BIKES
from tests.server import Server, running
from tests.web.client import Client

pytestmark = pytest.mark.browser

DEADLINE_MS = 40_000
PAGE = """async ([stream, sound]) => {
  const { WhepPath } = await import("/static/js/player/whep_path.js");
  document.body.innerHTML = "<video autoplay playsinline></video>";
  const video = document.querySelector("video");
  const told = [];
  const events = {};
  for (const name of ["Join", "Replace", "Playing", "Waiting", "Lost", "Refused", "GiveUp"]) {
    events[`on${name}`] = (fact) => told.push([name, fact ?? null]);
  }
  const what = { video, stream, whep: `/whep/${stream}`, sound, mode: "video" };
  const onPlaying = () => { events.onPlaying(); video.play(); };
  const path = new WhepPath(what, { ...events, onPlaying });
  Object.assign(window, { WhepPath, what, video, told, path });
  path.start();
}"""


@pytest.fixture(scope="module")
def cards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A streamd with a test card, one with AAC, a clip with B-frames, and nothing."""
    home = tmp_path_factory.mktemp("whep")
    with running(home, str(BIKES), module="tests.card_server") as server:
        client, deadline = Client(server), time.monotonic() + 30
        while client.ask("GET", "/whep/card/clock").status != 200:
            assert time.monotonic() < deadline, server.log()
            time.sleep(0.1)
        yield server


@pytest.fixture
def page(cards: Server, browser: Browser) -> Iterator[Page]:
    """A page of the server's own origin with nothing on it."""
    context = browser.new_context()
    opened = context.new_page()
    opened.set_default_timeout(DEADLINE_MS)
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(f"{cards.url}/healthz")
    yield opened
    context.close()
    assert errors == []


def watch(page: Page, stream: str = "card", *, sound: bool = True) -> None:
    page.evaluate(PAGE, [stream, sound])


def told(page: Page, name: str) -> list[Any]:
    """What the path has told by that name so far."""
    found: list[Any] = page.evaluate("(name) => told.filter((one) => one[0] === name)", name)
    return [fact for _, fact in found]


def plays(page: Page) -> dict[str, Any]:
    """Waits until picture and sound move on; what the connection counts then."""
    page.wait_for_function("path.shown !== null && video.currentTime > 0")
    before = page.evaluate("[video.currentTime, video.getVideoPlaybackQuality().totalVideoFrames]")
    page.wait_for_function(
        "([time, frames]) => video.currentTime > time + 1 &&"
        " video.getVideoPlaybackQuality().totalVideoFrames > frames + 15",
        arg=before,
    )
    found: dict[str, Any] = page.evaluate(
        """async () => {
          const found = {};
          for (const one of (await path.session.connection.getStats()).values())
            if (one.type === "inbound-rtp") found[one.kind] = one;
          return found;
        }"""
    )
    return found


def test_picture_and_sound(page: Page) -> None:
    watch(page)
    counted = plays(page)
    page.wait_for_function("told.some(([name, fact]) => name === 'Join' && fact.audio)")
    page.wait_for_function(
        """async () => {
          const found = [...(await path.session.connection.getStats()).values()];
          return found.find((one) => one.kind === "audio" && one.type === "inbound-rtp")
            .totalAudioEnergy > 0;
        }"""
    )
    assert counted["video"]["keyFramesDecoded"] >= 1
    assert counted["video"]["frameWidth"] == 640
    assert told(page, "Join")[0] == {"audio": False, "video": True}
    assert told(page, "GiveUp") == []
    assert page.evaluate("[path.name, path.isJoined]") == ["whep", True]
    assert page.evaluate("path.bytes") > 10_000
    assert 0 < page.evaluate("path.bufferMs") < 2_000


def test_the_picture_shown_has_its_media_time(page: Page, cards: Server) -> None:
    watch(page)
    plays(page)
    clock = Client(cards).ask("GET", "/whep/card/clock").json
    assert page.evaluate("path.gen") == clock["gen"]
    started = clock["started_at"]
    late = page.evaluate("(at) => path.latencyMs(at, Date.now() / 1000)", started)
    assert 0 <= late < 3_000
    behind = page.evaluate("(at) => Date.now() / 1000 - at - path.mediaTime", started)
    assert -0.5 < behind < 3


def test_without_sound_only_the_picture_is_asked_for(page: Page) -> None:
    watch(page, "sound", sound=False)
    assert "audio" not in plays(page)
    assert told(page, "Join") == [{"audio": False, "video": True}]


def test_a_stopped_path_lets_go_and_can_start_again(page: Page, cards: Server) -> None:
    watch(page)
    plays(page)
    address = page.evaluate("path.session.address")
    page.evaluate("path.stop()")
    assert page.evaluate("video.srcObject") is None
    deadline = time.monotonic() + 20
    while Client(cards).ask("GET", address.removeprefix(cards.url)).status != 404:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    before = len(page.evaluate("told"))
    page.wait_for_timeout(1_200)
    assert len(page.evaluate("told")) == before
    page.evaluate("path.start()")
    plays(page)


def test_a_session_that_the_server_ends_is_opened_anew(page: Page, cards: Server) -> None:
    watch(page)
    plays(page)
    address = page.evaluate("path.session.address")
    assert Client(cards).ask("DELETE", address.removeprefix(cards.url)).status == 200
    page.wait_for_function(
        "(old) => path.session?.address && path.session.address !== old", arg=address
    )
    plays(page)
    assert told(page, "Lost") != []
    assert told(page, "GiveUp") == []


def test_ice_restarts_within_the_session(page: Page) -> None:
    watch(page)
    plays(page)
    before = page.evaluate("path.session.address")
    credentials = "path.session.connection.remoteDescription.sdp.match(/ice-ufrag:(.*)/)[1]"
    ufrag = page.evaluate(credentials)
    page.evaluate("path.session.restart()")
    assert page.evaluate(credentials) != ufrag
    page.wait_for_function("path.session.connection.iceConnectionState !== 'checking'")
    plays(page)
    assert page.evaluate("path.session.address") == before


def test_rejoining_keeps_a_session_that_flows_only_for_another_generation(page: Page) -> None:
    watch(page)
    plays(page)
    address = page.evaluate("path.session.address")
    page.evaluate("path.session.clock.gen = 99")
    page.evaluate("path.rejoin()")
    page.wait_for_function("path.gen !== 99")
    assert page.evaluate("path.session.address") == address
    page.evaluate("path.rejoin()")
    page.wait_for_function(
        "(old) => path.session?.address && path.session.address !== old", arg=address
    )
    plays(page)


def test_what_webrtc_cannot_carry_makes_it_give_up(page: Page) -> None:
    watch(page, "clip-0")
    page.wait_for_function("told.some(([name]) => name === 'GiveUp')")
    assert told(page, "GiveUp") == ["b-frames"]
    assert page.evaluate("path.isJoined") is False


def test_where_udp_does_not_get_through_it_gives_up(page: Page) -> None:
    def elsewhere(route: Route) -> None:
        reply = route.fetch()
        lines = reply.text().split("\r\n")
        kept = [line for line in lines if not line.startswith("a=candidate")]
        route.fulfill(response=reply, body="\r\n".join(kept))

    page.route("**/whep/card", elsewhere)
    watch(page)
    page.wait_for_function("told.some(([name]) => name === 'GiveUp')")
    assert told(page, "GiveUp") == ["network"]


def test_it_waits_for_a_broadcast_that_has_not_begun(page: Page) -> None:
    watch(page, "off")
    page.wait_for_function("told.some(([name]) => name === 'Refused')")
    assert told(page, "Refused")[0]["code"] == 409
    assert told(page, "GiveUp") == []
    page.evaluate("path.stop()")


def test_who_can_try_it(page: Page) -> None:
    watch(page)
    able = page.evaluate(
        """() => [WhepPath.able(what), WhepPath.able({ ...what, whep: "" }),
          WhepPath.able({ ...what, mode: "audio" })]"""
    )
    assert able == [True, False, False]


def test_timestamps_wrap(page: Page) -> None:
    found = page.evaluate(
        """async () => {
          const { RtpClock } = await import("/static/js/player/rtp_clock.js");
          const link = '<https://x/turn>; rel="ice-server", </whep/a/clock>; ' +
            'rel="urn:ietf:params:whep:ext:streamd:clock"; gen=3; started="1000.5"; ' +
            'video=4294967290; audio=7';
          const clock = RtpClock.fromLink(link);
          const wrap = 2 ** 32 / 90000;
          const later = clock.mediaTime(89994, 1001.5 + 2 * wrap) - 2 * wrap;
          return [clock.gen, clock.started, clock.mediaTime(89994, 1001), later,
            RtpClock.fromLink(null), RtpClock.fromLink("<x>; rel=y")];
        }"""
    )
    assert found[:3] == [3, 1000.5, 1]
    assert found[3] == pytest.approx(1)
    assert found[4:] == [None, None]
