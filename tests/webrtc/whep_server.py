"""A small HTTP server around WhepSessions, and a stream to watch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import msgspec
from aiohttp import web
from playwright.async_api import Page, async_playwright

from streamd import config
from streamd.errors import StreamdError
from streamd.relay import testcard
from streamd.relay.stream import Stream
from streamd.relay.streams import Streams
from streamd.webrtc.mux import Mux
from streamd.webrtc.rtp_egress import RtpEgress
from streamd.webrtc.whep import WhepSessions
from streamd.webrtc.whep_session import WhepSession
from tests.conftest import CHROMIUM, CHROMIUM_FLAGS
from tests.webrtc.whip_server import until

PAGE = Path(__file__).with_name("viewer.html")


class WhepServer:
    """WHEP at /whep/{stream} for a watching page at /."""

    def __init__(self, settings: config.WebRtc) -> None:
        self.mux = Mux(settings)
        self.sessions = WhepSessions(settings, self.mux)
        self.streams = Streams(config.Relay(), self.sessions.on_stream)
        self.stream: Stream = self.streams.add("s")
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def egress(self) -> RtpEgress:
        found = self.sessions.egress(self.stream)
        assert found is not None
        return found

    def session(self) -> WhepSession:
        """The only session."""
        (session,) = self.sessions
        return session

    async def offer(self, request: web.Request) -> web.Response:
        try:
            session = await self.sessions.watch(self.stream, await request.text())
        except StreamdError as error:
            return web.Response(status=400, text=f"{type(error).__name__}: {error}")
        return web.Response(
            status=406 if session.countered else 201,
            text=session.description,
            content_type="application/sdp",
            headers={"Location": session.id},
        )

    async def answer(self, request: web.Request) -> web.Response:
        self.sessions.get(request.match_info["session"]).accept(await request.text())
        return web.Response(status=204)

    @asynccontextmanager
    async def card(self, audio: Literal["aac", "opus"] = "opus") -> AsyncIterator[None]:
        """The test card is on air while inside."""
        playing = asyncio.create_task(testcard.play(self.stream, audio=audio))
        try:
            await until(lambda: bool(self.sessions.egresses()) and self.egress.on_air)
            yield
        finally:
            playing.cancel()
            await asyncio.wait([playing])


async def page(_: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGE)


@asynccontextmanager
async def whep_server(settings: config.WebRtc | None = None) -> AsyncIterator[WhepServer]:
    chosen = settings or config.WebRtc(host="127.0.0.1")
    server = WhepServer(msgspec.structs.replace(chosen, port=0))
    server.mux.open()
    app = web.Application()
    app.router.add_post("/whep/{stream}", server.offer)
    app.router.add_patch("/whep/{session}", server.answer)
    app.router.add_get("/", page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        await server.sessions.close()
        server.mux.close()
        await server.streams.close()
        await runner.cleanup()


@asynccontextmanager
async def viewer_page(server: WhepServer) -> AsyncIterator[Page]:
    """The watching page in a Chromium of its own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        try:
            page = await browser.new_page()
            await page.goto(server.url)
            yield page
        finally:
            await browser.close()
