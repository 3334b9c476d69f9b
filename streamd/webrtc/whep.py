"""WHEP viewers of this process (draft-ietf-wish-whep), without HTTP: offers in, answers out."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Iterator

import structlog

from streamd import config
from streamd.errors import NoAcceptableCodec
from streamd.relay.lifecycle import StreamState
from streamd.relay.notices import NoticeCode
from streamd.relay.stream import Stream
from streamd.webrtc.errors import UnknownSession
from streamd.webrtc.mux import Mux
from streamd.webrtc.rtp_egress import RtpEgress
from streamd.webrtc.viewer_life import ViewerState
from streamd.webrtc.whep_answer import choose
from streamd.webrtc.whep_errors import NotCarried, NotLive, ProfileMissing, TooManyViewers
from streamd.webrtc.whep_offer import read_description
from streamd.webrtc.whep_session import WhepSession

log = structlog.get_logger(__name__)

UNCONNECTED_SECONDS = 2.0
"""Where every place is taken, a session that has not connected for this long gives up its own, so
that offers nobody means to follow up on cannot keep viewers out."""


class WhepSessions:
    """All WHEP sessions, and a way out by RTP for each stream that was ever on air.

    It owns one task a session and one a stream, and awaits the end of each.
    """

    def __init__(self, settings: config.WebRtc, mux: Mux) -> None:
        self._settings = settings
        self._mux = mux
        self._sessions: dict[str, WhepSession] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._egresses: dict[str, RtpEgress] = {}
        self._readers: dict[str, asyncio.Task[None]] = {}
        self._opening = 0
        self._closed = False
        self.refused: Counter[str] = Counter()
        """Offers refused, by the name of the error."""

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[WhepSession]:
        return iter(tuple(self._sessions.values()))

    def get(self, session_id: str) -> WhepSession:
        """Raises UnknownSession."""
        try:
            return self._sessions[session_id]
        except KeyError:
            raise UnknownSession from None

    def egresses(self) -> tuple[RtpEgress, ...]:
        """The ways out, one a stream that was ever on air."""
        return tuple(self._egresses.values())

    def egress(self, stream: Stream) -> RtpEgress | None:
        """The stream's way out; None where it was never on air."""
        return self._egresses.get(stream.id)

    def on_stream(self, stream: Stream) -> None:
        """A stream has a new state or generation. Call it on the loop, before its next unit."""
        egress = self._egresses.get(stream.id)
        if stream.state is StreamState.ENDED and egress is not None:
            for session in self:
                if session.egress is egress:
                    session.end("the broadcast ended")
            egress.forget()
        elif stream.state is StreamState.LIVE and egress is None and not self._closed:
            egress = self._egresses[stream.id] = RtpEgress(stream, self._mux.tray.flush)
            self._readers[stream.id] = asyncio.create_task(
                egress.run(), name=f"whep egress {stream.id}"
            )

    async def watch(self, stream: Stream, offer_sdp: str) -> WhepSession:
        """Answers an offer; what comes back may be a counter-offer (``session.countered``).

        Raises MalformedOffer, NotLive, TooManyViewers, NotCarried, or MuxFull. Cancelled, it
        leaves nothing behind.
        """
        try:
            return await self._watch(stream, offer_sdp)
        except Exception as error:
            self.refused[type(error).__name__] += 1
            if isinstance(error, ProfileMissing):
                stream.notices.add(NoticeCode.PROFILE, profile=error.profile)
            raise

    async def _watch(self, stream: Stream, offer_sdp: str) -> WhepSession:
        offer = read_description(offer_sdp)
        egress = self._egresses.get(stream.id)
        if egress is None or not egress.on_air:
            raise NotLive(stream.id)
        refusal: NotCarried | None = egress.refusal(sound=offer.section("a") is not None)
        if refusal is not None:
            raise refusal
        try:
            chosen = choose(offer, egress.profile)
        except NoAcceptableCodec:
            chosen = None
        self._make_room()
        session = WhepSession(secrets.token_urlsafe(24), egress, offer)
        self._opening += 1
        try:
            await session.open(self._mux, chosen)
        finally:
            self._opening -= 1
        self._sessions[session.id] = session
        self._tasks[session.id] = asyncio.create_task(
            self._carry(session), name=f"whep {stream.id}"
        )
        if self._closed:
            session.end("the server shuts down")
        return session

    async def delete(self, session_id: str) -> None:
        """Ends a session; returns when its place is free. Raises UnknownSession."""
        session, task = self.get(session_id), self._tasks[session_id]
        session.end("the viewer ended it")
        await asyncio.wait([task])

    async def close(self) -> None:
        """Ends every session and takes no more; returns when all are gone."""
        self._closed = True
        for session in self:
            session.end("the server shuts down")
        for reader in self._readers.values():
            reader.cancel()
        waited = [*self._tasks.values(), *self._readers.values()]
        if waited:
            await asyncio.wait(waited)

    def _make_room(self) -> None:
        """Raises TooManyViewers where every place is taken by one who watches."""
        limit = 0 if self._closed else self._settings.viewers
        if len(self._sessions) + self._opening < limit:
            return
        now = asyncio.get_running_loop().time()
        for session in self:
            waits = session.state in (ViewerState.OFFERED, ViewerState.CONNECTING)
            if limit and waits and now - session.began >= UNCONNECTED_SECONDS:
                session.end("another viewer took its place")
                self._sessions.pop(session.id, None)
                return
        raise TooManyViewers(limit)

    async def _carry(self, session: WhepSession) -> None:
        """A session's whole life; what goes wrong in it stays in it."""
        try:
            await session.run()
        except Exception:
            log.exception("whep session failed", stream=session.stream.id)
        finally:
            self._sessions.pop(session.id, None)
            self._tasks.pop(session.id, None)
