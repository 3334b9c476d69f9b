"""The studio's own sender over a WebSocket: sound and picture reach the stream together."""

from __future__ import annotations

import itertools
import statistics
from pathlib import Path

import pytest
from aiohttp import web
from playwright.async_api import async_playwright

from streamd import config
from streamd.relay.lifecycle import StreamState
from streamd.web.assets import STATIC
from tests.conftest import CHROMIUM, CHROMIUM_FLAGS
from tests.web.publish_door import Door
from tests.webrtc.test_whip_browser import onsets
from tests.webrtc.whip_server import WhipServer, units_of, until

pytestmark = pytest.mark.browser

PAGE = Path(__file__).with_name("web_connection.html")
NO_PROCESSOR = "delete window.MediaStreamTrackProcessor;"


async def page(_: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGE)


@pytest.mark.parametrize(("script", "allowed"), [("", 0.040), (NO_PROCESSOR, 0.060)])
async def test_sound_and_picture_stay_together(script: str, allowed: float) -> None:
    """Flash against beep, with 25 ms more for what the browser adds before it captures (painting,
    Web Audio's buffers). The worklet that stands in for a track processor buffers once more.
    """
    server = WhipServer(config.WebRtc(port=0))
    stream, output = server.stream()
    door = Door(streams=server.streams)
    door.app.router.add_static("/static/", STATIC)
    door.app.router.add_get("/", page)
    await door.runner.setup()
    await web.TCPSite(door.runner, "127.0.0.1", 0).start()
    origin = f"127.0.0.1:{door.runner.addresses[0][1]}"
    async with async_playwright() as playwright, units_of(stream, output):
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        publisher = await browser.new_page()
        await publisher.add_init_script(script)
        await publisher.goto(f"http://{origin}/")
        await publisher.wait_for_function("window.ready")
        await publisher.evaluate("address => publish(address)", f"ws://{origin}/publish/s")
        await until(lambda: output.seconds() > 8)
        assert stream.health().source == "websocket"
        await publisher.evaluate("sender.close()")
        await until(lambda: stream.state is StreamState.ENDED)
        await browser.close()
    await door.session.close()
    await door.runner.cleanup()
    await door.streams.close()
    pairs = onsets(output)
    offsets = [flash - beep for flash, beep in pairs]
    print("flash after beep, ms:", [round(1000 * offset) for offset in offsets])
    assert len(offsets) >= 5
    assert abs(statistics.median(offsets)) <= allowed + 0.025
    pictures, sounds = output.of("v"), output.of("a")
    assert len(output.pictures()) == len(pictures) > 100
    assert all(a.dts < b.dts for a, b in itertools.pairwise(pictures))
    assert {b.dts - a.dts for a, b in itertools.pairwise(sounds)} == {960}
