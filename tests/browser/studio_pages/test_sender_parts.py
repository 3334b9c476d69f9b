"""The pure parts of the studio's senders in a real browser: clocks, pressure, SDP fragments."""

from __future__ import annotations

from typing import Any

import pytest

from streamd.media.frame_messages import AudioDescription, VideoDescription, parse_message
from streamd.webrtc.sdp_fragment import read_fragment
from tests.browser.studio_pages.conftest import Studio
from tests.browser.studio_pages.poll_rows import STREAM

pytestmark = pytest.mark.browser

OFFER = """v=0
o=- 1 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
m=video 9 UDP/TLS/RTP/SAVPF 96
a=mid:0
a=ice-ufrag:aaaa
a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa
a=candidate:1 1 udp 2130706431 192.0.2.7 50000 typ host
a=rtpmap:96 H264/90000
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:1
a=ice-ufrag:aaaa
a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa
"""
ANSWER_FRAGMENT = """a=ice-lite
m=video 9 UDP/TLS/RTP/SAVPF 0
a=mid:0
a=ice-ufrag:bbbb
a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb
a=candidate:2 1 udp 2130706431 198.51.100.4 8189 typ host
a=end-of-candidates
"""


@pytest.fixture
def run(studio: Studio) -> Any:
    """Evaluates a script that imports the studio's modules by their names."""
    studio.page.goto(f"{studio.origin}/studio/{STREAM}")

    def evaluate(script: str, arg: object = None) -> Any:
        return studio.page.evaluate(script.replace("STUDIO", "/static/js/studio"), arg)

    return evaluate


def test_messages_are_what_the_server_reads(run: Any) -> None:
    video, audio = run(
        """async () => {
          const { videoDescription, audioDescription } = await import("STUDIO/socket/messages.js");
          const description = new Uint8Array([0, 0, 0, 1, 0x67, 0x42]);
          return [
            videoDescription({ codec: "avc1.42e01f", description: description.buffer }),
            audioDescription(1),
          ].map((message) => [...message]);
        }"""
    )
    assert parse_message(bytes(video)) == VideoDescription("avc1.42e01f", (b"\x67\x42",), 0)
    described = parse_message(bytes(audio))
    assert isinstance(described, AudioDescription)
    assert described.track.channels == 1


CLOCK = """async (arrivals) => {
  const { TrackClock } = await import("STUDIO/socket/clock.js");
  const clock = new TrackClock();
  return arrivals.map(([timestamp, now]) => {
    clock.arrived(timestamp, now);
    return clock.ready ? clock.place(timestamp) : null;
  });
}"""


def test_a_clock_takes_the_fastest_arrivals_and_is_not_moved_by_late_ones(run: Any) -> None:
    own = 7_000_000_000
    late = [40, 2, 3, 25, 1, 9]
    arrivals = [[own + n * 20_000, 1_000 + n * 20 + late[n % 6]] for n in range(600)]
    # A busy page: for three seconds everything comes 150 ms late.
    for n in range(300, 450):
        arrivals[n][1] = 1_000 + n * 20 + 150
    placed = run(CLOCK, arrivals)
    assert placed[0] is None
    kept = [(n, at) for n, at in enumerate(placed) if at is not None]
    assert len(kept) > 580
    assert all(abs(at - (1_001_000 + n * 20_000)) <= 3_000 for n, at in kept)


def test_a_clock_that_left_something_out_is_followed(run: Any) -> None:
    arrivals = [[n * 20_000, 1_000 + n * 20] for n in range(400)]
    arrivals += [[n * 20_000, 1_200 + n * 20] for n in range(400, 1_200)]
    placed = run(CLOCK, arrivals)
    assert placed[399] == 1_000_000 + 399 * 20_000
    assert abs(placed[-1] - (1_200_000 + 1_199 * 20_000)) <= 5_000


PRESSURE = """async (readings) => {
  const { Pressure } = await import("STUDIO/socket/pressure.js");
  const pressure = new Pressure(2_500_000);
  return readings.map((behind, place) => {
    const clear = pressure.take(behind, place * 200);
    return { clear, dropping: pressure.dropping, held: pressure.held, bitrate: pressure.bitrate };
  });
}"""


def test_pressure_drops_to_a_keyframe_lowers_the_bitrate_and_raises_it_again(run: Any) -> None:
    seen = run(PRESSURE, [100] * 5 + [1_600] + [1_000] * 3 + [300] + [100] * 200)
    calm, hit, waiting, clear = seen[4], seen[5], seen[8], seen[9]
    assert (calm["dropping"], calm["held"], calm["bitrate"]) == (False, False, 2_500_000)
    assert (hit["dropping"], hit["bitrate"], hit["clear"]) == (True, 1_250_000, False)
    assert waiting["dropping"]
    assert (clear["dropping"], clear["clear"], clear["held"]) == (False, True, True)
    assert [one["clear"] for one in seen].count(True) == 1
    assert (seen[-1]["bitrate"], seen[-1]["held"]) == (2_500_000, False)


def test_pressure_eases_before_it_drops_and_has_a_floor(run: Any) -> None:
    seen = run(PRESSURE, [900] * 200)
    assert not any(one["dropping"] for one in seen)
    assert [one["bitrate"] for one in seen[:7]] == sorted(
        (one["bitrate"] for one in seen[:7]), reverse=True
    )
    assert seen[-1]["bitrate"] == 150_000


def test_fragments_are_what_the_server_reads_and_gives(run: Any) -> None:
    fragment, answer = run(
        """async ([offer, fragment]) => {
          const { fragmentOf, restarted } = await import("STUDIO/sdp_fragment.js");
          return [fragmentOf(offer), restarted(offer, fragment)];
        }""",
        [OFFER, ANSWER_FRAGMENT],
    )
    read = read_fragment(fragment)
    assert read.credentials is not None
    assert read.credentials.ufrag == "aaaa"
    assert len(read.candidates) == 1
    assert answer.count("a=ice-ufrag:bbbb\r\n") == 2
    assert "aaaa" not in answer
    assert answer.count("a=candidate:") == 1
    assert answer.index("a=candidate:2") < answer.index("m=audio")
    assert answer.startswith("v=0\r\n")
    assert "a=rtpmap:96 H264/90000\r\n" in answer


def test_the_size_follows_the_quality_and_the_shorter_side(run: Any) -> None:
    sizes = run(
        """async () => {
          const { qualityNamed, sizeFor } = await import("STUDIO/quality.js");
          return [
            sizeFor({ width: 1280, height: 720 }, qualityNamed("360p")),
            sizeFor({ width: 720, height: 1280 }, qualityNamed("540p")),
            sizeFor({ width: 639, height: 359 }, qualityNamed("720p")),
          ].map(({ width, height }) => [width, height]);
        }"""
    )
    assert sizes == [[640, 360], [540, 960], [640, 360]]


def test_one_restart_of_ice_at_a_time(run: Any) -> None:
    """A network that changes while a restart is under way starts no second one."""
    begun, after = run(
        """async ([sdp, fragment]) => {
          const asked = [];
          const waiting = [];
          class Peer extends EventTarget {
            signalingState = "stable";
            iceGatheringState = "complete";
            connectionState = "new";
            localDescription = this.currentRemoteDescription = { sdp };
            addTransceiver = () => ({ setCodecPreferences() {}, sender: {} });
            createOffer = async (options) => asked.push(options) && { type: "offer", sdp };
            setLocalDescription = async () => {};
            setRemoteDescription = async () => {};
            close() {}
          }
          window.RTCPeerConnection = Peer;
          window.fetch = (url, { method }) => method === "POST"
            ? Promise.resolve(Object.defineProperty(new Response(sdp, {
                status: 201, headers: { Location: "/whip/c1/s", ETag: '"one"' },
              }), "url", { value: url }))
            : new Promise((resolve) => waiting.push(() => resolve(new Response(fragment))));
          const { WhipClient } = await import("STUDIO/whip.js");
          const client = new WhipClient(`${location.origin}/whip/c1`, "key", () => {});
          const track = { getSettings: () => ({ width: 640, height: 480 }) };
          const media = { getVideoTracks: () => [track], getAudioTracks: () => [] };
          await client.publish(media, { height: 360, bitrate: 800_000 });
          const turn = () => new Promise((resolve) => setTimeout(resolve, 1_000));
          const restarts = () => asked.filter((options) => options?.iceRestart).length;
          const changes = async () => {
            for (let times = 0; times < 2; times += 1) {
              dispatchEvent(new Event("online"));
              await turn();
            }
            return restarts();
          };
          const begun = await changes();
          waiting.shift()();
          await turn();
          return [begun, await changes()];
        }""",
        [OFFER, ANSWER_FRAGMENT],
    )
    assert (begun, after) == (1, 2)
