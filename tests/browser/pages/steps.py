"""What the tests of the player do and look at again and again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.browser.pages.conftest import Theatre

ON_AIR_SECONDS: Final = 30.0
PLAYER = "document.querySelector('streamd-player')"
PLAYING = f"{PLAYER}.phase === 'playing'"


def wait_for(theatre: Theatre, condition: Callable[[], object]) -> None:
    """Until ``condition`` holds on the server's side; the page lives meanwhile."""
    deadline = time.monotonic() + ON_AIR_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the broadcast is not on air"
        theatre.page.wait_for_timeout(50)


def go_live(theatre: Theatre, audio: str = "opus", kinds: str = "va") -> None:
    """Starts the card, waits until the relay has its new generation, and says so."""
    stream = theatre.stage.streams.get("mina")
    before = stream.gen
    theatre.do(theatre.stage.show_card, "mina", audio, kinds)
    wait_for(theatre, lambda: stream.gen != before)
    theatre.do(theatre.stage.set_stream, "mina", "live", 3)


def numbers(theatre: Theatre) -> dict[str, Any]:
    """What the player tells about itself, and the playhead."""
    found: dict[str, Any] = theatre.page.evaluate(
        f"""() => {{ const p = {PLAYER}; return {{
            ...p.stats, path: p.path, time: p.video.currentTime,
            sound: p.video.webkitAudioDecodedByteCount }}; }}"""
    )
    return found


def advances(theatre: Theatre) -> dict[str, Any]:
    """Waits until picture and sound have moved on; the numbers then."""
    theatre.until(PLAYING)
    before = numbers(theatre)
    theatre.until(
        f"(() => {{ const p = {PLAYER}; return p.video.currentTime > {before['time'] + 1}"
        f" && p.stats.framesDecoded > {before['framesDecoded'] + 10}"
        f" && p.video.webkitAudioDecodedByteCount > {before['sound']}; }})()"
    )
    return numbers(theatre)


def sounds_on(theatre: Theatre) -> None:
    """Waits until sound has been decoded for a second more."""
    before = numbers(theatre)
    theatre.until(
        f"{PLAYER}.video.currentTime > {before['time'] + 1}"
        f" && {PLAYER}.video.webkitAudioDecodedByteCount > {before['sound']}"
    )


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
