"""A captioner types while watching; a viewer's feed has the line at the picture's own time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from loadtests.served import STREAM, Served, streamd

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("captions") / "var"
    with streamd(home, ("-m", "loadtests.card_server", "opus")) as served:
        yield served


@pytest.mark.parametrize("path", ["ws", "hls", "whep"])
def test_a_line_is_typed_and_reaches_the_watch_page(
    live: Served, browser: Browser, artefacts: Path, path: str
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    viewer = context.new_page()
    viewer.goto(f"{live.url}/watch/{STREAM}?lang=en&path={path}")
    viewer.wait_for_function(
        "path => { const p = document.querySelector('streamd-player');"
        " return p.path === path && p.phase === 'playing' && p.clock !== null; }",
        arg=path,
        timeout=40_000,
    )
    captioner = context.new_page()
    captioner.goto(f"{live.url}/studio/{STREAM}/captions?lang=en#key={live.key}")
    assert "key=" not in captioner.url
    captioner.wait_for_function(
        "() => document.querySelector('streamd-player').phase === 'playing'", timeout=40_000
    )
    viewer.locator("streamd-player").evaluate("player => player.captions.turn(true)")
    field = captioner.get_by_label("Next caption")
    field.press_sequentially(f"Good evening over {path}.", delay=30)
    field.press("Enter")
    log = captioner.get_by_role("log").get_by_role("listitem")
    log.filter(has_text=f"Good evening over {path}.").wait_for(timeout=20_000)
    assert field.input_value() == ""
    captioner.screenshot(path=artefacts / "captions-desk.png")
    viewer.bring_to_front()
    viewer.get_by_text(f"Good evening over {path}.").wait_for(timeout=20_000)
    sent = viewer.request.get(f"{live.url}/api/v1/streams/{STREAM}/captions.vtt").text()
    assert f"Good evening over {path}." in sent
    context.close()


LATE = "A line of fifty characters, begun 8 s before sent."
SHOWN_FOR = """(said) => new Promise((resolve) => {
  const player = document.querySelector("streamd-player");
  let from = null;
  const look = () => {
    const shown = [...player.renderRoot.querySelectorAll(".captions p")].map((p) => p.textContent);
    if (shown.includes(said)) from ??= player.clock;
    else if (from !== null) {
      resolve(player.clock - from);
      return;
    }
    setTimeout(look, 50);
  };
  look();
})"""


@pytest.mark.parametrize("path", ["ws", "hls", "whep"])
def test_a_line_that_took_its_time_to_type_is_shown_for_its_whole_length(
    live: Served, browser: Browser, path: str
) -> None:
    viewer = browser.new_page()
    viewer.goto(f"{live.url}/watch/{STREAM}?lang=en&path={path}")
    viewer.wait_for_function(
        "path => { const p = document.querySelector('streamd-player');"
        " return p.path === path && p.phase === 'playing' && p.clock !== null; }",
        arg=path,
        timeout=40_000,
    )
    viewer.locator("streamd-player").evaluate("player => player.captions.turn(true)")
    viewer.evaluate(f"() => {{ window.shownFor = ({SHOWN_FOR})({json.dumps(LATE)}); }}")
    begun = viewer.evaluate("document.querySelector('streamd-player').clock") - 8
    said = {"text": LATE, "language": "en", "at": begun}
    line = live.post(f"/api/v1/streams/{STREAM}/captions", said)
    assert line["end"] - line["start"] < 4
    assert abs(line["start"] - begun) < 0.01
    viewer.get_by_text(LATE).wait_for(timeout=10_000)
    shown_for = viewer.evaluate("() => window.shownFor")
    assert shown_for == pytest.approx(line["end"] - line["start"], abs=0.6)
    viewer.close()


def test_a_wrong_key_is_said_at_once(live: Served, browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{live.url}/studio/{STREAM}/captions?lang=en#key=wrong")
    page.get_by_role("heading", name="This link's key is not valid").wait_for(timeout=20_000)
    page.get_by_label("Invitation link or key").fill(f"https://here/#key={live.key}")
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Next caption").wait_for(timeout=20_000)
    context.close()


def test_the_desk_in_persian_on_a_phone(live: Served, browser: Browser, artefacts: Path) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page = context.new_page()
    page.goto(f"{live.url}/studio/{STREAM}/captions?lang=fa#key={live.key}")
    page.locator("#line").fill("شب شما بخیر، به این گفت‌وگو خوش آمدید.")
    page.wait_for_function(
        "() => document.querySelector('streamd-player').phase === 'playing'", timeout=40_000
    )
    page.locator("#line").press("Enter")
    page.get_by_role("log").get_by_text("شب شما بخیر").wait_for(timeout=20_000)
    page.screenshot(path=artefacts / "captions-phone-fa.png")
    wider = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not wider
    context.close()
