"""Back in time while it is live, and live again."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.pages.conftest import Theatre
from tests.browser.pages.steps import (
    PLAYER,
    advances,
    go_live,
)

pytestmark = pytest.mark.browser


PAST = f"""() => {{
  const p = {PLAYER};
  class Past {{
    name = "dvr"; isJoined = true; bufferMs = 0; rebuffers = 0; at = null;
    static reach = async () => ({{ from: Date.now() / 1000 - 600, to: Date.now() / 1000 }});
    constructor(what, events) {{
      Object.assign(this, {{ at: what.at, events }});
      p.pastPath = this;
    }}
    start() {{ this.events.onJoin({{ audio: true }}); }}
    stop() {{ this.stopped = true; }}
    seek(at) {{ this.at = at; }}
    rejoin() {{}}
    latencyMs() {{ return null; }}
  }}
  p.rewind.Path = Past;
  p.rewind.lookedAt = -Infinity;
  p.rewind.look();
}}"""
"""A stand-in for the path of the past."""


def test_back_in_time_and_live_again(card: Theatre) -> None:
    """What the slider asks of the path of the past."""
    advances(card)
    card.page.evaluate(PAST)
    slider = card.page.get_by_role("slider", name="Time in the broadcast")
    expect(slider).to_have_attribute("aria-valuetext", "Live")
    slider.press("ArrowLeft")
    card.until(f"{PLAYER}.path === 'dvr'")
    assert card.page.evaluate(f"Date.now() / 1000 - {PLAYER}.pastPath.at") == pytest.approx(
        10, abs=3
    )
    slider.press("ArrowLeft")
    assert card.page.evaluate(f"Date.now() / 1000 - {PLAYER}.pastPath.at") == pytest.approx(
        20, abs=5
    )
    expect(card.page.locator("streamd-player .top")).to_have_text("Watching the past")
    card.page.get_by_role("button", name="Live", exact=True).click()
    card.until(f"{PLAYER}.path === 'ws' && {PLAYER}.pastPath.stopped")
    advances(card)


@pytest.mark.parametrize("ends", ["button", "path"])
def test_from_the_past_of_a_broadcast_that_is_over_nothing_is_joined(
    card: Theatre, ends: str
) -> None:
    """Whether the viewer goes to live or the recording plays out."""
    advances(card)
    card.page.evaluate(PAST)
    card.page.get_by_role("slider", name="Time in the broadcast").press("ArrowLeft")
    card.until(f"{PLAYER}.path === 'dvr'")
    card.run(card.stage.take_off("mina"))
    card.do(card.stage.set_stream, "mina", "ended")
    card.until(f"{PLAYER}.stream.state === 'ended'")
    assert card.page.evaluate(f"{PLAYER}.path") == "dvr"
    if ends == "button":
        card.page.get_by_role("button", name="Live", exact=True).click()
    else:
        card.page.evaluate(f"{PLAYER}.pastPath.events.onGiveUp('stuck')")
    expect(card.page.get_by_text("The broadcast has ended")).to_be_visible()
    found = card.page.evaluate(f"[{PLAYER}.path, {PLAYER}.phase, {PLAYER}.pastPath.stopped]")
    assert found == [None, "ended", True]
    go_live(card)
    advances(card)
