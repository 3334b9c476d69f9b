"""Recordings in a real browser, from a whole streamd that was killed (SIGKILL) amid recording."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from loadtests.served import STREAM
from streamd.config import load
from streamd.media.testcard_picture import CODE_BITS, CODE_BLOCKS, ROWS
from tests.conftest import EVENT
from tests.recording.broadcast import frames
from tests.recording.seed import Past, seed
from tests.server import Server, running

pytestmark = pytest.mark.browser

BEGAN = 1_790_000_000
DEADLINE_SECONDS = 60.0
VOD = "document.querySelector('streamd-vod')"
LIVE = "document.querySelector('streamd-player')"
WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}

# The moment a picture of the test card was taken, from its clock code; null where there is none.
CLOCK = f"""(video) => {{
  const [width, height] = [video.videoWidth, video.videoHeight];
  if (!width) return null;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0);
  const block = Math.floor(width / {CODE_BLOCKS});
  const left = (width - block * {CODE_BLOCKS}) / 2;
  const line = context.getImageData(0, Math.floor(height / {ROWS} / 2), width, 1).data;
  const bits = Array.from({{ length: {CODE_BLOCKS} }}, (_, i) =>
    line[4 * Math.floor(left + i * block + block / 2)] >= 128 ? 1 : 0);
  const value = bits.slice(2, {2 + CODE_BITS});
  const parity = value.reduce((sum, bit) => sum + bit, 0) % 2;
  if (bits[0] !== 1 || bits[1] !== 0 || bits[{2 + CODE_BITS}] !== parity) return null;
  return value.reduce((sum, bit) => sum * 2 + bit, 0) / 1000;
}}"""


@dataclass
class Kept:
    """A streamd, a recording that was finished, and one whose process was killed."""

    server: Server
    finished: str
    broken: str

    def rows(self, query: str = "") -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.server.url}/api/v1/recordings{query}") as answer:
            found: list[dict[str, Any]] = json.load(answer)["recordings"]
        return found


def wait_until(true: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (value := true()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return value


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    home = tmp_path_factory.mktemp("vod")
    path = home / "config.toml"
    path.write_text(EVENT.replace('"be"', f'"{STREAM}"'), encoding="utf-8")
    past = Past("alef", BEGAN, 8, turned=True, captions=("Good evening.", "شب به خیر"))
    (finished,) = seed(home, load(path, {}).event, [past])
    started = ("aac", "--config", str(path))
    settings = {"STREAMD_RECORDING_KEEP_DAYS": "0"}
    with running(home, *started, module="loadtests.card_server", **settings) as doomed:
        kept = Kept(doomed, finished, "")
        wait_until(lambda: any(r["seconds"] > 3 for r in kept.rows("?state=recording")))
        kept.broken = kept.rows("?state=recording")[0]["id"]
        doomed.process.kill()
        doomed.process.wait()
    with running(home, *started, module="loadtests.card_server", **settings) as server:
        kept.server = server
        wait_until(lambda: len(kept.rows()) == 3)
        yield kept


@pytest.fixture
def page(kept: Kept, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=WIDE, base_url=kept.server.url)  # type: ignore[arg-type]
    opened = context.new_page()
    opened.set_default_timeout(DEADLINE_SECONDS * 1000)
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert errors == []


def until(page: Page, expression: str) -> Any:
    def value() -> Any:
        return page.evaluate(expression)

    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (found := value()):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(50)
    return found


def clock(page: Page, player: str) -> float | None:
    found: float | None = page.evaluate(f"({CLOCK})({player}.video)")
    return found


def test_it_plays_is_sought_and_ends(page: Page, kept: Kept) -> None:
    logged: list[str] = []
    page.on("console", lambda message: logged.append(message.text))
    page.goto(f"/vod/{kept.finished}?lang=en")
    page.locator("streamd-vod .bigplay").click()
    until(page, f"{VOD}.phase === 'playing' && {VOD}.video.currentTime > 1.5")
    expect(page.locator("streamd-vod .captions")).to_contain_text("Good evening.")
    assert not [text for text in logged if "Content Security Policy" in text]
    shown = clock(page, VOD)
    assert shown is not None
    assert BEGAN + 1 < shown < BEGAN + 16
    slider = page.get_by_role("slider", name="Time in the recording")
    expect(slider).to_have_attribute("aria-valuetext", "0:01 of 0:16")
    slider.press("ArrowRight")
    slider.press("ArrowRight")
    # The picture's size changes after eight seconds: another map, and the player follows.
    until(page, f"{VOD}.video.videoWidth === 480 && {VOD}.video.currentTime > 9")
    until(page, f"({CLOCK})({VOD}.video) > {BEGAN + 9}")
    assert abs(page.evaluate(f"{VOD}.at") - (clock(page, VOD) or 0)) < 0.5
    page.keyboard.press("9")
    until(page, f"{VOD}.phase === 'ended'")
    page.get_by_role("button", name="Play again").click()
    until(page, f"{VOD}.phase === 'playing' && {VOD}.video.currentTime < 5")


def test_all_by_keyboard(page: Page, kept: Kept) -> None:
    page.goto(f"/vod/{kept.finished}?lang=en")
    page.get_by_role("button", name="Play").first.focus()
    page.keyboard.press("k")
    until(page, f"{VOD}.phase === 'playing'")
    for key, expression in (
        ("m", f"{VOD}.video.muted"),
        ("5", f"{VOD}.video.currentTime >= 8"),
        ("j", f"{VOD}.video.currentTime < 4"),
        ("c", f"!{VOD}.showsCaptions"),
        ("k", f"{VOD}.video.paused"),
    ):
        page.keyboard.press(key)
        until(page, expression)
    page.get_by_role("combobox", name="Speed").select_option("1.5")
    assert page.evaluate(f"{VOD}.video.playbackRate") == 1.5


def test_a_download_is_made_while_the_page_waits(page: Page, kept: Kept, tmp_path: Path) -> None:
    page.goto(f"/vod/{kept.finished}?lang=en")
    with page.expect_download() as begun:
        page.get_by_role("link", name="Download, MP4").click()
    path = tmp_path / "film.mp4"
    begun.value.save_as(path)
    assert begun.value.suggested_filename.startswith(kept.finished)
    assert len(frames(path)) == 200
    page.get_by_text("All files").click()
    expect(page.get_by_role("link", name="File 2")).to_be_visible()


def test_after_kill_9_every_whole_segment_plays_to_the_end(page: Page, kept: Kept) -> None:
    row = next(one for one in kept.rows() if one["id"] == kept.broken)
    assert row["state"] == "finished"
    assert row["interrupted"]
    page.goto(f"/vod/{kept.broken}?lang=en")
    expect(page.get_by_text("The server was restarted during this broadcast")).to_be_visible()
    page.evaluate(f"{VOD}.video.muted = true")
    page.locator("streamd-vod .bigplay").click()
    until(page, f"{VOD}.phase === 'ended'")
    assert page.evaluate(f"{VOD}.video.currentTime") > row["seconds"] - 0.5
    shown = clock(page, VOD)
    assert shown is not None
    assert abs(shown - row["until"]) < 0.5
    assert page.evaluate(f"{VOD}.video.webkitAudioDecodedByteCount") > 0


def test_back_ten_seconds_while_live_and_back_to_live(page: Page, kept: Kept) -> None:
    wait_until(lambda: any(r["seconds"] > 14 for r in kept.rows("?state=recording")))
    page.goto(f"/watch/{STREAM}?lang=en")
    until(page, f"{LIVE}.phase === 'playing' && ({CLOCK})({LIVE}.video) > 0")
    slider = page.get_by_role("slider", name="Time in the broadcast")
    expect(slider).to_be_visible()
    before = clock(page, LIVE)
    assert before is not None
    assert abs(time.time() - before) < 8
    slider.focus()
    slider.press("ArrowLeft")
    until(page, f"{LIVE}.path === 'dvr' && {LIVE}.phase === 'playing'")
    until(page, f"({CLOCK})({LIVE}.video) > 0")
    earlier, at = clock(page, LIVE), page.evaluate(f"{LIVE}.route.at")
    assert earlier is not None
    behind = time.time() - earlier
    assert 8 < behind < 25
    assert abs(earlier - at) < 1
    page.wait_for_timeout(1500)
    later = clock(page, LIVE)
    assert later is not None
    assert 0.5 < later - earlier < 4  # it plays on, at its own pace
    page.get_by_role("button", name="Live", exact=True).click()
    until(page, f"{LIVE}.path !== 'dvr' && {LIVE}.phase === 'playing'")
    until(page, f"Date.now() / 1000 - ({CLOCK})({LIVE}.video) < 5")


def test_the_past_is_told_by_the_path_itself(page: Page) -> None:
    page.goto(f"/watch/{STREAM}?lang=en")
    found = page.evaluate(
        f"""async () => {{
          const base = document.querySelector("script[src*='watch.js']").src;
          const {{ DvrPath, positionIn }} = await import(new URL("player/dvr.js", base));
          const what = (stream) => ({{ stream, video: {LIVE}.video }});
          const runs = [
            {{ programDateTime: 100_000, start: 0, duration: 2 }},
            {{ programDateTime: 102_000, start: 2, duration: 2 }},
            {{ programDateTime: 160_000, start: 4, duration: 2 }},
          ];
          return {{
            live: await DvrPath.reach(what("{STREAM}")),
            off: await DvrPath.reach(what("pe")),
            places: [50, 100, 103, 130, 161, 999].map((at) => positionIn(runs, at)),
            none: positionIn([], 1),
          }};
        }}"""
    )
    assert found["off"] is None
    assert found["live"]["from"] < found["live"]["to"]
    assert found["places"] == [0, 0, 3, 4, 5, 5]
    assert found["none"] is None


@pytest.mark.parametrize("name", ["list", "finished"])
def test_axe_finds_nothing(page: Page, kept: Kept, name: str, artefacts: Path) -> None:
    for number, (language, theme, size) in enumerate(
        (("en", "dark", WIDE), ("fa", "light", PHONE))
    ):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        page.goto(f"{address(kept, name)}lang={language}")
        page.evaluate("document.fonts.ready")
        page.wait_for_timeout(300)
        page.screenshot(path=artefacts / f"{number}-{language}-{theme}.png")
        results = Axe().run(page)
        assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("name", ["list", "finished"])
def test_nothing_overflows_at_280_pixels(page: Page, kept: Kept, name: str) -> None:
    page.set_viewport_size({"width": 280, "height": 653})
    page.goto(f"{address(kept, name)}lang=en")
    over = page.evaluate(
        """[...document.querySelectorAll("body *")]
          .filter((e) => !e.closest(".visually-hidden, .skip, svg"))
          .map((e) => [e.tagName, e.className, e.getBoundingClientRect()])
          .filter(([, , r]) => r.width > 0 && (r.right > innerWidth + 1 || r.left < -1))
          .map(([tag, name]) => `${tag}.${name}`)"""
    )
    assert over == []


def address(kept: Kept, name: str) -> str:
    match name:
        case "list":
            return "/vod?"
        case one:
            return f"/vod/{getattr(kept, one)}?"
