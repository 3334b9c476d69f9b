"""A poll opens and closes on the same picture for all, however far behind live they are.

Real broadcast, real Chromium; the picture is known by the clock that is painted into it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from streamd.media.testcard_picture import CODE_BITS, CODE_BLOCKS, ROWS
from tests.server import Server, running
from tests.web.client import Client

pytestmark = pytest.mark.browser

SLOW_MS = 45_000
NEAR_MS = 40
"""That is one picture of the card."""
LOADED_MS = 600
"""A busy machine may draw that much late."""
QUESTION = "Which picture is this, over {}?"

# Before the page's scripts: which picture a callback is called for.
REMEMBER = """
const ask = HTMLVideoElement.prototype.requestVideoFrameCallback;
HTMLVideoElement.prototype.requestVideoFrameCallback = function remember(callback) {
  return ask.call(this, (now, picture) => {
    window.picture = { ...picture, currentTime: this.currentTime };
    callback(now, picture);
  });
};"""

# Notes on which picture the poll came and was closed; and how the clock that is painted
# into the pictures stands to the broadcast's, picture by picture.
WATCH = """({ width, blocks, bits, rows, question }) => {
  const player = document.querySelector("streamd-player");
  const poll = document.querySelector("streamd-poll");
  const { video } = player;
  const block = Math.floor(width / blocks);
  const left = Math.floor((width - block * blocks) / 2);
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: block * blocks, height: 1 });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const read = () => {
    const scale = video.videoWidth / width;
    const y = Math.floor(video.videoHeight / rows / 2);
    context.drawImage(video, left * scale, y, canvas.width * scale, 1, 0, 0, canvas.width, 1);
    const { data } = context.getImageData(0, 0, canvas.width, 1);
    const centre = Math.floor(block / 2);
    const bit = (_, i) => +(data[4 * (i * block + centre) + 1] >= 128);
    const code = Array.from({ length: blocks }, bit);
    return code.slice(2, 2 + bits).reduce((value, one) => value * 2 + one, 0);
  };
  const timeOf = (picture) => {
    const { route, clock } = player;
    if (route.pictureTime) return 1000 * route.pictureTime(picture);
    return 1000 * (clock - video.currentTime + picture.mediaTime);
  };
  window.offsets = [];
  window.pictures = [];
  const next = (_, picture) => {
    window.pictures.push(timeOf(picture));
    window.offsets.push(read() - window.pictures.at(-1));
    video.requestVideoFrameCallback(next);
  };
  video.requestVideoFrameCallback(next);
  window.seen = {};
  let before = "none";
  const look = () => {
    const isThere = poll.textContent.includes(question);
    const state = !isThere ? "none" : poll.isOpen ? "open" : "closed";
    if (state !== before) {
      const at = timeOf(window.picture);
      const pictures = window.pictures.slice(-50);
      window.seen[state] ??= { at, code: read(), wall: Date.now(), pictures };
    }
    before = state;
  };
  const all = { childList: true, subtree: true, characterData: true, attributes: true };
  new MutationObserver(look).observe(poll, all);
}"""
LAYOUT = {"width": 640, "blocks": CODE_BLOCKS, "bits": CODE_BITS, "rows": ROWS}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A test card on stream ``card``, which is recorded."""
    home = tmp_path_factory.mktemp("cues")
    with running(home, "none", module="tests.card_server") as server:
        yield server


def viewer(browser: Browser, server: Server, path: str, question: str) -> Page:
    """A page of its own device, its pictures moving."""
    page = browser.new_context(viewport={"width": 900, "height": 700}).new_page()
    page.add_init_script(REMEMBER)
    page.goto(f"{server.url}/watch/card?lang=en&path={path}")
    page.wait_for_function(
        f"""() => {{
            const player = document.querySelector("streamd-player");
            const frames = player?.video?.getVideoPlaybackQuality().totalVideoFrames;
            return player?.path === "{path}" && frames > 20 && player.clock !== null;
        }}""",
        timeout=SLOW_MS,
    )
    page.evaluate(WATCH, {**LAYOUT, "question": question})
    return page


def rewound(page: Page, seconds: float) -> None:
    """Takes the viewer back in the broadcast's recording."""
    page.evaluate(
        """(seconds) => {
            const player = document.querySelector("streamd-player");
            player.router.rewind(player.rewind.Path, Date.now() / 1000 - seconds);
        }""",
        seconds,
    )
    page.wait_for_function(
        """() => {
            const player = document.querySelector("streamd-player");
            return player.path === "dvr" && player.clock !== null && !player.video.paused
              && player.video.currentTime > 0.5 && player.video.readyState > 2;
        }""",
        timeout=SLOW_MS,
    )


def behind(page: Page) -> float:
    """Seconds between now and the picture on screen."""
    found: float = page.evaluate(
        "() => Date.now() / 1000 - document.querySelector('streamd-player').clock"
    )
    return found


def moment(page: Page, state: str) -> dict[str, Any]:
    """What ``WATCH`` noted of the poll's first ``state``."""
    page.wait_for_function(f"() => window.seen?.{state}", timeout=SLOW_MS)
    found: dict[str, Any] = page.evaluate(f"() => window.seen.{state}")
    return found


def wait_until_recorded(organiser: Client, seconds: float) -> None:
    """Until the broadcast's recording reaches that far back."""
    deadline = time.monotonic() + SLOW_MS / 1000
    while True:
        listed = organiser.ask("GET", "/api/v1/recordings?stream=card").json["recordings"]
        if listed and time.time() - listed[0]["started_at"] > seconds:
            return
        assert time.monotonic() < deadline
        time.sleep(0.2)


def median_offset(page: Page) -> float:
    """Painted clock less broadcast's clock, over all pictures so far, in milliseconds."""
    offsets: list[float] = page.evaluate("() => window.offsets")
    return statistics.median(offsets)


def same_picture(pages: dict[str, Page], state: str, at: float) -> None:
    """Every viewer met ``state`` on the picture of ``at``, and by the clocks in the pictures it is
    the same one."""
    for page in pages.values():
        moment(page, state)
    seen = {path: moment(page, state) for path, page in pages.items()}
    painted = {path: median_offset(page) for path, page in pages.items()}
    assert max(painted.values()) - min(painted.values()) <= NEAR_MS, painted
    for path, one in seen.items():
        # The first picture that was shown at or after the cue's, and none before it.
        before = [picture - 1000 * at for picture in one["pictures"] if picture < one["at"] - 1]
        late = one["at"] - 1000 * at
        assert late >= -1, (path, late)
        assert before[-1] < 1, (path, late, before)
        # A busy machine leaves pictures out, the card's own among them.
        assert late <= NEAR_MS + max(0, late - before[-1] - NEAR_MS), (path, late, before)
        drawn = one["code"] - painted[path] - 1000 * at
        assert -NEAR_MS <= drawn <= LOADED_MS, (path, drawn)


@pytest.mark.parametrize("near", ["ws", "whep"])
def test_near_live_and_far_behind_it_the_poll_is_on_the_same_picture(
    live: Server, browser: Browser, near: str
) -> None:
    key = live.new_key("card")
    organiser = Client(live)
    question = QUESTION.format(near)
    wait_until_recorded(organiser, 12)
    pages = {
        near: viewer(browser, live, near, question),
        "dvr": viewer(browser, live, "hls", question),
    }
    rewound(pages["dvr"], 9)
    assert behind(pages[near]) < 2
    assert behind(pages["dvr"]) > 7
    asked = {"question": question, "choices": ["a", "b"], "duration_seconds": 4, "open": True}
    poll = organiser.ask("POST", "/api/v1/streams/card/polls", asked, key=key).json
    same_picture(pages, "open", poll["cue"]["open"])
    same_picture(pages, "closed", poll["cue"]["close"])
    for page in pages.values():
        open_for = moment(page, "closed")["wall"] - moment(page, "open")["wall"]
        assert abs(open_for - 4_000) < 1_500  # each the whole time, by his own clock
    # The one who is far behind has voted in time all the same: the server's bound is later.
    assert poll["ballots_until"] > poll["cue"]["close"] + 15
    shown = organiser.ask("POST", f"/api/v1/polls/{poll['id']}/show", {}, key=key).json
    assert shown["cue"]["show"] > shown["cue"]["close"]
    for page in pages.values():
        page.wait_for_function(
            "() => document.querySelector('streamd-poll').poll.isShown", timeout=SLOW_MS
        )
        page.context.close()


def test_hls_meets_it_too_and_so_does_a_page_whose_picture_is_paused(
    live: Server, browser: Browser
) -> None:
    key = live.new_key("card")
    organiser = Client(live)
    question = QUESTION.format("hls")
    pages = {"hls": viewer(browser, live, "hls", question)}
    paused = viewer(browser, live, "ws", question)
    paused.evaluate("() => document.querySelector('streamd-player').toggle()")
    paused.wait_for_function("() => document.querySelector('streamd-player').video.paused")
    asked = {"question": question, "choices": ["a", "b"], "open": True}
    poll = organiser.ask("POST", "/api/v1/streams/card/polls", asked, key=key).json
    same_picture(pages, "open", poll["cue"]["open"])
    moment(paused, "open")
    closing = organiser.ask("POST", f"/api/v1/polls/{poll['id']}/close", {}, key=key).json
    assert closing["state"] == "open"
    assert closing["ballots_until"] > closing["cue"]["close"] + 15
    same_picture(pages, "closed", closing["cue"]["close"])
    moment(paused, "closed")
    for page in (*pages.values(), paused):
        page.context.close()
