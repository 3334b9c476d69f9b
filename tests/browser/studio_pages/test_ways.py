"""Going live over the WebSocket: by choice, where UDP is blocked, and when the line breaks."""

from __future__ import annotations

import itertools

import pytest
from playwright.sync_api import expect

from streamd.media.frame_messages import AudioDescription, FrameMessage, VideoDescription
from streamd.media.h264 import is_key, split_avcc
from streamd.relay.frame_ingest import Announce, FrameIngest
from tests.browser.studio_pages.conftest import DEADLINE_MS, Studio
from tests.browser.studio_pages.mock_server import KEY, Fixture, last_word

pytestmark = pytest.mark.browser

NO_PROCESSOR = "delete window.MediaStreamTrackProcessor;"
NO_CODECS = "delete window.VideoEncoder;"


def frames(fixture: Fixture, kind: str) -> list[FrameMessage]:
    return [
        frame
        for frame in list(fixture.frames)
        if isinstance(frame, FrameMessage) and frame.kind == kind
    ]


def seconds(found: list[FrameMessage]) -> float:
    return (found[-1].timestamp - found[0].timestamp) / 1e6 if found else 0.0


def flows(studio: Studio) -> None:
    """Waits for three seconds of both kinds."""
    for kind in "va":
        assert studio.until(lambda kind=kind: seconds(frames(studio.fixture, kind)) > 3)  # type: ignore[misc]


def checked(fixture: Fixture) -> None:
    """What a page sends is what the server takes: descriptions first, clocks that agree."""
    kinds = [type(frame) for frame in fixture.frames]
    first = {kind: kinds.index(kind) for kind in (VideoDescription, AudioDescription)}
    pictures, sounds = frames(fixture, "v"), frames(fixture, "a")
    assert first[VideoDescription] < fixture.frames.index(pictures[0])
    assert first[AudioDescription] < fixture.frames.index(sounds[0])
    for track in (pictures, sounds):
        assert all(a.timestamp < b.timestamp for a, b in itertools.pairwise(track))
    keys = [picture for picture in pictures if picture.key]
    assert pictures[0].key
    assert all(is_key(split_avcc(key.payload)) for key in keys)
    gaps = [b.timestamp - a.timestamp for a, b in itertools.pairwise(keys)]
    assert gaps
    assert max(gaps) < 2_600_000
    steps = [b.timestamp - a.timestamp for a, b in itertools.pairwise(sounds)]
    assert abs(sum(steps) / len(steps) - 20_000) < 1_000
    # Both clocks are the page's: what was captured at once stands at once.
    assert abs(pictures[0].timestamp - sounds[0].timestamp) < 500_000


def test_by_choice_it_goes_live_over_the_socket_and_ends_there(studio: Studio) -> None:
    studio.open(way="websocket")
    studio.go_live()
    flows(studio)
    [hello] = studio.fixture.hellos
    assert hello == {
        "type": "hello",
        "v": 1,
        "key": KEY,
        "video": True,
        "audio": True,
        "takeover": False,
    }
    checked(studio.fixture)
    expect(studio.page.locator(".figures")).to_contain_text("1280×720", timeout=DEADLINE_MS)
    assert studio.fixture.offers == []
    assert not any(KEY in url for url in studio.fixture.seen)
    studio.press("End broadcast")
    studio.press("Press again to end")
    assert studio.until(lambda: studio.fixture.goodbyes == 1)
    expect(studio.page.get_by_role("heading", name="Your broadcast has ended")).to_be_visible()


def test_without_track_processors_it_goes_live_all_the_same(studio: Studio) -> None:
    studio.page.add_init_script(NO_PROCESSOR)
    studio.open(way="websocket")
    studio.go_live()
    flows(studio)
    checked(studio.fixture)


def test_where_udp_is_blocked_it_changes_over_by_itself(studio: Studio) -> None:
    studio.fixture.udp_blocked = True
    studio.run(_line(studio.fixture, False))
    studio.open()
    studio.press("Go live")
    studio.press("Press again to go live")
    expect(studio.page.locator(".veil")).to_contain_text(
        "UDP is blocked here: going live over the web connection instead.", timeout=DEADLINE_MS
    )
    studio.run(_line(studio.fixture, True))
    studio.page.locator(".desk.on-air").wait_for()
    expect(studio.page.locator(".trouble")).to_contain_text(
        "you are live over the web connection instead"
    )
    assert len(studio.fixture.offers) == 1
    assert studio.fixture.deleted == ["s1"]
    assert len(studio.fixture.hellos) == 1


def test_a_refusal_is_no_reason_to_change_over(studio: Studio) -> None:
    studio.fixture.whip_status = 401
    studio.fixture.whip_detail = "The key is not valid for this stream."
    studio.open()
    studio.press("Go live")
    studio.press("Press again to go live")
    expect(studio.page.get_by_role("alert")).to_contain_text("The key is not valid")
    assert studio.fixture.hellos == []


def test_without_webcodecs_it_is_told_what_to_do(studio: Studio) -> None:
    studio.page.add_init_script(NO_CODECS)
    studio.fixture.udp_blocked = True
    studio.open()
    expect(studio.page.get_by_label("Connection").get_by_role("option")).to_have_count(2)
    studio.press("Go live")
    studio.press("Press again to go live")
    expect(studio.page.get_by_role("alert")).to_contain_text(
        "broadcast with OBS by RTMP", timeout=DEADLINE_MS
    )
    assert studio.fixture.hellos == []


def test_the_choice_stands_in_the_check_and_survives_a_reload(studio: Studio) -> None:
    studio.open()
    studio.page.get_by_label("Connection").select_option("websocket")
    expect(studio.page.get_by_text("Passes wherever web pages do.")).to_be_visible()
    studio.page.reload()
    expect(studio.page.get_by_label("Connection")).to_have_value("websocket")
    studio.go_live()
    assert len(studio.fixture.hellos) == 1


def test_a_lost_socket_comes_back_by_the_same_way(studio: Studio) -> None:
    studio.open(way="websocket")
    studio.go_live()
    assert studio.until(lambda: seconds(frames(studio.fixture, "v")) > 1)
    studio.run(studio.fixture.drop())
    assert studio.until(lambda: len(studio.fixture.hellos) == 2)
    studio.page.locator(".phase-live").wait_for()
    assert studio.until(lambda: seconds(frames(studio.fixture, "v")) > 1)
    assert frames(studio.fixture, "v")[0].key
    assert studio.fixture.hellos[1]["takeover"] is False


def test_a_closed_page_says_goodbye(studio: Studio) -> None:
    studio.open(way="websocket")
    studio.go_live()
    studio.page.close(run_before_unload=False)
    assert studio.until(lambda: studio.fixture.goodbyes == 1)


def test_a_wished_keyframe_comes_at_once(studio: Studio) -> None:
    studio.open(way="websocket")
    studio.go_live()
    assert studio.until(lambda: seconds(frames(studio.fixture, "v")) > 0.5)
    socket = studio.fixture.publishing
    assert socket is not None
    studio.run(socket.send_json({"type": "keyframe"}))
    before = len(frames(studio.fixture, "v"))
    assert studio.until(lambda: any(one.key for one in frames(studio.fixture, "v")[before:]))
    keys = [one.timestamp for one in frames(studio.fixture, "v") if one.key]
    assert keys[1] - keys[0] < 1_900_000


def test_a_line_that_died_without_a_word_is_left(studio: Studio) -> None:
    studio.open(way="websocket")
    studio.go_live()
    studio.run(_line(studio.fixture, False))
    assert studio.until(lambda: len(studio.fixture.hellos) == 2)
    studio.run(_line(studio.fixture, True))
    studio.page.locator(".phase-live").wait_for()


def test_webrtc_alone_is_kept_to_and_what_to_change_is_said(studio: Studio) -> None:
    studio.fixture.udp_blocked = True
    studio.open(way="webrtc")
    studio.press("Go live")
    studio.press("Press again to go live")
    expect(studio.page.get_by_role("alert")).to_contain_text(
        "Choose the connection “Automatic”", timeout=DEADLINE_MS
    )
    assert studio.fixture.hellos == []


async def _line(fixture: Fixture, is_open: bool) -> None:
    (fixture.line_open.set if is_open else fixture.line_open.clear)()


def test_a_line_that_stands_still_is_not_filled_with_old_pictures(studio: Studio) -> None:
    studio.open(way="websocket")
    studio.go_live()
    assert studio.until(lambda: seconds(frames(studio.fixture, "v")) > 1)
    studio.run(_line(studio.fixture, False))
    studio.page.wait_for_timeout(3_000)
    before = len(frames(studio.fixture, "v"))
    studio.run(_line(studio.fixture, True))
    assert studio.until(lambda: seconds(frames(studio.fixture, "v")[before:]) > 4)
    after = frames(studio.fixture, "v")[before:]
    steps = [(b.timestamp - a.timestamp, b) for a, b in itertools.pairwise(after)]
    longest, first = max(steps, key=lambda step: step[0])
    assert longest > 1_000_000
    assert first.key
    expect(studio.page.locator(".phase-live")).to_be_visible()


def sizes(fixture: Fixture) -> list[int]:
    """The pictures' heights as the server understands them, in their order."""
    ingest = FrameIngest(frozenset({"v", "a"}))
    heights = []
    for message in list(fixture.frames):
        for event in ingest.take(message, 0.0):
            tracks = event.tracks if isinstance(event, Announce) else (event.track,)
            heights += [track.height for track in tracks if track is not None and track.height]
    return heights


def test_devices_and_quality_change_and_mute_works_in_the_same_session(studio: Studio) -> None:
    studio.open(way="websocket")
    studio.go_live()
    assert studio.until(lambda: seconds(frames(studio.fixture, "v")) > 1)
    studio.page.get_by_text("Camera, microphone and quality").click()
    before = frames(studio.fixture, "a")[-1].timestamp
    studio.page.get_by_label("Microphone", exact=True).select_option(label="Fake Audio Input 1")
    studio.page.get_by_role("radio", name="360p").check()
    assert studio.until(lambda: sizes(studio.fixture) == [720, 360])
    assert studio.until(lambda: frames(studio.fixture, "a")[-1].timestamp > before + 1_500_000)
    studio.press("Mute")
    before = frames(studio.fixture, "a")[-1].timestamp
    assert studio.until(lambda: frames(studio.fixture, "a")[-1].timestamp > before + 1_000_000)
    # Silence is a few bytes where a tone was many.
    assert sum(len(one.payload) for one in frames(studio.fixture, "a")[-20:]) / 20 < 40
    assert len(studio.fixture.hellos) == 1
    for kind in "va":
        track = frames(studio.fixture, kind)
        assert all(a.timestamp < b.timestamp for a, b in itertools.pairwise(track))


def test_who_is_taken_over_is_told_so_and_does_not_fight(studio: Studio) -> None:
    studio.open(way="websocket")
    studio.go_live()
    socket = studio.fixture.publishing
    assert socket is not None
    studio.run(last_word(socket, "ended", 409, "taken_over", "Another device has taken over."))
    heading = studio.page.get_by_role("heading", name="Another device has taken over")
    expect(heading).to_be_visible()
    assert len(studio.fixture.hellos) == 1


@pytest.mark.parametrize(("way", "asked"), [("webrtc", "takeover=1"), ("websocket", "")])
def test_the_studio_asks_before_it_takes_over(studio: Studio, way: str, asked: str) -> None:
    fixture = studio.fixture
    fixture.whip_status = 409
    fixture.publish_refusal = (409, "already_publishing", "Someone is already broadcasting.")
    studio.open(way=way)
    studio.press("Go live")
    studio.press("Press again to go live")
    expect(studio.page.get_by_role("heading", name="Take over here?")).to_be_visible()
    expect(studio.page.get_by_role("alert")).to_have_count(0)
    fixture.whip_status, fixture.publish_refusal = 201, None
    studio.press("Take over here")
    studio.press("Yes, take over")
    studio.page.locator(".desk.on-air").wait_for()
    if way == "webrtc":
        assert any("takeover=1" in url for url in fixture.seen)
    else:
        assert [hello["takeover"] for hello in fixture.hellos] == [False, True]
