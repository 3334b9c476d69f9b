"""RTMP ingest: listens, keeps its sessions, and knows whose stream a key opens."""

from __future__ import annotations

import asyncio
from collections import Counter

import structlog

from streamd import config
from streamd.config import STREAM_ID
from streamd.errors import Unauthenticated
from streamd.keys import StreamKeys
from streamd.relay.stream import Stream
from streamd.relay.streams import Streams
from streamd.rtmp.address import Wanted
from streamd.rtmp.session import READ_BYTES, Session
from streamd.rtmp.states import SessionState

log = structlog.get_logger(__name__)

GONE_SECONDS = 3.0
"""A publisher that has been silent this long gives its place to one that comes anew: an encoder
that lost its line connects again long before the old connection is known to be dead."""

_NO_KEY = "This needs the stream's key: put the one from your studio into the encoder's stream key."


class RtmpServer:
    """All RTMP sessions of this process. ``rtmp://HOST:PORT/live`` is the address to publish to.

    Past ``settings.connections`` the oldest connection that does not publish gives way; where all
    publish, the newcomer is closed and ``turned_away`` counts it.
    """

    def __init__(self, settings: config.Rtmp, streams: Streams, keys: StreamKeys) -> None:
        self._settings = settings
        self._streams = streams
        self._keys = keys
        self._server: asyncio.Server | None = None
        self._sessions: dict[Session, asyncio.Task[None]] = {}
        self.turned_away = 0
        self._broken = 0

    def __len__(self) -> int:
        return len(self._sessions)

    @property
    def broken(self) -> int:
        """Messages that could not be read, in all connections since the start."""
        return self._broken + sum(session.broken for session in self._sessions)

    def states(self) -> Counter[SessionState]:
        """How many connections stand where."""
        return Counter(session.state for session in self._sessions)

    @property
    def port(self) -> int:
        """The port that is listened on; 0 before ``start``."""
        if self._server is None:
            return 0
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listens. Raises OSError where the address is taken."""
        self._server = await asyncio.start_server(
            self._connected, self._settings.host, self._settings.port, limit=READ_BYTES
        )

    async def close(self) -> None:
        """Takes no more, tells every encoder, and waits until the sessions are over."""
        # 1. Nobody new.
        if self._server is not None:
            self._server.close()
        # 2. Encoders are told; a broadcast is over where its server stops.
        for session in self._sessions:
            session.end("NetConnection.Connect.AppShutdown", "The server restarts. Come back.")
        # 3. Sessions end by themselves, in their lingering time.
        if self._sessions:
            await asyncio.gather(*self._sessions.values(), return_exceptions=True)
        # 4. The listener.
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None

    # -- within

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._sessions) >= self._settings.connections and not self._yield_place():
            self.turned_away += 1
            log.warning("RTMP connection turned away: no place")
            writer.close()
            return
        session = Session(reader, writer, self._settings, self._authorize, self._make_room)
        task = asyncio.create_task(self._run(session), name="rtmp session")
        self._sessions[session] = task

    async def _run(self, session: Session) -> None:
        try:
            await session.run()
        except Exception:
            # One connection's fault is not another's: the log has it, the others go on.
            log.exception("an RTMP session failed")
        finally:
            del self._sessions[session]
            self._broken += session.broken

    def _yield_place(self) -> bool:
        """Ends the oldest session that does not publish; False where there is none, or too many
        of those that were ended linger.
        """
        if len(self._sessions) >= 2 * self._settings.connections:
            return False
        for session in self._sessions:
            if session.state not in (SessionState.PUBLISHING, SessionState.ENDED):
                session.end("NetStream.Publish.Denied", "Too many connections.")
                return True
        return False

    async def _authorize(self, asked: Wanted) -> Stream:
        """The stream that ``asked`` may publish to.

        Raises AccessError, UnknownStream, StoreUnavailable.
        """
        if not asked.key:
            raise Unauthenticated(_NO_KEY)
        if asked.stream is None:
            record = await self._keys.find(asked.key)
            if not record.stream:
                raise Unauthenticated("With the headquarters' key, name the stream: STREAM?key=KEY")
            return self._streams.add(record.stream)
        record = await self._keys.check(asked.key, asked.stream)
        if record.stream == asked.stream and STREAM_ID.fullmatch(asked.stream):
            # A key made while streamd runs brings its stream into being.
            return self._streams.add(asked.stream)
        return self._streams.get(asked.stream)

    def _make_room(self, stream: Stream, take_over: bool) -> None:
        for session in tuple(self._sessions):
            if session.stream is stream and session.silent_seconds >= GONE_SECONDS:
                session.lose()
        if take_over:
            stream.take_over("another RTMP encoder takes over")
