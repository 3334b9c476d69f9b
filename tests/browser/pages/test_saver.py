"""The data saver: sound and stills; and broadcasts that are sound or pictures alone."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.pages.conftest import Theatre
from tests.browser.pages.steps import (
    PLAYER,
    PLAYING,
    advances,
    choose,
    go_live,
    numbers,
    sounds_on,
)

pytestmark = pytest.mark.browser


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
