"""WHIP publishers of this process (RFC 9725), without HTTP: offers in, answers out."""

from __future__ import annotations

import asyncio
import secrets

import structlog

from streamd import config
from streamd.errors import NoAcceptableCodec
from streamd.relay.notices import NoticeCode
from streamd.relay.stream import Stream
from streamd.webrtc.errors import MuxFull, TooManyPublishers, UnknownSession
from streamd.webrtc.ice_servers import ice_server_links
from streamd.webrtc.mux import Mux
from streamd.webrtc.sdp import Offer, check_offer
from streamd.webrtc.session_life import SessionState
from streamd.webrtc.whip_session import WhipSession

log = structlog.get_logger(__name__)


class WhipSessions:
    """All WHIP sessions. It owns one task a session and awaits the end of each.

    Their datagrams go through ``mux``, which is open as long as there are any. Raises ConfigError
    for ``ice_servers`` that no client could use.
    """

    def __init__(self, settings: config.WebRtc, mux: Mux) -> None:
        self.ice_server_links = ice_server_links(settings.ice_servers)
        """``Link`` headers for every client (RFC 9725 §4.6)."""
        self._settings = settings
        self._mux = mux
        self._sessions: dict[str, WhipSession] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._opening = 0
        self._closed = False

    def __len__(self) -> int:
        return len(self._sessions)

    def get(self, session_id: str) -> WhipSession:
        """Raises UnknownSession."""
        try:
            return self._sessions[session_id]
        except KeyError:
            raise UnknownSession from None

    async def publish(
        self, stream: Stream, offer_sdp: str, *, takeover: bool = False
    ) -> WhipSession:
        """Answers an offer; from then on the publisher's media flows into ``stream``.

        ``takeover`` dismisses whoever publishes there; viewers stay. Raises MalformedOffer,
        NoAcceptableCodec, TooManyPublishers, MuxFull, AlreadyPublishing or NegotiationFailed.
        Cancelled, it leaves nothing behind.
        """
        offer = self._checked(stream, offer_sdp)
        # Whoever publishes there gives way only to somebody who can be carried.
        self._find_room(stream, takeover=takeover)
        session = WhipSession(
            secrets.token_urlsafe(16), stream, offer, self._settings.keyframe_seconds
        )
        self._opening += 1
        try:
            if takeover:
                stream.take_over("another publisher took over")
            await self._retire(stream)
            await session.open(self._mux)
        finally:
            self._opening -= 1
        if self._closed:
            session.end("the server shuts down")
            await session.run()
            raise TooManyPublishers(0)
        self._sessions[session.id] = session
        self._tasks[session.id] = asyncio.create_task(
            self._carry(session), name=f"whip {stream.id}"
        )
        return session

    async def delete(self, session_id: str) -> None:
        """Ends a session; returns when its stream's place is free. Raises UnknownSession."""
        session, task = self.get(session_id), self._tasks[session_id]
        session.end("the publisher ended it")
        await asyncio.wait([task])

    async def close(self) -> None:
        """Ends every session and takes no more; returns when all are gone."""
        self._closed = True
        for session in self._sessions.values():
            session.end("the server shuts down")
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    def _checked(self, stream: Stream, offer_sdp: str) -> Offer:
        try:
            return check_offer(offer_sdp)
        except NoAcceptableCodec as error:
            # Whoever looks into the studio reads it too; not beside a broadcast that goes well.
            if stream.source is None and error.offered:
                facts = {"medium": error.medium} if error.medium == "video" else {}
                stream.notices.add(NoticeCode.REFUSED, codec=", ".join(error.offered), **facts)
            raise

    def _find_room(self, stream: Stream, *, takeover: bool) -> None:
        """Raises TooManyPublishers or MuxFull where the stream's next session has no place, even
        when those that give way to it are gone.
        """
        leaving = sum(
            session.stream is stream and (takeover or _gone(session))
            for session in self._sessions.values()
        )
        limit = 0 if self._closed else self._settings.publishers
        if len(self._sessions) - leaving + self._opening >= limit:
            raise TooManyPublishers(limit)
        if not self._mux.has_room(leaving):
            raise MuxFull

    async def _retire(self, stream: Stream) -> None:
        """Ends the stream's session where its peer went silent, so that the stream is free."""
        for session in tuple(self._sessions.values()):
            if session.stream is stream and _gone(session):
                session.end("another publisher took its place", lost=True)
                # It may have gone while another was waited for.
                task = self._tasks.get(session.id)
                if task is not None:
                    await asyncio.wait([task])

    async def _carry(self, session: WhipSession) -> None:
        """A session's whole life; what goes wrong in it stays in it."""
        try:
            await session.run()
        except Exception:
            log.exception("whip session failed", stream=session.stream.id)
        finally:
            self._sessions.pop(session.id, None)
            self._tasks.pop(session.id, None)


def _gone(session: WhipSession) -> bool:
    """Whether a session gives way without being asked."""
    return session.state is SessionState.ENDED or session.yields()
