"""The player: picture and sound by WebSocket, a broken line, a new generation, its controls."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.pages.conftest import Theatre
from tests.browser.pages.steps import PLAYER, advances, go_live, numbers

pytestmark = pytest.mark.browser


def test_picture_and_sound_by_websocket_close_to_live(card: Theatre) -> None:
    advances(card)
    card.until(f"{PLAYER}.stats.latencyMs < 1000")
    found = numbers(card)
    assert found["path"] == "ws"
    assert 0 < found["firstPictureMs"] < 10_000
    assert found["bufferMs"] > 0
    badge = card.page.locator("streamd-player [part=latency]")
    expect(badge).to_contain_text("behind live · WebSocket")


def test_a_broken_line_comes_back_by_itself(card: Theatre) -> None:
    advances(card)
    card.run(card.stage.cut_line())
    expect(card.page.get_by_text("Reconnecting, you have missed nothing")).to_be_visible()
    card.run(card.stage.open_line())
    advances(card)
    assert numbers(card)["path"] == "ws"


def test_a_new_generation_is_followed(card: Theatre) -> None:
    advances(card)
    card.run(card.stage.take_off("mina"))
    go_live(card, "aac")
    card.until(f"{PLAYER}.route.gen === {card.stage.streams.get('mina').gen}")
    advances(card)


def test_it_waits_for_the_start_and_says_the_end(theatre: Theatre) -> None:
    theatre.open()
    expect(theatre.page.get_by_text("The broadcast has not started yet")).to_be_visible()
    go_live(theatre)
    advances(theatre)
    theatre.run(theatre.stage.take_off("mina"))
    theatre.do(theatre.stage.set_stream, "mina", "ended")
    expect(theatre.page.get_by_text("The broadcast has ended")).to_be_visible()
    assert theatre.page.evaluate(f"{PLAYER}.path") is None


def test_by_hls_a_broadcast_that_is_back_is_followed_near_live(card: Theatre) -> None:
    card.open("/watch/mina?path=hls")
    advances(card)
    assert numbers(card)["path"] == "hls"
    card.run(card.stage.take_off("mina"))
    card.do(card.stage.set_stream, "mina", "ended")
    go_live(card, "aac")
    started = card.stage.streams.get("mina").started_at
    assert started is not None
    card.until(f"{PLAYER}.route?.hls?.playingDate?.getTime() > {started * 1000}")
    advances(card)
    card.until(f"{PLAYER}.stats.latencyMs < 12000")


def test_controls_by_keyboard_and_pointer(card: Theatre) -> None:
    advances(card)
    page = card.page
    assert page.evaluate(f"{PLAYER}.video.muted")
    page.get_by_role("button", name="Tap for sound").click()
    assert not page.evaluate(f"{PLAYER}.video.muted")
    expect(page.get_by_role("button", name="Tap for sound")).to_have_count(0)
    page.get_by_role("button", name="Pause").focus()
    page.keyboard.press("Enter")
    assert page.evaluate(f"{PLAYER}.video.paused")
    page.keyboard.press("k")
    card.until(f"!{PLAYER}.video.paused")
    page.keyboard.press("m")
    assert page.evaluate(f"{PLAYER}.video.muted")
    advances(card)


def test_a_pause_ends_at_live(card: Theatre) -> None:
    advances(card)
    card.page.get_by_role("button", name="Pause").click()
    card.page.wait_for_timeout(3000)
    card.page.get_by_role("button", name="Play").click()
    advances(card)
    card.until(f"{PLAYER}.stats.latencyMs < 1500", 5)


def test_the_choice_opens_shows_what_is_chosen_and_closes(card: Theatre) -> None:
    advances(card)
    page = card.page
    page.locator("streamd-player [part=latency]").click()
    automatic = page.get_by_role("radio", name="Automatic")
    expect(automatic).to_be_checked()
    expect(automatic).to_be_focused()
    automatic.press("Escape")
    expect(automatic).to_have_count(0)
    button = page.locator("streamd-player .controls [aria-controls=choices]")
    expect(button).to_be_focused()
    button.press("Enter")
    expect(page.get_by_role("radio")).to_have_count(5)
    page.locator("streamd-player").click(position={"x": 300, "y": 300})
    expect(page.get_by_role("radio")).to_have_count(0)


def test_steering_is_gentle_and_jumps_only_far_behind(theatre: Theatre) -> None:
    theatre.open()
    found = theatre.page.evaluate(
        """async () => {
          const base = document.querySelector("script[src*='watch.js']").src;
          const { Steering } = await import(new URL("player/steering.js", base));
          const at = (ahead) => new Steering(0.12).observe(0, ahead);
          const stalled = new Steering(0.12);
          stalled.stalled(0);
          const { target } = stalled;
          for (let now = 0; now < 60_000; now += 50) stalled.observe(now, 0.3);
          const lumpy = new Steering(0.12, 0.1);
          lumpy.moved();
          const young = lumpy.observe(0, 0.22).rate;
          const lumps = [50, 100, 150, 200].map(
            (now) => lumpy.observe(now, 0.22 - (now % 100) / 1000).rate,
          );
          return { lumpy: [lumpy.landing, young, ...lumps],
                   on: at(0.12), low: at(0.02), dry: at(0), high: at(0.42), far: at(1.9),
                   target, calm: stalled.target };
        }"""
    )
    assert found["on"] == {"rate": 1, "jump": False}
    assert found["low"] == {"rate": 0.9, "jump": False}
    assert found["dry"]["rate"] == 0.9
    assert found["high"]["rate"] == 1.3
    assert found["far"]["jump"]
    # A part of 100 ms lies ahead in full right after it has come: that alone is no reason to hurry.
    assert found["lumpy"] == pytest.approx([0.22, 1, 1, 1.05, 1.05, 1.05], abs=0.051)
    assert found["target"] == pytest.approx(0.2)
    assert found["calm"] == pytest.approx(0.12)
