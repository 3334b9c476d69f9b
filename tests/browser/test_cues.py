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

pytestmark = [pytest.mark.browser, pytest.mark.alone]

SLOW_MS = 45_000
NEAR_MS = 40
"""That is one picture of the card."""
LOADED_MS = 600
"""A busy machine may draw that much late."""
STANDS_MS = 2_900
"""Where no picture was painted for so long, the page goes by the video's own clock."""
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

# Notes on which picture a poll came and was closed; and how the clock that is painted into the
# pictures stands to the broadcast's, picture by picture. `window.ask` says which poll is meant.
WATCH = """({ width, blocks, bits, rows }) => {
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
  let question, before;
  const look = () => {
    const isThere = question && poll.textContent.includes(question);
    const state = !isThere ? "none" : poll.isOpen ? "open" : "closed";
    if (state !== before) {
      window.seen[state] ??= {
        at: timeOf(window.picture),
        clock: 1000 * player.clock,
        age: performance.now() - window.picture.presentationTime,
        isWaiting: video.seeking || video.readyState < 3,
        code: read(),
        wall: Date.now(),
        pictures: window.pictures.slice(-50),
      };
    }
    before = state;
  };
  window.ask = (asked) => {
    window.seen = {};
    before = "none";
    question = asked;
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


@pytest.fixture(scope="module")
def dvr(live: Server, browser: Browser) -> Page:
    """A viewer who went nine seconds back and stays there."""
    page = viewer(browser, live, "hls")
    wait_until_recorded(Client(live), 12)
    rewound(page, 9)
    return page


def viewer(browser: Browser, server: Server, path: str) -> Page:
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
    page.evaluate(WATCH, LAYOUT)
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


def until_behind(page: Page, least: float, most: float) -> None:
    """Waits until the picture on screen is that many seconds old: a busy machine starts late."""
    page.wait_for_function(
        """([least, most]) => {
            const behind = Date.now() / 1000 - document.querySelector("streamd-player").clock;
            return least < behind && behind < most;
        }""",
        arg=[least, most],
        timeout=SLOW_MS,
    )


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


def usual_offset(page: Page) -> float:
    """Painted clock less broadcast's clock, in milliseconds. A busy machine reads a picture later
    than the one that it was told of, never an earlier one: so the lower quarter, not the half."""
    offsets: list[float] = page.evaluate("() => window.offsets")
    return statistics.quantiles(offsets, n=4)[0]


def same_picture(pages: dict[str, Page], state: str, poll: dict[str, Any]) -> None:
    """Every viewer met ``state`` on the same picture, that of the poll's cue, and by the clocks in
    the pictures it is the same one."""
    at = 1000 * poll["cue"]["open" if state == "open" else "close"]
    for page in pages.values():
        moment(page, state)
    seen = {path: moment(page, state) for path, page in pages.items()}
    painted = {path: usual_offset(page) for path, page in pages.items()}
    assert max(painted.values()) - min(painted.values()) <= NEAR_MS, painted
    for path, one in seen.items():
        if is_last_call(one, state, poll):
            continue
        facts = (path, state, one["at"] - at, one["clock"] - at, one["age"], one["isWaiting"])
        if one["age"] > STANDS_MS:  # no pictures to go by, but time that goes on
            assert one["clock"] - at >= -1, facts
            continue
        # The first picture that was shown at or after the cue's, and none before it.
        assert one["at"] - at >= -1, facts
        before = [picture - at for picture in one["pictures"] if picture < one["at"] - 1]
        assert max(before) < 1, (facts, before)
        drawn = one["code"] - painted[path] - at
        assert -NEAR_MS <= drawn <= LOADED_MS + one["age"], (facts, drawn)


def is_last_call(one: dict[str, Any], state: str, poll: dict[str, Any]) -> bool:
    """Whether the server's bound came before the viewer's picture: a machine that is so busy that
    his video waits for longer than the bound's fifteen seconds."""
    bound = poll.get("ballots_until")
    if bound is None:
        return False
    if state == "open":
        bound -= min(10.0, poll["cue"]["close"] - poll["cue"]["open"])
        return bool(one["isWaiting"]) and one["wall"] >= 1000 * bound
    return bool(one["wall"] >= 1000 * bound - 100)


def ask_for(pages: list[Page], question: str) -> None:
    for page in pages:
        page.evaluate("(question) => window.ask(question)", question)


def see_shown(page: Page, question: str) -> None:
    """The organiser's show reaches this viewer too."""
    page.wait_for_function(
        """(question) => {
            const { poll } = document.querySelector("streamd-poll");
            return poll.isShown && poll.questions[0].text === question;
        }""",
        arg=question,
        timeout=SLOW_MS,
    )


@pytest.mark.parametrize("near", ["ws", "whep"])
def test_near_live_and_far_behind_it_the_poll_is_on_the_same_picture(
    live: Server, browser: Browser, dvr: Page, near: str
) -> None:
    key = live.new_key("card")
    organiser = Client(live)
    question = QUESTION.format(near)
    pages = {near: viewer(browser, live, near), "dvr": dvr}
    until_behind(pages[near], -1, 2)
    until_behind(dvr, 7, 60)
    ask_for([*pages.values()], question)
    asked = {"question": question, "choices": ["a", "b"], "duration_seconds": 3, "open": True}
    asked["rules"] = {"late": True}
    poll = organiser.ask("POST", "/api/v1/streams/card/polls", asked, key=key).json
    same_picture(pages, "open", poll)
    same_picture(pages, "closed", poll)
    for page in pages.values():
        opened, closed = moment(page, "open"), moment(page, "closed")
        late = max(0, opened["at"] - 1000 * poll["cue"]["open"])
        # Each the whole time, by his own clock; less what his machine was late with.
        if not is_last_call(closed, "closed", poll):
            assert closed["wall"] - opened["wall"] > 3_000 - 500 - late - opened["age"]
    # The one who is far behind has voted in time all the same: the server's bound is later.
    assert poll["ballots_until"] > poll["cue"]["close"] + 15
    shown = organiser.ask("POST", f"/api/v1/polls/{poll['id']}/show", {}, key=key).json
    assert shown["cue"]["show"] > shown["cue"]["close"]
    see_shown(pages[near], question)
    pages[near].context.close()


def test_hls_meets_it_too_and_so_do_a_page_that_is_paused_and_one_that_waits(
    live: Server, browser: Browser, dvr: Page
) -> None:
    key = live.new_key("card")
    organiser = Client(live)
    question = QUESTION.format("hls")
    pages = {"hls": viewer(browser, live, "hls"), "dvr": dvr}
    paused = viewer(browser, live, "ws")
    paused.evaluate("() => document.querySelector('streamd-player').toggle()")
    paused.wait_for_function("() => document.querySelector('streamd-player').video.paused")
    until_behind(dvr, 7, 60)
    ask_for([*pages.values(), paused], question)
    # Whoever is far back gets no more media for a while, and waits for it before his picture.
    dvr.evaluate("() => document.querySelector('streamd-player').route.hls.stopLoad()")
    asked = {"question": question, "choices": ["a", "b"], "open": True}
    poll = organiser.ask("POST", "/api/v1/streams/card/polls", asked, key=key).json
    same_picture({"hls": pages["hls"]}, "open", poll)
    moment(paused, "open")
    closing = organiser.ask("POST", f"/api/v1/polls/{poll['id']}/close", {}, key=key).json
    assert closing["state"] == "open"
    assert closing["ballots_until"] > closing["cue"]["close"] + 15
    let_wait(dvr, closing)
    same_picture(pages, "open", closing)
    same_picture(pages, "closed", closing)
    moment(paused, "closed")
    # What was shown of an earlier question does not come back in the place of this one.
    for page in (*pages.values(), paused):
        assert question in page.evaluate("() => document.querySelector('streamd-poll').textContent")
        page.context.close()


def let_wait(page: Page, poll: dict[str, Any]) -> None:
    """Lets the page's video stand for want of media until it would have come to the poll and
    more, then lets it have some. The poll does not come meanwhile."""
    at = poll["cue"]["open"]
    stood: float = page.wait_for_function(
        """() => {
            const { video, clock } = document.querySelector("streamd-player");
            return video.readyState < 3 && clock;
        }""",
        timeout=SLOW_MS,
    ).json_value()
    assert stood < at
    page.wait_for_timeout(max(STANDS_MS, 1000 * (at - stood)) + 1_000)
    early = page.evaluate("() => window.seen.open")
    assert early is None or is_last_call(early, "open", poll), early
    page.evaluate("() => document.querySelector('streamd-player').route.hls?.startLoad()")


# Notes on the picture at which each question came and closed in a recording.
WATCH_AGAIN = """() => {
  const player = document.querySelector("streamd-vod");
  const replay = document.querySelector("streamd-replay");
  window.seen = {};
  new MutationObserver(() => {
    const { poll } = replay;
    if (!poll || !window.picture) return;
    const { mediaTime, presentationTime } = window.picture;
    const age = performance.now() - presentationTime;
    window.seen[`${poll.id} ${poll.state}`] ??= { at: player.timeAt(mediaTime), age };
  }).observe(replay, { childList: true, subtree: true, characterData: true, attributes: true });
}"""


def test_a_recording_shows_it_on_that_picture_again(live: Server, browser: Browser) -> None:
    organiser = Client(live)
    (recording,) = organiser.ask("GET", "/api/v1/recordings?stream=card").json["recordings"]
    found = until_ended(organiser, recording["id"])
    poll, cue = found["poll"]["id"], found["cue"]
    page = browser.new_context(viewport={"width": 900, "height": 700}).new_page()
    page.add_init_script(REMEMBER)
    page.goto(f"{live.url}/vod/{recording['id']}?lang=en")
    page.wait_for_function(
        "() => document.querySelector('streamd-vod')?.marks?.length > 0", timeout=SLOW_MS
    )
    page.evaluate(WATCH_AGAIN)
    page.evaluate(
        """(at) => {
            const player = document.querySelector("streamd-vod");
            player.video.muted = true;
            player.seekTo(at);
            player.toggle();
        }""",
        cue["open"] - 0.7,
    )
    page.wait_for_function("(poll) => window.seen[`${poll} closed`]", arg=poll, timeout=SLOW_MS)
    seen = page.evaluate("() => window.seen")
    for state, at in (("open", cue["open"]), ("closed", cue["close"])):
        one = seen[f"{poll} {state}"]
        late, age = 1000 * (one["at"] - at), one["age"]
        # After a second without a picture the page goes by the video's own clock.
        assert -NEAR_MS - (age if age > 1_000 else 0) <= late <= LOADED_MS + age, one
    # Late answers are open, and asked for apart.
    assert found["late"]["state"] == "open"
    page.locator("streamd-replay .late").get_by_role("button").click()
    page.locator("streamd-replay streamd-poll form").wait_for()
    page.context.close()


def test_who_goes_back_meets_it_as_it_stood(live: Server, browser: Browser) -> None:
    organiser = Client(live)
    (recording,) = organiser.ask("GET", "/api/v1/recordings?stream=card").json["recordings"]
    found = until_ended(organiser, recording["id"])
    page = viewer(browser, live, "hls")
    page.evaluate("() => document.querySelector('streamd-player').rewind.look()")
    page.wait_for_function("() => document.querySelector('streamd-player').rewind.past !== null")
    rewound(page, time.time() - found["cue"]["open"])
    replay = page.locator(".dock > streamd-replay")
    replay.wait_for(timeout=SLOW_MS)
    stood = "() => document.querySelector('streamd-replay').poll?."
    page.wait_for_function(f"{stood}id === '{found['poll']['id']}'", timeout=SLOW_MS)
    assert page.locator(".dock > streamd-poll").is_hidden()
    page.wait_for_function(f"{stood}state === 'closed'", timeout=SLOW_MS)
    page.evaluate("() => document.querySelector('streamd-player').rewind.toLive()")
    page.locator(".dock > streamd-poll").wait_for(timeout=SLOW_MS)
    assert replay.is_hidden()
    page.context.close()


def until_ended(organiser: Client, recording: str) -> dict[str, Any]:
    """The first poll that took late answers, once it takes no live ones any more."""
    deadline = time.monotonic() + SLOW_MS / 1000
    while True:
        polls = organiser.ask("GET", f"/vod/{recording}/polls.json").json["polls"]
        ended = [one for one in polls if one["late"] is not None]
        if ended:
            found: dict[str, Any] = ended[0]
            return found
        assert time.monotonic() < deadline, polls
        time.sleep(0.3)
