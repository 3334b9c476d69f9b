"""One WHIP publisher: its peer's packets through ``Ingest`` into its stream."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import structlog
from aiortc.rtp import RtpPacket

from streamd.errors import StreamdError
from streamd.media.units import Kind
from streamd.relay.health import LinkHealth
from streamd.relay.stream import Publisher, Stream
from streamd.webrtc.errors import UnknownSession
from streamd.webrtc.ice_credentials import Credentials
from streamd.webrtc.ice_exchange import Change, IceExchange
from streamd.webrtc.ingest import Announce, Event, Ingest
from streamd.webrtc.keyframes import KeyframeBeat
from streamd.webrtc.mux import Mux
from streamd.webrtc.peer import Peer
from streamd.webrtc.retransmission import Requests
from streamd.webrtc.sdp import Offer
from streamd.webrtc.sdp_fragment import read_fragment, write_fragment
from streamd.webrtc.session_life import SessionLife, SessionState

log = structlog.get_logger(__name__)

TICK_SECONDS = 0.05
REPORT_SECONDS = 1.0
YIELDS_SECONDS = 3.0
CONNECTING_YIELDS_SECONDS = 6.0


@dataclass(frozen=True, slots=True)
class Figures:
    """Counters of one session, for health and logs.

    ``lost_pictures`` counts holes given up and pictures dropped for them; ``requested_packets``
    and ``requested_keyframes`` what was asked of the publisher; ``concealed_sounds`` stand-ins
    for lost Opus packets; ``overflowed_datagrams`` what found the peer's queue full;
    ``corrections`` the seconds that sound was moved against the picture.
    """

    state: SessionState
    lost_pictures: int
    requested_packets: int
    requested_keyframes: int
    concealed_sounds: int
    overflowed_datagrams: int
    corrections: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class IceRestart:
    """The answer to a restart of ICE: an SDP fragment, and the ETag of what it begins."""

    fragment: str
    etag: str


class WhipSession:
    """A publisher's session. ``id`` is unguessable; ``answer_sdp`` goes back to the client."""

    def __init__(
        self, session_id: str, stream: Stream, offer: Offer, keyframe_seconds: float
    ) -> None:
        self.id = session_id
        self.stream = stream
        self.answer_sdp = ""
        self._offer = offer
        self._ice = IceExchange(offer.credentials)
        self._life = SessionLife(_now())
        self._ingest = Ingest(sound="a" in offer.kinds, parameter_sets=offer.parameter_sets)
        self._beat = KeyframeBeat(keyframe_seconds)
        self._requests = Requests()
        self._wake = asyncio.Event()
        self._wanted = False
        self._peer: Peer | None = None
        self._publisher: Publisher | None = None
        self._restarted: Credentials | None = None
        self._reported = 0.0

    @property
    def state(self) -> SessionState:
        """Where the session stands."""
        return self._life.state

    @property
    def reason(self) -> str:
        """Why the session ended; empty before."""
        return self._life.reason

    @property
    def etag(self) -> str:
        """The tag of the ICE session that counts, quotes included (RFC 9725 §4.3.1)."""
        return self._ice.etag

    def patch(self, text: str, if_match: str | None) -> IceRestart | None:
        """Takes an SDP fragment: candidates (None), or a restart of ICE.

        The media goes on over the old path until the client has chosen one of the new ICE
        session, so a restart that fails ends nothing. Candidates are read and let be: a lite
        agent sends no checks, the client's own make its address known. Raises MalformedOffer,
        PreconditionMissing, StaleSession, UnsupportedChange or UnknownSession.
        """
        fragment = read_fragment(text)
        change = self._ice.judge(fragment, if_match)
        if change is Change.TRICKLE:
            return None
        if self._peer is None or self._peer.carrier.closed:
            raise UnknownSession
        carrier = self._peer.carrier
        # A restart that was given up, since nobody nominated it, begins anew when it is repeated.
        anew = change is Change.RESTART or carrier.agent.newest != self._restarted
        if anew and fragment.credentials is not None:
            self._restarted = carrier.restart()
            self._ice.restart(fragment.credentials)
        kinds = ("video" if kind == "v" else "audio" for kind in self._offer.kinds)
        sections = tuple(zip(kinds, self._offer.mids, strict=True))
        return IceRestart(
            write_fragment(carrier.agent.newest, carrier.local_candidates, sections), self.etag
        )

    def yields(self) -> bool:
        """Whether a new publisher of the same stream may take this one's place: its peer has
        said nothing for a while, as after a crash or a reload. A living peer's checks and media
        never pause that long.
        """
        patience = (
            CONNECTING_YIELDS_SECONDS if self.state is SessionState.CONNECTING else YIELDS_SECONDS
        )
        return self._peer is not None and _now() - self._peer.carrier.heard >= patience

    def figures(self) -> Figures:
        """The session's counters now."""
        carrier = self._peer.carrier if self._peer is not None else None
        return Figures(
            state=self.state,
            lost_pictures=self._ingest.lost_pictures,
            requested_packets=self._requests.sent,
            requested_keyframes=self._beat.requests,
            concealed_sounds=self._ingest.concealed_sounds,
            overflowed_datagrams=carrier.overflowed if carrier is not None else 0,
            corrections=tuple(self._ingest.corrections),
        )

    def link(self) -> LinkHealth | None:
        """The line from the publisher, as its packets and RTCP tell; None before a report."""
        return self._peer.link() if self._peer is not None else None

    async def open(self, mux: Mux) -> None:
        """Takes the stream's place and answers the offer.

        Raises AlreadyPublishing, MuxFull or NegotiationFailed; then, or when cancelled, the
        stream's place is free again.
        """
        self._publisher = self.stream.publish(
            "whip", self._want_keyframe, self._dismissed, self.link
        )
        carrier = None
        try:
            # A publisher's media is a sign of life as good as a check, and some send no checks
            # once they are connected; ``SessionLife`` watches both.
            carrier = mux.connection(consent_seconds=None)
            certificate = await mux.certificate.current()
            self._peer = await Peer.answer(
                self._offer, certificate, self, carrier, on_state=self._wake.set
            )
        except BaseException:
            if carrier is not None:
                carrier.drop()
            self._publisher.lose()
            raise
        self.answer_sdp = self._peer.answer_sdp

    async def run(self) -> None:
        """Lives until the publisher is gone or ``end`` is called; then everything is closed."""
        assert self._peer is not None
        assert self._publisher is not None
        try:
            while self.state is not SessionState.ENDED:
                await self._step(self._peer)
                await self._pause()
        finally:
            # 1. No more units. Where the connection broke, viewers wait for the publisher.
            self._life.end("the server closed it", _now())
            if self._life.lost:
                self._publisher.lose()
            else:
                self._publisher.close()
            # 2. The peer is told (DTLS close_notify), and its place in the mux is free.
            await self._peer.close()
            log.info("whip session ended", stream=self.stream.id, reason=self.reason)

    def end(self, reason: str, *, lost: bool = False) -> None:
        """Makes ``run`` come to its end. ``lost``: the publisher is waited for."""
        self._life.end(reason, _now(), lost=lost)
        self._wake.set()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(TICK_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()

    async def _step(self, peer: Peer) -> None:
        now = _now()
        if peer.state == "connected":
            self._life.connected(now)
        elif peer.state in ("failed", "closed"):
            self._life.end("the connection broke off", now, lost=True)
        self._life.tick(now, peer.carrier.heard)
        if self.state in (SessionState.CONNECTING, SessionState.ENDED):
            return
        self._relay(self._ingest.tick(now))
        await self._ask(peer, now)
        if now - self._reported >= REPORT_SECONDS:
            self._reported = now
            await peer.report_reception()

    async def _ask(self, peer: Peer, now: float) -> None:
        """Asks for what is missing: packets, or a keyframe."""
        if not peer.sends_video:
            return
        due = self._requests.due(self._ingest.missing(), now, peer.round_trip)
        if due:
            await peer.request_packets(due)
        if self._ingest.last_key is not None:
            self._beat.came(self._ingest.last_key)
        if self._beat.due(now, lost=self._ingest.needs_key or self._wanted):
            self._wanted = False
            await peer.request_keyframe()

    def _want_keyframe(self) -> None:
        self._wanted = True
        self._wake.set()

    def _dismissed(self) -> None:
        self.end("the stream ended it")

    def _relay(self, events: list[Event]) -> None:
        publisher = self._publisher
        for event in events:
            if publisher is None or publisher.closed:
                return
            try:
                if isinstance(event, Announce):
                    publisher.announce(event.tracks, time.time() - (_now() - event.zero))
                else:
                    publisher.write(event)
            except StreamdError as error:
                # The relay has told the broadcaster, where it is something to tell.
                self.end(f"its media could not be relayed: {error}")
                return

    # -- the peer's tap

    async def packet(self, kind: Kind, packet: RtpPacket) -> None:
        """A media packet from the peer."""
        now = _now()
        if self._peer is None or self.state is SessionState.ENDED:
            return
        self._life.media(now)
        if kind == "a":
            events = self._ingest.audio(
                packet.sequence_number, packet.timestamp, packet.payload, now
            )
        else:
            events = self._ingest.video(
                packet.sequence_number, packet.timestamp, bool(packet.marker), packet.payload, now
            )
        self._relay(events)
        if kind == "v":
            await self._ask(self._peer, now)

    def report(self, kind: Kind, ntp: int, timestamp: int) -> None:
        """A sender report from the peer."""
        self._ingest.report(kind, ntp, timestamp)

    def new_source(self, kind: Kind) -> None:
        """The peer sends a track from a new source."""
        self._ingest.new_source(kind)

    def disconnected(self, reason: str) -> None:
        """The peer is gone, or has to go."""
        if self._peer is not None and self._peer.carrier.closed:
            self.end("the connection broke off", lost=True)
        else:
            # A goodbye after a silence is that of a client whose line had broken.
            self.end(reason, lost=self.state is SessionState.SILENT)


def _now() -> float:
    return asyncio.get_running_loop().time()
