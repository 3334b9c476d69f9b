"""The door of ``/publish/{stream}``: who may open a socket, and how many there are."""

from __future__ import annotations

import asyncio
from collections import deque

from aiohttp import web

from polling.errors import PollingError
from streamd.errors import StreamdError
from streamd.relay.stream import Stream
from streamd.web.gate import Gate
from streamd.web.problems import BadRequest, refusal_for
from streamd.web.publish_socket import Hello, PublishSocket, read_hello, say_no
from streamd.web.security import check_origin
from streamd.web.services import SERVICES, Services, stream_for_key
from streamd.webrtc.errors import TooManyPublishers

routes = web.RouteTableDef()

MESSAGE_BYTES = 4 * 1_048_576
STRANGER_BYTES = 65_536
"""What is read of a socket until its key has been checked. What comes after it waits unread; a
hello that has not come by then is refused."""
CLOSE_SECONDS = 2.0
GREETING = 64
"""Sockets that have not said hello, at most; past it the oldest of them gives way."""


class GaveWay(Exception):
    """A socket that had said nothing made room for another."""


class PublishSockets:
    """Every publishing page of this process; ``limit`` of them at a time."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._greeting: deque[asyncio.Timeout] = deque()
        """What ends the wait for each hello, oldest first."""
        self._sockets: set[PublishSocket] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._sockets)

    @property
    def closed(self) -> bool:
        """Whether no further socket is heard."""
        return self._closed

    async def serve(
        self,
        ws: web.WebSocketResponse,
        services: Services,
        stream_id: str,
        transport: asyncio.Transport,
    ) -> None:
        """One prepared socket, from hello to its end. Raises what the page is refused for, and
        GaveWay.
        """
        full = asyncio.Event()
        gate = Gate(transport, STRANGER_BYTES, full.set)
        hello = await self._greet(ws, full)
        stream = await stream_for_key(services, hello.key, stream_id)
        gate.open()
        if self._closed or len(self._sockets) >= self._limit:
            raise TooManyPublishers(0 if self._closed else self._limit)
        self._make_room(stream, takeover=hello.takeover)
        socket = PublishSocket(ws, stream, hello)
        socket.open()
        self._sockets.add(socket)
        try:
            await socket.run(services.config.webrtc.keyframe_seconds)
        finally:
            self._sockets.discard(socket)

    def close(self) -> None:
        """Takes no more, and tells every page to come back."""
        self._closed = True
        for socket in self._sockets:
            socket.restart()

    async def _greet(self, ws: web.WebSocketResponse, full: asyncio.Event) -> Hello:
        if len(self._greeting) >= GREETING:
            self._greeting.popleft().reschedule(0.0)
        patience = asyncio.timeout(None)
        try:
            async with patience:
                self._greeting.append(patience)
                return await _hello(ws, full)
        except TimeoutError:
            raise GaveWay from None
        finally:
            if patience in self._greeting:
                self._greeting.remove(patience)

    def _make_room(self, stream: Stream, *, takeover: bool) -> None:
        for socket in self._sockets:
            if socket.stream is stream and socket.yields():
                socket.lose()
        if takeover:
            stream.take_over("another device takes over")


SOCKETS: web.AppKey[PublishSockets] = web.AppKey("publish_sockets", PublishSockets)


def add_publish_sockets(app: web.Application, limit: int) -> None:
    """Gives ``app`` its sockets, and their end when it shuts down."""
    app[SOCKETS] = PublishSockets(limit)
    app.on_shutdown.append(_close)


async def _close(app: web.Application) -> None:
    app[SOCKETS].close()


@routes.get("/publish/{stream}")
async def publish(request: web.Request) -> web.StreamResponse:
    """The socket. A page of somebody else's is refused before it; programs send no Origin."""
    services = request.app[SERVICES]
    if "Origin" in request.headers:
        check_origin(request, services)
    sockets = request.app[SOCKETS]
    ws = web.WebSocketResponse(
        max_msg_size=MESSAGE_BYTES, compress=False, autoping=False, timeout=CLOSE_SECONDS
    )
    if not ws.can_prepare(request).ok:
        raise web.HTTPUpgradeRequired(headers={"Upgrade": "websocket"})
    if sockets.closed:
        raise TooManyPublishers(0)
    await ws.prepare(request)
    transport = request.transport
    if transport is None:
        return ws
    try:
        await sockets.serve(ws, services, request.match_info["stream"], transport)
    except GaveWay:
        # Without a word: whoever holds many sockets would hold each a little longer by it.
        transport.abort()
    except (StreamdError, PollingError, BaseExceptionGroup) as error:
        await _refuse(ws, _plain(error))
    return ws


async def _hello(ws: web.WebSocketResponse, full: asyncio.Event) -> Hello:
    """The hello, within the first STRANGER_BYTES. Raises BadRequest."""
    reading = asyncio.create_task(read_hello(ws))
    filling = asyncio.create_task(full.wait())
    try:
        await asyncio.wait((reading, filling), return_when=asyncio.FIRST_COMPLETED)
        if not reading.done():
            # What has been passed on already may hold the hello whole.
            await asyncio.sleep(0)
    finally:
        filling.cancel()
        if not reading.done():
            reading.cancel()
        await asyncio.gather(reading, filling, return_exceptions=True)
    if reading.cancelled():
        raise BadRequest("The first message is a short JSON hello with the stream's key.")
    return reading.result()


def _plain(error: BaseException) -> StreamdError | PollingError:
    """The one refusal that ended a publication; anything else is raised."""
    inner = error
    while isinstance(inner, BaseExceptionGroup) and len(inner.exceptions) == 1:
        inner = inner.exceptions[0]
    if isinstance(inner, (StreamdError, PollingError)):
        return inner
    raise error


async def _refuse(ws: web.WebSocketResponse, error: StreamdError | PollingError) -> None:
    refusal = refusal_for(error)
    if refusal is None:
        raise error
    await say_no(ws, "refused", refusal.status, refusal.slug, str(error))
