"""A real Chromium watches by WHEP: picture and sound, losses repaired, congestion seen."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Page

from streamd.webrtc import kernel_calls
from streamd.webrtc.congestion import Level
from streamd.webrtc.datagram_batches import Address, BatchSender
from streamd.webrtc.viewer_life import ViewerState
from tests.webrtc.whep_server import WhepServer, viewer_page, whep_server
from tests.webrtc.whip_server import until

pytestmark = pytest.mark.browser


async def seen(page: Page, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Waits until the page's statistics fulfil a condition; gives them."""
    async with asyncio.timeout(40):
        while True:
            found: dict[str, Any] = await page.evaluate("statistics()")
            if "video" in found and condition(found):
                return found
            await asyncio.sleep(0.1)


def losing(monkeypatch: pytest.MonkeyPatch, share: float) -> list[bool]:
    """Loses a share of the datagrams while the list's only entry is true, RTCP and DTLS too."""
    noise, active, send = random.Random(11), [False], BatchSender._send_one

    def lossy(
        sender: BatchSender, sock: socket.socket, datagram: bytes | memoryview, address: Address
    ) -> None:
        if not (active[0] and noise.random() < share):
            send(sender, sock, datagram, address)

    monkeypatch.setattr(kernel_calls, "CALLS", None)
    monkeypatch.setattr(BatchSender, "_send_run", lambda *_: False)
    monkeypatch.setattr(BatchSender, "_send_one", lossy)
    return active


async def test_picture_and_sound_reach_a_browser() -> None:
    async with whep_server() as server, server.card():
        await asyncio.sleep(0.5)
        async with viewer_page(server) as page:
            reply = await page.evaluate("watch('/whep/s')")
            assert reply["status"] == 201, reply["body"]
            found = await seen(page, lambda one: one["video"]["framesDecoded"] > 60)
            assert found["time"] > 1
            assert found["audio"]["totalAudioEnergy"] > 0
            assert found["transport"]["srtpCipher"].startswith("SRTP_AEAD_AES")
            await within_a_second(page, server)
            assert server.session().state is ViewerState.WATCHING
            await page.evaluate("pc.close()")
            await until(lambda: len(server.sessions) == 0)


async def within_a_second(page: Page, server: WhepServer) -> None:
    """The picture shown is, by its RTP timestamp, the one that was captured just now."""
    rtp, now = await page.evaluate("[shown.at(-1).rtp, Date.now() / 1000]")
    clock = server.egress.clock
    captured = clock.origin + ((rtp - clock.zero("v")) & 0xFFFFFFFF) / 90_000
    assert 0 < now - captured < 2


async def test_losses_are_repaired(monkeypatch: pytest.MonkeyPatch) -> None:
    active = losing(monkeypatch, 0.05)
    async with whep_server() as server, server.card(), viewer_page(server) as page:
        await page.evaluate("watch('/whep/s')")
        await seen(page, lambda one: one["video"]["framesDecoded"] > 30)
        active[0] = True
        found = await seen(page, lambda one: one["video"]["framesDecoded"] > 130)
        viewer = server.session().viewer
        assert viewer is not None
        assert viewer.total().repeated > 0
        assert found["video"]["nackCount"] > 0
        assert found["video"]["retransmittedPacketsReceived"] > 0
        assert found["video"]["keyFramesDecoded"] >= 3
        print("freezes:", found["video"]["freezeCount"], viewer.total())


async def test_a_congested_viewer_gets_less_and_then_all_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    active = losing(monkeypatch, 0.5)
    async with whep_server() as server, server.card(), viewer_page(server) as page:
        await page.evaluate("watch('/whep/s')")
        await seen(page, lambda one: one["video"]["framesDecoded"] > 30)
        viewer = server.session().viewer
        assert viewer is not None
        active[0] = True
        await until(lambda: viewer.congestion.level is Level.KEYFRAMES)
        await until(lambda: viewer.counters.skipped > 5)
        active[0] = False
        await until(lambda: viewer.congestion.level is not Level.KEYFRAMES)
        decoded = (await page.evaluate("statistics()"))["video"]["framesDecoded"]
        await seen(page, lambda one: one["video"]["framesDecoded"] > decoded + 15)


async def test_a_browser_without_our_codec_in_its_offer_answers_the_counter_offer() -> None:
    async with whep_server() as server, server.card(), viewer_page(server) as page:
        reply = await page.evaluate("watch('/whep/s', ['video', 'audio'], 'video/VP8')")
        assert reply["status"] == 406
        await seen(page, lambda one: one["video"]["framesDecoded"] > 30)
        assert server.session().countered
