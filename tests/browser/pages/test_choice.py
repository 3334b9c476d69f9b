"""The player's paths: chosen, switched while playing, given up, remembered; the data saver."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from streamd import config
from tests.browser.pages.conftest import Theatre
from tests.browser.pages.narrow import NarrowLine
from tests.browser.pages.test_player import PLAYER, PLAYING, advances, go_live, numbers

pytestmark = pytest.mark.browser

WATCH_PICTURE = f"""() => {{
  const p = {PLAYER};
  window.blank = 0;
  // A video that ran dry keeps its last picture on the screen, whatever its readyState says.
  const source = () => p.video.srcObject ?? p.video.currentSrc;
  let presented = source();
  const present = () => {{
    presented = source();
    p.video.requestVideoFrameCallback(present);
  }};
  p.video.requestVideoFrameCallback(present);
  const look = () => {{
    const held = !p.still.canvas.hidden;
    const shown = (p.video.readyState >= 2 || presented === source()) && p.video.videoWidth > 0;
    if (!held && !shown) window.blank += 1;
    if (p.shadowRoot.querySelector(".loading")) window.blank += 1;
    requestAnimationFrame(look);
  }};
  look();
}}"""


@pytest.fixture
def card(theatre: Theatre) -> Iterator[Theatre]:
    """The test card is on mina's stream, and its page is open."""
    go_live(theatre)
    theatre.open()
    yield theatre
    theatre.run(theatre.stage.take_off("mina"))


def sounds_on(theatre: Theatre) -> None:
    """Waits until sound has been decoded for a second more."""
    before = numbers(theatre)
    theatre.until(
        f"{PLAYER}.video.currentTime > {before['time'] + 1}"
        f" && {PLAYER}.video.webkitAudioDecodedByteCount > {before['sound']}"
    )


def bytes_per_second(theatre: Theatre) -> float:
    """What the path takes, over three seconds."""
    return float(
        theatre.page.evaluate(
            f"""async () => {{
              const {{ route }} = {PLAYER};
              const [bytes, at] = [route.bytes, performance.now()];
              await new Promise((done) => setTimeout(done, 3000));
              return (1000 * (route.bytes - bytes)) / (performance.now() - at);
            }}"""
        )
    )


def canvas(theatre: Theatre) -> dict[str, Any]:
    """The canvas over the video: is it there, how large, how bright."""
    found: dict[str, Any] = theatre.page.evaluate(
        f"""() => {{
          const {{ canvas }} = {PLAYER}.still;
          const {{ width, height }} = canvas;
          const {{ data }} = canvas.getContext("2d").getImageData(0, 0, width, height);
          let sum = 0;
          for (let i = 0; i < data.length; i += 4) sum += data[i] + data[i + 1] + data[i + 2];
          return {{ hidden: canvas.hidden, width, height, light: sum / (width * height * 3) }};
        }}"""
    )
    return found


def choose(theatre: Theatre, name: str) -> None:
    """Opens the menu and takes a row, by keyboard."""
    button = theatre.page.locator("streamd-player .controls [aria-controls=choices]")
    button.focus()
    button.press("Enter")
    row = theatre.page.get_by_role("radio", name=name)
    row.focus()
    row.press("Space")
    row.press("Escape")
    expect(button).to_be_focused()


def test_the_data_saver_is_sound_and_stills_and_costs_a_part(card: Theatre) -> None:
    advances(card)
    full = bytes_per_second(card)
    card.page.evaluate(f"{PLAYER}.setVolume(0.4)")
    choose(card, "Data saver")
    card.until(f"{PLAYER}.mode === 'audio' && {PLAYER}.route.isJoined")
    card.until(f"!{PLAYER}.still.canvas.hidden && {PLAYER}.phase === 'playing'")
    sounds_on(card)
    still = canvas(card)
    assert (still["width"], still["height"]) == (640, 360)
    assert still["light"] > 20
    assert card.page.evaluate(f"[{PLAYER}.video.volume, {PLAYER}.video.muted]") == [0.4, False]
    assert card.page.evaluate(f"{PLAYER}.video.videoWidth") == 0
    # The card's picture is nearly still itself: against a camera's the difference is larger.
    saved = bytes_per_second(card)
    assert saved < 0.75 * full, (saved, full)
    expect(card.page.locator("streamd-player [part=latency]")).to_contain_text("MB an hour")


def test_a_later_still_is_painted_when_its_sound_is_heard(card: Theatre) -> None:
    advances(card)
    card.page.evaluate(
        f"""() => {{
          const {{ still }} = {PLAYER};
          const show = still.show.bind(still);
          still.show = (one) => show((window.first = one));
        }}"""
    )
    choose(card, "Data saver")
    card.until("window.first")
    sounds_on(card)
    card.page.evaluate(
        f"""() => {{
          const {{ route, still, video }} = {PLAYER};
          const show = still.show.bind(still);
          still.show = (one) => {{
            window.shown = [one.t / 90_000, video.currentTime];
            return show(one);
          }};
          window.due = video.currentTime + 1.5;
          const later = {{ ...window.first, t: window.due * 90_000 }};
          route.socket.events.onPart({{ n: route.next, t: later.t, key: true, still: later }});
        }}"""
    )
    due, heard = card.until("window.shown?.[0] === window.due ? window.shown : null", 20)
    assert due <= heard < due + 1


def test_stills_are_decoded_without_a_decoder_of_its_own_too(card: Theatre) -> None:
    """A browser without WebCodecs: a second video element does it."""
    card.page.add_init_script("delete window.VideoDecoder")
    card.open("/watch/mina?path=saver")
    card.until(f"{PLAYER}.mode === 'audio' && !{PLAYER}.still.canvas.hidden")
    assert card.page.evaluate("typeof VideoDecoder") == "undefined"
    assert canvas(card)["light"] > 20


def test_switching_keeps_the_picture_sound_and_volume_and_is_remembered(card: Theatre) -> None:
    advances(card)
    card.page.evaluate(f"{PLAYER}.setVolume(0.3)")
    card.until(f"{PLAYER}.still.canvas.hidden")
    card.page.evaluate(WATCH_PICTURE)
    choose(card, "Standard")
    card.until(f"{PLAYER}.path === 'hls'")
    advances(card)
    card.until(f"{PLAYER}.still.canvas.hidden")
    choose(card, "Low latency")
    card.until(f"{PLAYER}.path === 'ws'")
    advances(card)
    card.until(f"{PLAYER}.still.canvas.hidden")
    assert card.page.evaluate("window.blank") == 0
    assert card.page.evaluate(f"[{PLAYER}.video.volume, {PLAYER}.video.muted]") == [0.3, False]
    choose(card, "Standard")
    card.open()
    card.until(f"{PLAYER}.path === 'hls'")
    assert card.page.evaluate(f"{PLAYER}.video.volume") == 0.3


def test_a_gateway_that_does_not_answer_is_gone_around_and_returned_to(card: Theatre) -> None:
    advances(card)
    card.run(card.stage.cut_line())
    card.open()
    expect(card.page.get_by_text("You are watching by: Standard")).to_be_visible()
    card.until(f"{PLAYER}.path === 'hls'")
    advances(card)
    card.run(card.stage.open_line())
    # Its pause is over.
    card.page.evaluate(f"{PLAYER}.router.choice.forget()")
    card.until(f"{PLAYER}.path === 'ws'")
    advances(card)


def test_a_line_that_is_up_and_silent_is_noticed(card: Theatre) -> None:
    advances(card)
    card.page.evaluate(
        f"() => {{ const p = {PLAYER}; p.router.watchdog.rebuildMs = 1200;"
        " p.route.socket.socket.onmessage = null; p.first = p.route; }"
    )
    advances(card)
    assert card.page.evaluate(f"{PLAYER}.route === {PLAYER}.first")
    # Nor does joining again help: another path is taken.
    card.page.evaluate(
        f"() => {{ const p = {PLAYER}; p.router.watchdog.fallBackMs = 1500;"
        " p.route.rejoin = () => {}; p.route.socket.socket.onmessage = null; }"
    )
    card.until(f"{PLAYER}.path === 'hls'")
    expect(card.page.get_by_text("You are watching by: Standard")).to_be_visible()
    advances(card)


def test_who_was_skipped_is_told_and_offered_the_data_saver(card: Theatre) -> None:
    advances(card)
    skip = f"{PLAYER}.route.socket.events.onPart({{ n: {PLAYER}.route.next, t: 0, skipped: 9 }})"
    card.page.evaluate(skip)
    told = card.page.get_by_role("status").filter(has_text="we skipped ahead to live")
    expect(told).to_be_visible()
    card.page.evaluate(skip)
    card.page.evaluate(skip)
    card.page.get_by_role("button", name="Sound and stills").click()
    card.until(f"{PLAYER}.mode === 'audio'")
    expect(card.page.get_by_role("button", name="Sound and stills")).to_have_count(0)


def test_a_narrow_line_skips_to_live_and_says_so(theatre: Theatre) -> None:
    """A real gateway over a line that carries a quarter of the clip."""
    stage = theatre.stage
    port = stage.feed_port
    line = NarrowLine(port, 60_000)
    theatre.run(line.start())
    theatre.do(stage.show_clip, "mina")
    while stage.streams.get("mina").started_at is None:
        theatre.page.wait_for_timeout(50)
    theatre.do(stage.set_stream, "mina", "live", 3)
    try:
        stage.feed_port = line.port
        theatre.open("/watch/mina?path=ws")
        theatre.page.evaluate(
            f"() => {{ const {{ notice }} = {PLAYER}; const tell = notice.skipped.bind(notice);"
            " notice.skipped = () => { window.skipped = 1; tell(); }; }"
        )
        # Late for its first picture it is offered less; with one, it is told what was skipped.
        words = re.compile("we skipped ahead to live|Go on with sound and stills")
        told = theatre.page.get_by_role("status").filter(has_text=words)
        expect(told).to_be_visible(timeout=30_000)
        theatre.until("window.skipped > 0")
        assert theatre.page.evaluate(f"{PLAYER}.path") == "ws"
    finally:
        stage.feed_port = port
        theatre.run(stage.take_off("mina"))
        theatre.run(line.stop())


def test_captions_appear_when_there_are_any_and_switch(card: Theatre) -> None:
    advances(card)
    button = card.page.get_by_role("button", name="Captions")
    expect(button).to_have_count(0)
    card.until(f"{PLAYER}.clock")
    clock = card.page.evaluate(f"{PLAYER}.clock")
    said = {"id": 1, "start": clock - 5, "end": clock + 60, "text": "We know what it costs."}
    row = {"captions": [said]}
    card.do(card.stage.hub.publish, "captions:mina", row)
    expect(button).to_be_visible()
    line = card.page.locator("streamd-player .captions")
    expect(line).to_have_count(0)
    button.click()
    expect(line).to_have_text("We know what it costs.")
    expect(button).to_have_attribute("aria-pressed", "true")
    card.page.keyboard.press("c")
    expect(line).to_have_count(0)


PAST = f"""() => {{
  const p = {PLAYER};
  class Past {{
    name = "dvr"; isJoined = true; bufferMs = 0; rebuffers = 0; at = null;
    static reach = async () => ({{ from: Date.now() / 1000 - 600, to: Date.now() / 1000 }});
    constructor(what, events) {{
      Object.assign(this, {{ at: what.at, events }});
      p.pastPath = this;
    }}
    start() {{ this.events.onJoin({{ audio: true }}); }}
    stop() {{ this.stopped = true; }}
    seek(at) {{ this.at = at; }}
    rejoin() {{}}
    latencyMs() {{ return null; }}
  }}
  p.rewind.Path = Past;
  p.rewind.lookedAt = -Infinity;
  p.rewind.look();
}}"""
"""A stand-in for the path of the past."""


def test_back_in_time_and_live_again(card: Theatre) -> None:
    """What the slider asks of the path of the past."""
    advances(card)
    card.page.evaluate(PAST)
    slider = card.page.get_by_role("slider", name="Time in the broadcast")
    expect(slider).to_have_attribute("aria-valuetext", "Live")
    slider.press("ArrowLeft")
    card.until(f"{PLAYER}.path === 'dvr'")
    assert card.page.evaluate(f"Date.now() / 1000 - {PLAYER}.pastPath.at") == pytest.approx(
        10, abs=3
    )
    slider.press("ArrowLeft")
    assert card.page.evaluate(f"Date.now() / 1000 - {PLAYER}.pastPath.at") == pytest.approx(
        20, abs=5
    )
    expect(card.page.locator("streamd-player .top")).to_have_text("Watching the past")
    card.page.get_by_role("button", name="Live", exact=True).click()
    card.until(f"{PLAYER}.path === 'ws' && {PLAYER}.pastPath.stopped")
    advances(card)


@pytest.mark.parametrize("ends", ["button", "path"])
def test_from_the_past_of_a_broadcast_that_is_over_nothing_is_joined(
    card: Theatre, ends: str
) -> None:
    """Whether the viewer goes to live or the recording plays out."""
    advances(card)
    card.page.evaluate(PAST)
    card.page.get_by_role("slider", name="Time in the broadcast").press("ArrowLeft")
    card.until(f"{PLAYER}.path === 'dvr'")
    card.run(card.stage.take_off("mina"))
    card.do(card.stage.set_stream, "mina", "ended")
    card.until(f"{PLAYER}.stream.state === 'ended'")
    assert card.page.evaluate(f"{PLAYER}.path") == "dvr"
    if ends == "button":
        card.page.get_by_role("button", name="Live", exact=True).click()
    else:
        card.page.evaluate(f"{PLAYER}.pastPath.events.onGiveUp('stuck')")
    expect(card.page.get_by_text("The broadcast has ended")).to_be_visible()
    found = card.page.evaluate(f"[{PLAYER}.path, {PLAYER}.phase, {PLAYER}.pastPath.stopped]")
    assert found == [None, "ended", True]
    go_live(card)
    advances(card)


def test_hls_is_steered_on_after_a_decoders_failure(card: Theatre) -> None:
    card.open("/watch/mina?path=hls")
    advances(card)
    ended = card.page.evaluate(
        f"""() => {{
          const {{ route }} = {PLAYER};
          const cleared = [];
          const clear = window.clearInterval;
          window.clearInterval = (id) => {{ cleared.push(id); clear(id); }};
          const failure = {{ type: "mediaError", details: "bufferAppendError", fatal: true }};
          route.hls.trigger("hlsError", failure);
          return [route.recovered, cleared.includes(route.steering)];
        }}"""
    )
    assert ended == [True, False]
    advances(card)


def test_a_player_that_is_taken_away_leaves_no_timer(card: Theatre) -> None:
    advances(card)
    left = card.page.evaluate(
        f"""() => {{
          const p = {PLAYER};
          const running = new Set();
          const [set, clear] = [window.setTimeout, window.clearTimeout];
          window.setTimeout = (...given) => {{
            const id = set(...given);
            running.add(id);
            return id;
          }};
          window.clearTimeout = (id) => {{ running.delete(id); clear(id); }};
          Object.defineProperty(document, "hidden", {{ get: () => true, configurable: true }});
          document.dispatchEvent(new Event("visibilitychange"));
          p.route.events.onWaiting();
          const begun = [p.sleep, p.waitTimer].map((id) => running.has(id));
          p.remove();
          return [...begun, running.has(p.sleep), running.has(p.waitTimer)];
        }}"""
    )
    assert left == [True, True, False, False]


def test_parts_of_100_ms_play_without_running_dry(
    theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = theatre.stage.streams.get("mina").window
    monkeypatch.setattr(window, "_settings", config.Relay(part_ms=100))
    go_live(theatre)
    theatre.open()
    advances(theatre)
    assert theatre.page.evaluate(f"{PLAYER}.route.steering.lump") == 0.1
    before = numbers(theatre)["rebuffers"]
    for _ in range(4):
        advances(theatre)
    after = numbers(theatre)
    # A busy machine may run dry now and then; parts that do not fit the target do so every second.
    assert after["rebuffers"] - before <= 3
    assert after["latencyMs"] < 3000
    theatre.run(theatre.stage.take_off("mina"))


@pytest.mark.parametrize("kinds", ["a", "v"])
def test_streams_with_sound_or_pictures_alone(theatre: Theatre, kinds: str) -> None:
    go_live(theatre, kinds=kinds)
    theatre.open()
    theatre.until(PLAYING)
    before = numbers(theatre)["time"]
    theatre.until(f"{PLAYER}.video.currentTime > {before + 1}")
    mute = theatre.page.locator("streamd-player .volume")
    sound_only = theatre.page.get_by_text("This broadcast is sound only")
    expect(mute).to_have_count(1 if kinds == "a" else 0)
    expect(sound_only).to_have_count(1 if kinds == "a" else 0)
    choose(theatre, "Data saver")
    theatre.until(f"{PLAYER}.mode === 'audio' && {PLAYER}.phase === 'playing'")
    if kinds == "v":
        theatre.until(f"!{PLAYER}.still.canvas.hidden")
    theatre.run(theatre.stage.take_off("mina"))


def test_a_phone_that_is_turned_changes_the_picture_and_not_the_page(theatre: Theatre) -> None:
    stage = theatre.stage
    turn = asyncio.Event()
    theatre.do(stage.show_turning, "mina", turn)
    stream = stage.streams.get("mina")
    while stream.started_at is None:
        theatre.page.wait_for_timeout(50)
    theatre.do(stage.set_stream, "mina", "live", 3)
    theatre.open()
    theatre.until(f"{PLAYING} && {PLAYER}.video.videoWidth === 640")
    gen = theatre.page.evaluate(f"{PLAYER}.route.gen")
    box = theatre.page.locator("streamd-player").bounding_box()
    theatre.do(turn.set)
    theatre.until(f"{PLAYER}.video.videoWidth === 384 && {PLAYER}.video.videoHeight === 660")
    before = numbers(theatre)
    theatre.until(f"{PLAYER}.stats.framesDecoded > {before['framesDecoded'] + 10}")
    assert theatre.page.locator("streamd-player").bounding_box() == box
    assert theatre.page.evaluate(f"{PLAYER}.route.gen") == gen
    theatre.run(stage.take_off("mina"))


def test_an_unheard_tab_that_nobody_sees_hangs_up_and_is_live_when_seen(card: Theatre) -> None:
    advances(card)
    card.page.evaluate(
        """() => {
          window.seen = (isSeen) => {
            Object.defineProperty(document, "hidden", { configurable: true, get: () => !isSeen });
            document.dispatchEvent(new Event("visibilitychange"));
          };
          const { setTimeout } = window;
          window.setTimeout = (act, ms) => setTimeout(act, ms === 60000 ? 50 : ms);
          seen(false);
        }"""
    )
    card.until(f"{PLAYER}.path === null")
    card.page.evaluate("seen(true)")
    advances(card)


def test_the_cores(theatre: Theatre) -> None:
    """Choice, watchdog, slowness, memory and cues decide alone; no page is needed for them."""
    theatre.open()
    found = theatre.page.evaluate(
        """async () => {
          const base = document.querySelector("script[src*='watch.js']").src;
          const load = (name) => import(new URL(`player/${name}.js`, base));
          const { Choice } = await load("choice");
          const { Watchdog } = await load("watchdog");
          const { Slowness } = await load("slowness");
          const { recall, remember } = await load("memory");
          const { Cues } = await load("captions");
          const choice = new Choice(() => 1);
          const plan = choice.plan("auto");
          const able = () => true;
          const name = (one) => one && `${one.path}/${one.mode}`;
          const best = (now) => name(choice.best(plan, able, now));
          const chosen = [best(0)];
          choice.failed(plan[0], "network", 0);
          chosen.push(best(1), best(20_001));
          choice.failed(plan[0], "network", 20_001);
          chosen.push(best(60_000), best(60_002));
          choice.failed(plan[0], "codec", 60_002);
          choice.failed(plan[1], "b-frames", 60_002);
          choice.failed(plan[2], "network", 60_002);
          chosen.push(best(60_003), choice.nextTry(plan, able, 60_003));
          choice.forget();
          chosen.push(best(60_004), name(choice.plan("auto", true)[0]));
          const dog = new Watchdog(100, 250);
          const dogs = [
            [0, 1], [90, 1], [101, 1], [200, 1], [251, 1], [252, 1], [300, 2], [399, 2],
          ].map(([now, mark]) => dog.look(now, mark, false));
          const narrow = new Watchdog(100, 250);
          dogs.push(...[0, 101, 260, 501].map((now) => narrow.look(now, 1, true)));
          const slow = new Slowness();
          const said = [0, 1000, 2000].map((now) => slow.skipped(now));
          slow.answered(2000);
          said.push(...[3000, 4000, 5000, 700_000].map((now) => slow.skipped(now)));
          const kept = new Map();
          const store = {
            getItem: (key) => kept.get(key) ?? null,
            setItem: (key, value) => kept.set(key, value),
          };
          const memories = [recall(store)];
          remember({ choice: "hls" }, store);
          remember({ volume: 0.5 }, store);
          memories.push(recall(store));
          const long = `{"choice": "hls", "x": "${"x".repeat(300)}"}`;
          for (const bad of ["{", "null", "[]", '{"choice": "evil", "volume": 7}', long]) {
            kept.set("streamd.player", bad);
            memories.push(recall(store));
          }
          const cues = new Cues();
          cues.put({ id: 1, start: 10, end: 14, text: "one" });
          cues.put({ id: 2, start: 12, end: 16, text: "two" });
          cues.put({ id: 1, start: 10, end: 13, text: "ONE" });
          const read = [9, 10, 12.5, 13, 16].map((time) => cues.at(time).join("+"));
          for (let id = 10; id < 500; id += 1) cues.put({ id, start: id, end: id + 1, text: "x" });
          return { chosen, dogs, said, memories, read, size: cues.size };
        }"""
    )
    first, *later = found["chosen"]
    assert first == "ws/video"
    assert later[:4] == ["whep/video", "ws/video", "whep/video", "ws/video"]
    assert later[4:] == [None, 80_002, "ws/video", "ws/audio"]
    still, narrow = found["dogs"][:8], found["dogs"][8:]
    assert still == [None, None, "rebuild", None, "fall back", None, None, None]
    assert narrow == [None, "slow", None, "fall back"]
    assert found["said"] == ["told", "told", "offer", "told", "told", "told", "told"]
    nothing = {"choice": None, "volume": None, "captions": False}
    assert found["memories"][0] == nothing
    assert found["memories"][1] == {"choice": "hls", "volume": 0.5, "captions": False}
    assert all(memory == nothing for memory in found["memories"][2:])
    assert found["read"] == ["", "ONE", "ONE+two", "two", ""]
    assert found["size"] == 200
