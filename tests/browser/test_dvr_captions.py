"""Captions of a live broadcast's past: hls.js reads them, the player shows them once."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from loadtests.served import STREAM, Served, streamd

if TYPE_CHECKING:
    from playwright.sync_api import Browser

T = TypeVar("T")
pytestmark = pytest.mark.browser

PLAYER = "document.querySelector('streamd-player')"
SHOWN = f"[...{PLAYER}.renderRoot.querySelectorAll('.captions p')].map((one) => one.textContent)"
DEADLINE_SECONDS = 60.0
WORDS = "Said some time ago."


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("dvr-captions") / "var"
    with streamd(home, ("-m", "loadtests.card_server", "aac")) as served:
        yield served


def until(true: Callable[[], T]) -> T:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (value := true()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return value


def text(live: Served, path: str) -> str:
    with urllib.request.urlopen(live.url + path) as answer:
        found: bytes = answer.read()
    return found.decode()


def recorded(live: Served) -> dict[str, Any] | None:
    """The row of what is being recorded, once there is something of it."""
    rows = json.loads(text(live, "/api/v1/recordings?state=recording"))["recordings"]
    return rows[0] if rows and rows[0]["seconds"] > 3 else None


def subtitles(live: Served) -> str:
    """All that the past's playlist of subtitles lists."""
    uri = re.search(r'URI="([^"]*)t\.m3u8"', text(live, f"/hls/{STREAM}/dvr.m3u8"))
    if uri is None:
        return ""
    names = re.findall(r"^t-.*$", text(live, f"{uri[1]}t.m3u8"), re.M)
    return "".join(text(live, uri[1] + name) for name in names)


@pytest.fixture(scope="module")
def captioned(live: Served) -> tuple[Served, float]:
    """A broadcast with one caption in its past, and that caption's Unix time."""
    row = until(lambda: recorded(live))
    assert row is not None
    said = {"text": WORDS, "language": "en", "at": row["until"]}
    at: float = live.post(f"/api/v1/streams/{STREAM}/captions", said)["start"]
    until(lambda: WORDS in subtitles(live))
    return live, at


@pytest.mark.parametrize("path", ["hls", "ws"])
def test_the_past_has_its_captions_once(
    captioned: tuple[Served, float], browser: Browser, path: str
) -> None:
    live, at = captioned
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(DEADLINE_SECONDS * 1000)
    page.goto(f"{live.url}/watch/{STREAM}?lang=en&path={path}")
    page.wait_for_function(
        "path => { const p = document.querySelector('streamd-player');"
        " return p.path === path && p.phase === 'playing' && p.captions.cues.size > 0; }",
        arg=path,
    )
    page.evaluate(f"() => {PLAYER}.captions.turn(true)")
    # Once as a viewer who came later than the feed remembers, once with the feed's own caption.
    for keeps in (False, True):
        if not keeps:
            page.evaluate(f"() => {PLAYER}.captions.clear()")
        else:
            page.evaluate(
                f"(cue) => {PLAYER}.cue(cue)", {"id": 1, "start": at, "end": at + 4, "text": WORDS}
            )
        page.evaluate(
            f"""async (at) => {{
              const p = {PLAYER};
              p.rewind.lookedAt = -Infinity;
              await p.rewind.look();
              p.router.rewind(p.rewind.Path, at - 0.5);
            }}""",
            at,
        )
        page.wait_for_function(f"() => {PLAYER}.path === 'dvr' && {SHOWN}.length > 0")
        assert page.evaluate(SHOWN) == [WORDS]
        assert abs(page.evaluate(f"{PLAYER}.clock") - at) < 5
        cues = page.evaluate(
            f"[...{PLAYER}.video.textTracks].flatMap((t) => [...(t.cues ?? [])]).map((c) => c.text)"
        )
        assert cues.count(WORDS) == 1
        modes = page.evaluate(f"[...{PLAYER}.video.textTracks].map((track) => track.mode)")
        assert "showing" not in modes
    context.close()
