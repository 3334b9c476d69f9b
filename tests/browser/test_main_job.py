"""The main job on real input: a camera goes live, others watch, a poll is asked, a vote counts.

Three pages of one real browser: the studio with a fake camera, a viewer over WebSocket and a
viewer over HLS, each in a context of its own, so each is a device of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.server import Server

pytestmark = pytest.mark.browser

SLOW_MS = 45_000
PLAYED = """
() => {
  const player = document.querySelector('streamd-player');
  const video = player && player.video;
  return video && {
    path: player.path,
    time: video.currentTime,
    frames: video.getVideoPlaybackQuality().totalVideoFrames,
    sound: video.webkitAudioDecodedByteCount,
    latency: player.stats.latencyMs,
  };
}
"""


@pytest.fixture
def pages(browser: Browser) -> Iterator[list[Page]]:
    """Three pages in contexts of their own; their script errors fail the test."""
    contexts = [
        browser.new_context(viewport={"width": 1440, "height": 900}, permissions=["camera"])
        for _ in range(3)
    ]
    pages = [context.new_page() for context in contexts]
    errors: list[str] = []
    for page in pages:
        page.on("pageerror", lambda error: errors.append(str(error)))
    yield pages
    for context in contexts:
        context.close()
    assert errors == []


def go_live(studio: Page, server: Server, stream: str, key: str) -> None:
    """As a candidate does it: open the link, turn on the camera, press twice."""
    studio.goto(f"{server.url}/studio/{stream}?lang=en#key={key}")
    studio.get_by_role("button", name="Turn on camera and microphone").click(timeout=SLOW_MS)
    studio.get_by_role("button", name="Go live").click(timeout=SLOW_MS)
    studio.get_by_role("button", name="Press again to go live").click()
    studio.get_by_role("button", name="End broadcast").wait_for(timeout=SLOW_MS)


def playing(page: Page, path: str) -> dict[str, Any]:
    """Waits until picture and sound advance on ``path``; the numbers of that moment."""
    page.wait_for_function(f"() => ({PLAYED})()?.frames > 5", timeout=SLOW_MS)
    before = page.evaluate(PLAYED)
    page.wait_for_function(
        f"""([time, frames, sound]) => {{
            const now = ({PLAYED})();
            return now.time > time + 1 && now.frames > frames + 10 && now.sound > sound;
        }}""",
        arg=[before["time"], before["frames"], before["sound"]],
        timeout=SLOW_MS,
    )
    after: dict[str, Any] = page.evaluate(PLAYED)
    assert after["path"] == path
    return after


def ask(studio: Page, question: str, choices: list[str]) -> None:
    """Asks through the studio's composer."""
    studio.get_by_role("textbox", name="Question").fill(question)
    for place, choice in enumerate(choices, 1):
        studio.get_by_role("textbox", name=f"Choice {place}").fill(choice)
    studio.get_by_role("button", name="Ask now").click()


def test_a_camera_is_watched_and_a_vote_moves_every_screen(
    server: Server, pages: list[Page], artefacts: Path
) -> None:
    studio, viewer, hls_viewer = pages
    go_live(studio, server, "be", server.new_key("be"))

    viewer.goto(f"{server.url}/watch/be?lang=en")
    hls_viewer.goto(f"{server.url}/watch/be?lang=en&path=hls")
    playing(viewer, "ws")
    playing(hls_viewer, "hls")

    ask(studio, "What comes first?", ["Housing", "Schools"])
    for page in (viewer, hls_viewer):
        expect(page.get_by_role("heading", name="What comes first?")).to_be_visible(timeout=SLOW_MS)
    hls_viewer.get_by_role("button", name="Show results").click()
    viewer.get_by_text("Schools").click()
    viewer.get_by_role("button", name="Vote").click()

    expect(viewer.get_by_text("Counted", exact=True)).to_be_visible(timeout=SLOW_MS)
    for page in (viewer, hls_viewer):
        row = page.get_by_role("listitem").filter(has_text="Schools")
        expect(row).to_contain_text("1 answer, 100% of all", timeout=SLOW_MS)
    expect(viewer.get_by_text(re.compile("not a vote in the election")).first).to_be_visible()

    studio.screenshot(path=artefacts / "studio-live.png")
    viewer.screenshot(path=artefacts / "viewer-voted.png")
    hls_viewer.screenshot(path=artefacts / "hls-viewer.png")

    studio.get_by_role("button", name="End broadcast").click()
    studio.get_by_role("button", name="Press again to end").click()
    viewer.wait_for_function(
        "() => fetch('/api/v1/streams/be').then(r => r.json()).then(s => s.state === 'ended')",
        timeout=SLOW_MS,
    )


def test_a_vote_survives_a_reload_and_is_not_cast_twice(
    server: Server, pages: list[Page], stream_key: str
) -> None:
    _, viewer, _ = pages
    viewer.goto(f"{server.url}/watch/pe?lang=en")
    asked = viewer.evaluate(
        """async ([key]) => (await fetch('/api/v1/streams/pe/polls', {
            method: 'POST',
            headers: {'Content-Type': 'application/json', Authorization: `Bearer ${key}`},
            body: JSON.stringify({question: 'Again?', choices: ['Yes', 'No'], open: true}),
        })).json()""",
        [server.new_key("pe")],
    )
    viewer.get_by_text("Yes", exact=True).click(timeout=SLOW_MS)
    viewer.get_by_role("button", name="Vote").click()
    expect(viewer.get_by_text("Counted", exact=True)).to_be_visible(timeout=SLOW_MS)
    viewer.reload()
    expect(viewer.get_by_text("Counted", exact=True)).to_be_visible(timeout=SLOW_MS)
    tally = viewer.evaluate(
        "id => fetch(`/api/v1/polls/${id}`).then(r => r.json()).then(p => p.tally)", asked["id"]
    )
    assert tally["total"] == 1
