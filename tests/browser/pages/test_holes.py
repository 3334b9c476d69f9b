"""Where the media has a hole: a publisher's line broke for a moment, and newer media follows."""

from __future__ import annotations

import pytest

from tests.browser.pages.conftest import Theatre
from tests.browser.pages.steps import PLAYER, advances, go_live

pytestmark = pytest.mark.browser

BREAKS_OFF = f"""() => {{
  const {{ route }} = {PLAYER};
  const {{ events }} = route.socket;
  const pass = events.onPart;
  const late = [];
  let phase = "held";
  const move = () => {{
    if (!route.dry) return;
    // The playhead stands, and waits for more sound than this: Chromium asks for 200 ms.
    const first = late[0].t;
    for (const part of late) if (part.t < first + 0.1 * 90_000) pass(part);
    phase = "lost";
    window.hole = true;
  }};
  events.onPart = (part) => {{
    if (phase === "held") {{
      late.push(part);
      move();
    }} else if (phase === "lost" && part.key && part.t > late[0].t + 90_000) phase = "whole";
    if (phase === "whole") pass(part);
  }};
}}"""
"""Parts come late, then a few of them, then a second of them is lost."""


CROSSED = f"""(() => {{
  const {{ buffered, currentTime }} = {PLAYER}.video;
  return buffered.length > 1 && currentTime >= buffered.start(buffered.length - 1);
}})()"""


def test_a_playhead_that_waits_before_a_hole_crosses_it(theatre: Theatre) -> None:
    go_live(theatre)
    theatre.open("/watch/mina?path=ws")
    advances(theatre)
    theatre.page.evaluate(f"() => {{ window.first = {PLAYER}.route; }}")
    theatre.page.evaluate(BREAKS_OFF)
    theatre.until("window.hole")
    theatre.until(f"{PLAYER}.video.buffered.length > 1")
    # Left to itself it stands for about twenty seconds, until it wants less ahead of it.
    theatre.until(CROSSED, 8)
    advances(theatre)
    assert theatre.page.evaluate(f"[{PLAYER}.route === first, first.faults]") == [True, 0]
    theatre.run(theatre.stage.take_off("mina"))
