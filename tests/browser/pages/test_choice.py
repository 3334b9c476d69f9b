"""The player's paths: chosen, switched while playing, given up, remembered."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.pages.conftest import Theatre
from tests.browser.pages.narrow import NarrowLine
from tests.browser.pages.steps import (
    PLAYER,
    advances,
    choose,
    wait_for,
)

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
    wait_for(theatre, lambda: stage.streams.get("mina").started_at is not None)
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
