"""``/publish/{stream}``: going live over a WebSocket, for pages whose network drops UDP.

Text messages are JSON with a ``type``; binary ones are ``media/frame_messages.py``'s.

    page     hello    v 1, key, takeover, video, audio: first, within ``HELLO_SECONDS``. The key
                      travels here because a page can set no header on a WebSocket, and an address
                      stands in logs and histories
             (binary) descriptions and frames
             bye      the broadcast is over; without it the stream waits for its publisher
    server   welcome  v 1, keyframe_seconds: how often a keyframe is wished for
             keyframe one is wished for now
             seen     timestamp of the newest picture here, rtt_ms: the page learns how far its
                      frames are behind, however many buffers lie between. Once a second at
                      least: a page that hears nothing knows that the line is dead
             refused  status, slug, detail: as problem details have them; close code 4000 + status
             ended    status, slug, detail: the relay ended the publication; 4000 + status
"""

from __future__ import annotations

import asyncio
import struct
import time
from typing import Annotated, Literal, TypeVar

import msgspec
import structlog
from aiohttp import WSMsgType, web

from streamd.errors import MalformedMedia
from streamd.media.frame_messages import parse_message
from streamd.media.units import Kind
from streamd.relay.frame_ingest import Announce, FrameIngest, ReorderedPictures
from streamd.relay.health import LinkHealth
from streamd.relay.lifecycle import StreamState
from streamd.relay.notices import NoticeCode
from streamd.relay.stream import Publisher, Stream
from streamd.web.problems import BadRequest

log = structlog.get_logger(__name__)

HELLO_SECONDS = 5.0
HELLO_BYTES = 4_096

SILENCE_SECONDS = 10.0
"""Without a frame, nor an answer to a ping: the line is broken."""
YIELDS_SECONDS = 3.0
"""Silence after which another publisher of the same stream may take the place without asking."""
SEEN_SECONDS = 0.25
PING_SECONDS = 1.0

TAKEN_OVER = (409, "taken_over", "Another device has taken over this broadcast.")
SILENT = (408, "silent", "No picture and no sound came for half a minute.")
RESTARTING = 1012

Told = TypeVar("Told", bound=msgspec.Struct)
_STAMP = struct.Struct(">d")


class Hello(msgspec.Struct, frozen=True, tag_field="type", tag="hello"):
    """The first message. ``video`` and ``audio``: what will be sent."""

    v: Literal[1]
    key: Annotated[str, msgspec.Meta(max_length=256)]
    takeover: bool = False
    video: bool = True
    audio: bool = True

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds of track that were promised."""
        kinds: tuple[tuple[Kind, bool], ...] = (("v", self.video), ("a", self.audio))
        return frozenset(kind for kind, promised in kinds if promised)


class Bye(msgspec.Struct, frozen=True, tag_field="type", tag="bye"):
    """The last message."""


class PublishSocket:
    """One page's publication, from its hello to the socket's end."""

    def __init__(self, ws: web.WebSocketResponse, stream: Stream, hello: Hello) -> None:
        self.stream = stream
        self.heard = _now()
        self._ws = ws
        self._ingest = FrameIngest(hello.kinds)
        self._publisher: Publisher | None = None
        self._wake = asyncio.Event()
        self._keyframe = False
        self._over: tuple[int, str, str] | None = None
        self._restarting = False
        self._rtt: float | None = None

    def open(self) -> None:
        """Takes the stream's place. Raises AlreadyPublishing."""
        self._publisher = self.stream.publish(
            "websocket", self._want_keyframe, self._dismissed, self._link
        )

    def yields(self) -> bool:
        """Whether the page has said nothing for so long that another may take its place."""
        return _now() - self.heard >= YIELDS_SECONDS

    def lose(self) -> None:
        """The line counts as broken; the stream's place is free at once."""
        if self._publisher is not None:
            self._publisher.lose()
        self._dismissed()

    def restart(self) -> None:
        """The server shuts down: the page is told to come back."""
        self._restarting = True
        self._wake.set()

    async def run(self, keyframe_seconds: float) -> None:
        """Lives until the page is gone. Cancelled, it leaves the stream waiting."""
        assert self._publisher is not None
        try:
            welcome = {"type": "welcome", "v": 1, "keyframe_seconds": keyframe_seconds}
            await self._ws.send_json(welcome)
            async with asyncio.TaskGroup() as group:
                speaking = group.create_task(self._speak())
                await self._listen(self._publisher)
                speaking.cancel()
        finally:
            self._publisher.lose()
            log.info("publish socket ended", stream=self.stream.id, code=self._ws.close_code)

    # -- in

    async def _listen(self, publisher: Publisher) -> None:
        while True:
            try:
                message = await self._ws.receive(timeout=SILENCE_SECONDS)
            except TimeoutError:
                return
            self.heard = _now()
            if message.type is WSMsgType.BINARY:
                if not publisher.closed:
                    self._frame(publisher, message.data)
            elif message.type is WSMsgType.PONG:
                self._measure(bytes(message.data))
            elif message.type is WSMsgType.PING:
                await self._ws.pong(message.data)
            elif message.type is WSMsgType.TEXT:
                decode(message.data, Bye)
                publisher.close()
                await self._ws.close()
                return
            else:
                # 1000 is a page that closes its socket on purpose (RFC 6455 section 7.4.1).
                if message.type is WSMsgType.CLOSE and message.data == 1000:
                    publisher.close()
                return

    def _frame(self, publisher: Publisher, data: bytes) -> None:
        now = _now()
        try:
            events = self._ingest.take(parse_message(data), now)
        except ReorderedPictures:
            self.stream.notices.add(NoticeCode.B_FRAMES)
            raise
        except MalformedMedia:
            self.stream.notices.add(NoticeCode.BROKEN_INPUT)
            raise
        if self._ingest.needs_key:
            self.stream.request_keyframe()
        if self._ingest.keyless(now):
            self.stream.notices.add(NoticeCode.NO_KEYFRAME)
        for event in events:
            if isinstance(event, Announce):
                publisher.announce(event.tracks, time.time() - (now - event.zero))
            else:
                publisher.write(event)

    def _measure(self, stamp: bytes) -> None:
        if len(stamp) == _STAMP.size:
            trip = _now() - float(_STAMP.unpack(stamp)[0])
            if 0 <= trip < 60:
                self._rtt = trip if self._rtt is None else 0.7 * self._rtt + 0.3 * trip

    # -- out

    async def _speak(self) -> None:
        """Says what there is to say; ends when the connection does."""
        pinged, seen = 0.0, None
        try:
            while self._over is None and not self._restarting:
                if self._keyframe:
                    self._keyframe = False
                    await self._ws.send_json({"type": "keyframe"})
                due = _now() - pinged >= PING_SECONDS
                if due:
                    pinged = _now()
                    await self._ws.ping(_STAMP.pack(pinged))
                if self._ingest.newest is not None and (due or self._ingest.newest != seen):
                    seen = self._ingest.newest
                    await self._ws.send_json(
                        {"type": "seen", "timestamp": seen, "rtt_ms": self._rtt_ms()}
                    )
                await self._pause()
            if self._over is not None:
                await say_no(self._ws, "ended", *self._over)
            else:
                await self._ws.close(code=RESTARTING)
        except ConnectionError:
            return

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(SEEN_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()

    def _want_keyframe(self) -> None:
        self._keyframe = True
        self._wake.set()

    def _dismissed(self) -> None:
        """The relay ended the publication; a stream that has ended was waited for in vain."""
        self._over = SILENT if self.stream.state is StreamState.ENDED else TAKEN_OVER
        self._wake.set()

    def _link(self) -> LinkHealth | None:
        return LinkHealth(rtt_ms=self._rtt_ms())

    def _rtt_ms(self) -> float | None:
        return None if self._rtt is None else round(self._rtt * 1000, 1)


async def say_no(ws: web.WebSocketResponse, kind: str, status: int, slug: str, detail: str) -> None:
    """A last message, and the close code that stands for it (4000 to 4999 are for applications,
    RFC 6455 section 7.4.2)."""
    try:
        await ws.send_json({"type": kind, "status": status, "slug": slug, "detail": detail})
        await ws.close(code=4000 + status, message=slug.encode())
    except ConnectionError:
        return


async def read_hello(ws: web.WebSocketResponse) -> Hello:
    """The first message of a socket. Raises BadRequest."""
    try:
        message = await ws.receive(timeout=HELLO_SECONDS)
    except TimeoutError:
        raise BadRequest("The first message, hello, did not come within five seconds.") from None
    if message.type is not WSMsgType.TEXT or len(message.data) > HELLO_BYTES:
        raise BadRequest("The first message is a JSON hello with the stream's key.")
    hello = decode(message.data, Hello)
    if not hello.kinds:
        raise BadRequest("A hello announces video, audio or both.")
    return hello


def decode(text: str, kind: type[Told]) -> Told:
    """A text message. Raises BadRequest."""
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadRequest(f"A message is not what this address takes: {error}.") from error


def _now() -> float:
    return asyncio.get_running_loop().time()
