"""The WebSocket gateway: a thin shell between the ``websockets`` library and the sessions.

With ``connection`` the only importer of ``websockets``. It accepts, checks path, Origin and
subprotocol, carries bytes to a ``Session`` and closes; what to answer is decided there. Cookies are
never read: they ignore ports, so a page elsewhere could ride on them (OWASP ASVS 4.4.2, 4.4.3).
"""

from __future__ import annotations

import asyncio
import http
import secrets
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import structlog
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, NegotiationError
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from streamd import config
from streamd.feeds import handshake
from streamd.feeds.calls import RpcHandler
from streamd.feeds.codes import Disconnect, Disconnected
from streamd.feeds.connection import FeedConnection, connections
from streamd.feeds.door import Door
from streamd.feeds.hub import Hub
from streamd.feeds.link import Limits, Link, write_limits
from streamd.feeds.outbox import ReplyOverflow
from streamd.feeds.pulse import Pulse
from streamd.feeds.session import Session, SessionState, service
from streamd.identity import Identity

CONNECT_SECONDS: Final = 10.0
"""How long a client has for the handshake, and then again for its connect command."""
CLOSE_SECONDS: Final = 5.0
"""How long a client has to answer a close frame."""
SHUTDOWN_SECONDS: Final = 2.0
"""The same, at shutdown."""
SETTLE_SECONDS: Final = 0.02
"""How often ``stop`` looks whether all is sent."""
REPLY_BYTES: Final = 262_144
"""Unread replies one connection may pile up before it is disconnected."""

log = structlog.get_logger("streamd.feeds")

_FORGOTTEN: Final = Request(handshake.PATH, Headers())


class _Peer:
    """A connection, its session, and whether the gateway is ending it."""

    __slots__ = ("connection", "ending", "session", "task")

    def __init__(self, connection: FeedConnection) -> None:
        self.connection = connection
        self.ending = False
        self.session: Session
        self.task = asyncio.current_task()


class Gateway:
    """Serves ``ws://HOST:PORT/connection/websocket``."""

    def __init__(
        self,
        settings: config.Feeds,
        hub: Hub,
        verify: Callable[[str], Identity],
        rpc: Mapping[str, RpcHandler],
        origins: Iterable[str] = (),
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """``origins`` are our own pages' (``scheme://host[:port]``), added to the settings'.

        ``verify`` gives a connect token's identity, or raises TokenExpired or Unauthenticated.
        """
        self._settings = settings
        self._hub = hub
        self._metrics = hub.metrics
        self._service = service(
            hub, verify, rpc, settings.ping_seconds, settings.channels, secrets.token_hex(4)
        )
        self._limits = Limits(settings.transport_bytes, REPLY_BYTES, settings.queue_bytes)
        self._origins = frozenset(origin.rstrip("/") for origin in (*origins, *settings.origins))
        self._ssl = ssl_context
        self._server: Server | None = None
        self._door = Door(settings.connections)
        self._peers: set[_Peer] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._pulse: Pulse[_Peer] = Pulse(settings.ping_seconds)
        self._pulse_task: asyncio.Task[None] | None = None

    @property
    def connections(self) -> int:
        """How many connections are open, their handshakes done."""
        return len(self._peers)

    @property
    def port(self) -> int:
        """The port being listened on. Only after ``start``."""
        assert self._server is not None
        return int(next(iter(self._server.sockets)).getsockname()[1])

    async def start(self) -> None:
        """Binds the port and accepts. Raises OSError where it is taken."""
        settings = self._settings
        self._server = await serve(
            self._serve,
            settings.host,
            settings.port,
            create_connection=connections(self._door, settings.frame_bytes),
            process_request=self._check_request,
            select_subprotocol=_select_subprotocol,
            compression=None,
            server_header=None,
            open_timeout=CONNECT_SECONDS,
            close_timeout=CLOSE_SECONDS,
            ping_interval=None,
            max_size=settings.frame_bytes,
            write_limit=write_limits(self._ssl is not None),
            ssl=self._ssl,
            ssl_handshake_timeout=CONNECT_SECONDS if self._ssl is not None else None,
            backlog=4096,
        )
        self._pulse_task = asyncio.get_running_loop().create_task(self._beat())

    async def stop(self, grace_seconds: float) -> None:
        """Ends the service within about ``grace_seconds``, then SHUTDOWN_SECONDS for the closes.

        Stock clients come back after 3001 with their own jittered backoff, so none is advised.
        """
        if self._server is None:
            return
        # 1. No new connections; handshakes under way get 503.
        self._server.close(close_connections=False)
        # 2. Calls under way are answered and outboxes run empty, while there is grace.
        for _ in range(int(grace_seconds / SETTLE_SECONDS)):
            if self._quiet():
                break
            await asyncio.sleep(SETTLE_SECONDS)
        # 3. No more pings and deadlines.
        if self._pulse_task is not None:
            self._pulse_task.cancel()
            await asyncio.gather(self._pulse_task, return_exceptions=True)
        # 4. Every client is told to come back; who does not say goodbye in time is cut off.
        for peer in tuple(self._peers):
            self._end(peer, Disconnect.SHUTDOWN)
        if self._closing:
            _, late = await asyncio.wait(self._closing, timeout=SHUTDOWN_SECONDS)
            for task in late:
                task.cancel()
        # 5. The handlers end with their connections, or are stopped amid a provider's answer.
        handlers = [peer.task for peer in self._peers if peer.task is not None]
        if handlers:
            _, late_handlers = await asyncio.wait(handlers, timeout=SETTLE_SECONDS * 10)
            for handler in late_handlers:
                handler.cancel()
        await self._server.wait_closed()
        self._server = None

    def _quiet(self) -> bool:
        return self._hub.idle and all(
            not peer.session.busy and (peer.connection.link is None or peer.connection.link.settled)
            for peer in self._peers
        )

    def _check_request(self, connection: ServerConnection, request: Request) -> Response | None:
        refusal = handshake.check(request.path, request.headers.get_all("Origin"), self._origins)
        if refusal is None and self._door.refuses(connection):
            refusal = handshake.Refusal(503, "This gateway is full. Try again in a moment.")
        if refusal is None:
            return None
        self._metrics.refused.labels(refusal.status).inc()
        return connection.respond(http.HTTPStatus(refusal.status), refusal.sentence + "\n")

    async def _serve(self, connection: ServerConnection) -> None:
        assert isinstance(connection, FeedConnection)
        peer = self._admit(connection)
        try:
            await self._read(peer)
        except ConnectionClosed:
            pass
        except Disconnected as ended:
            self._end(peer, ended.disconnect)
        except Exception:
            log.exception("session failed")
            self._end(peer, Disconnect.SERVER_ERROR)
        finally:
            self._peers.discard(peer)
            self._metrics.connections.set(len(self._peers))
            self._pulse.remove(peer)
            peer.session.close()
            await peer.session.finish()
        if peer.ending:
            await _drain(connection)

    def _admit(self, connection: FeedConnection) -> _Peer:
        transport = connection.transport
        fd = -1
        sock = transport.get_extra_info("socket")
        if self._ssl is None:
            fd = sock.fileno()
            if hasattr(socket, "TCP_NOTSENT_LOWAT"):
                # What the kernel keeps unsent could no longer be replaced by something newer.
                sock.setsockopt(
                    socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, self._settings.transport_bytes
                )
        # Kept for life otherwise: a browser's headers are 1–4 kB, and hold its cookies.
        connection.request, connection.response = _FORGOTTEN, None
        link = Link(transport, handshake.ENCODINGS[connection.subprotocol], self._limits, fd)
        connection.link = link
        if transport.get_write_buffer_size():
            link.paused()
        peer = _Peer(connection)
        peer.session = Session(self._service, link, lambda code: self._end(peer, code))
        connection.session = peer.session
        self._peers.add(peer)
        self._metrics.connections.set(len(self._peers))
        return peer

    async def _read(self, peer: _Peer) -> None:
        receive, session = peer.connection.recv, peer.session
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                while session.state is SessionState.FRESH:
                    await session.receive(await receive(decode=False))
                    peer.connection.unread -= 1
        except TimeoutError as error:
            raise Disconnected(Disconnect.STALE) from error
        self._pulse.add(peer)
        while True:
            payload = await receive(decode=False)
            if not peer.ending:
                await session.receive(payload)
            peer.connection.unread -= 1

    async def _beat(self) -> None:
        """Once a second: missing pongs, expired tokens, pings, who was turned away."""
        loop = asyncio.get_running_loop()
        due_at = loop.time()
        while True:
            due_at += 1.0
            await asyncio.sleep(max(0.0, due_at - loop.time()))
            if turned_away := self._door.report(loop.time()):
                log.warning(
                    "gateway is full",
                    turned_away=turned_away,
                    sockets=len(self._door),
                    connections=len(self._peers),
                    bound=self._settings.connections,
                )
            self._metrics.settle()
            answered, due = self._pulse.tick()
            for peer in answered:
                if peer.session.awaits_pong:
                    self._end(peer, Disconnect.NO_PONG)
            now = time.time()
            for peer in due:
                if peer.session.expired(now):
                    self._end(peer, Disconnect.EXPIRED)
                elif not peer.ending:
                    self._ping(peer)

    def _ping(self, peer: _Peer) -> None:
        try:
            peer.session.ping()
        except ReplyOverflow:
            self._end(peer, Disconnect.SLOW)

    def _end(self, peer: _Peer, disconnect: Disconnect) -> None:
        if peer.ending:
            return
        peer.ending = True
        self._metrics.disconnects.labels(disconnect.code).inc()
        peer.session.close()
        if peer.connection.link is not None:
            peer.connection.link.seal()
        task = asyncio.get_running_loop().create_task(_close(peer.connection, disconnect))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _close(connection: FeedConnection, disconnect: Disconnect) -> None:
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await connection.close(disconnect.code, disconnect.reason)
    except (TimeoutError, asyncio.CancelledError) as error:
        # A peer that reads nothing never sees the close frame either.
        connection.transport.abort()
        if isinstance(error, asyncio.CancelledError):
            raise


async def _drain(connection: FeedConnection) -> None:
    """Drops what the client had still sent: its answer to our close frame stands behind that."""
    try:
        while True:
            await connection.recv(decode=False)
    except ConnectionClosed:
        return


def _select_subprotocol(
    connection: ServerConnection, offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    """A ``subprotocols=`` list instead would refuse stock clients, which name none."""
    try:
        name = handshake.subprotocol(offered)
    except handshake.NoCommonSubprotocol as error:
        raise NegotiationError(str(error)) from error
    return None if name is None else Subprotocol(name)
