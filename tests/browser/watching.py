"""Whether a viewer goes on watching, whatever happens to the broadcast and by whichever path."""

from __future__ import annotations

import time

from playwright.sync_api import Page

from tests.browser.test_main_job import SLOW_MS

# The player may change its path meanwhile, and its counters with it.
_ADVANCES = """async () => {
  const video = () => document.querySelector("streamd-player").video;
  const frames = () => video().getVideoPlaybackQuality().totalVideoFrames;
  const [time, seen] = [video().currentTime, frames()];
  await new Promise((resolve) => setTimeout(resolve, 1500));
  return video().currentTime > time + 0.7 && frames() > seen + 10;
}"""


def watching(viewer: Page) -> None:
    """Waits until a second and a half of decoded pictures went by without a halt."""
    deadline = time.monotonic() + SLOW_MS / 1000
    while not viewer.evaluate(_ADVANCES):
        assert time.monotonic() < deadline, "the viewer's picture stands still"
