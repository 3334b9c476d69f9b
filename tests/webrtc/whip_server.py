"""A small HTTP server around WhipSessions, and what came out of its stream."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
from aiohttp import web
from numpy.typing import NDArray
from playwright.async_api import Page, async_playwright

from streamd import config
from streamd.errors import AlreadyPublishing, NegotiationError, NoAcceptableCodec
from streamd.media.parts import Part
from streamd.media.units import Kind, Unit
from streamd.relay.stream import Stream
from streamd.relay.streams import Streams
from streamd.webrtc.mux import Mux
from streamd.webrtc.whip import WhipSessions
from tests.conftest import CHROMIUM, CHROMIUM_FLAGS

PAGE = Path(__file__).with_name("publisher.html")
DEADLINE = 30.0


@dataclass
class Output:
    """All units and parts of a stream, and the init segments that stand before the parts."""

    units: list[Unit] = field(default_factory=list)
    runs: dict[Kind, list[bytearray]] = field(default_factory=lambda: {"v": [], "a": []})

    def of(self, kind: Kind) -> list[Unit]:
        return [unit for unit in self.units if unit.kind == kind]

    def seconds(self) -> float:
        """Media time of the newest picture."""
        pictures = self.of("v")
        return pictures[-1].dts / 90_000 if pictures else 0.0

    def pictures(self) -> list[tuple[float, NDArray[np.uint8]]]:
        """(media seconds, luma plane) of every picture, as libavformat and libavcodec read it."""
        shown = []
        for run in self.runs["v"]:
            with av.open(io.BytesIO(run), "r", options={"err_detect": "explode"}) as container:
                for frame in container.decode(video=0):
                    assert frame.time is not None
                    luma = frame.to_ndarray(format="gray").astype(np.uint8)
                    shown.append((frame.time, luma))
        return shown

    def sound(self) -> tuple[float, NDArray[np.float32]]:
        """Media seconds of the first sample, and all samples at 48 kHz, mono."""
        start, pieces, rate = None, [], 48_000
        for run in self.runs["a"]:
            with av.open(io.BytesIO(run), "r") as container:
                for frame in container.decode(audio=0):
                    assert frame.time is not None
                    if start is None:
                        start = frame.time
                    at = round((frame.time - start) * rate)
                    pieces.append((at, frame.to_ndarray().astype(np.float32).mean(axis=0)))
        assert start is not None
        samples = np.zeros(max(at + len(piece) for at, piece in pieces), dtype=np.float32)
        for at, piece in pieces:
            samples[at : at + len(piece)] = piece
        return start, samples


class WhipServer:
    """WHIP at /whip/{stream} for a publishing page at /."""

    def __init__(self, settings: config.WebRtc) -> None:
        self.streams = Streams(config.Relay())
        self.mux = Mux(settings)
        self.sessions = WhipSessions(settings, self.mux)
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stream(self) -> tuple[Stream, Output]:
        """The stream ``s``, and all that comes out of it from now on."""
        stream, output = self.streams.add("s"), Output()

        def on_reset() -> None:
            for kind, init in stream.window.join("opus").tracks.items():
                output.runs[kind].append(bytearray(init.init))

        def on_part(part: Part) -> None:
            for kind, init in (part.init or {}).items():
                output.runs[kind].append(bytearray(init.init))
            fragments: dict[Kind, bytes | None] = {"v": part.v, "a": part.a}
            for kind, fragment in fragments.items():
                if fragment is not None:
                    output.runs[kind][-1] += fragment

        stream.window.listen(on_part, on_reset)
        return stream, output

    async def offer(self, request: web.Request) -> web.Response:
        try:
            session = await self.sessions.publish(
                self.streams.add(request.match_info["stream"]), await request.text()
            )
        except AlreadyPublishing as error:
            return web.Response(status=409, text=str(error))
        except NoAcceptableCodec as error:
            return web.Response(status=406, text=str(error))
        except NegotiationError as error:
            return web.Response(status=400, text=str(error))
        return web.Response(
            status=201,
            text=session.answer_sdp,
            content_type="application/sdp",
            headers={"Location": session.id},
        )


async def page(_: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGE)


@asynccontextmanager
async def whip_server(settings: config.WebRtc | None = None) -> AsyncIterator[WhipServer]:
    server = WhipServer(settings or config.WebRtc(port=0))
    server.mux.open()
    app = web.Application()
    app.router.add_post("/whip/{stream}", server.offer)
    app.router.add_get("/", page)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        await server.sessions.close()
        server.mux.close()
        await server.streams.close()
        await runner.cleanup()


@asynccontextmanager
async def units_of(stream: Stream, output: Output) -> AsyncIterator[None]:
    """Collects the stream's units while inside."""
    subscriber = stream.subscribe("test")

    async def collect() -> None:
        async for unit in subscriber:
            output.units.append(unit)

    async with asyncio.TaskGroup() as group:
        group.create_task(collect())
        try:
            yield
        finally:
            subscriber.close()


@asynccontextmanager
async def publisher_page(server: WhipServer) -> AsyncIterator[Page]:
    """The publishing page in a Chromium of its own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        try:
            page = await browser.new_page()
            await page.goto(server.url)
            yield page
        finally:
            await browser.close()


async def until(condition: Callable[[], bool], seconds: float = DEADLINE) -> None:
    """Waits for a condition, with a generous deadline."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)
