"""One WHEP viewer: negotiation, its life, and what it says about what it gets."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Coroutine, Mapping
from typing import Any

import structlog

from streamd.errors import MalformedMedia, NegotiationError
from streamd.media.units import Kind
from streamd.webrtc.errors import NegotiationFailed, UnknownSession
from streamd.webrtc.feedback import (
    Estimate,
    Feedback,
    Goodbye,
    Missing,
    PictureLost,
    ReceptionReport,
    read_feedback,
    round_trip,
)
from streamd.webrtc.ice_exchange import Change, IceExchange
from streamd.webrtc.media_clock import ntp_time
from streamd.webrtc.mux import Mux
from streamd.webrtc.rtp_egress import RtpEgress
from streamd.webrtc.sdp_fragment import read_fragment, write_fragment
from streamd.webrtc.sound_pairs import PAIR_MS
from streamd.webrtc.viewer import Viewer
from streamd.webrtc.viewer_life import PATIENCE, ViewerLife, ViewerMove, ViewerState
from streamd.webrtc.viewer_transport import ViewerTransport
from streamd.webrtc.whep_answer import (
    Chosen,
    Local,
    accepted,
    answer,
    choose,
    counter_offer,
    offered,
)
from streamd.webrtc.whep_errors import NotCarried
from streamd.webrtc.whep_offer import Description, Remote, read_description
from streamd.webrtc.whip_session import IceRestart

log = structlog.get_logger(__name__)


class WhepSession:
    """A viewer's session. ``id`` is unguessable; ``description`` goes back to the client.

    ``countered``: the description is an offer of ours, to be answered by ``accept``.
    """

    def __init__(self, session_id: str, egress: RtpEgress, offer: Description) -> None:
        self.id = session_id
        self.egress = egress
        self.stream = egress.stream
        self.description = ""
        self.countered = False
        self.viewer: Viewer | None = None
        """The viewer's media, once the connection stands."""
        self.began = _now()
        self._offer = offer
        self._life = ViewerLife(ViewerState.CONNECTING)
        self._ended = asyncio.Event()
        self._answered = asyncio.Event()
        self._chosen: Mapping[Kind, Chosen] = {}
        self._remote: Remote | None = None
        self._ice: IceExchange | None = None
        self._transport: ViewerTransport | None = None

    @property
    def state(self) -> ViewerState:
        """Where the session stands."""
        return self._life.state

    @property
    def reason(self) -> str:
        """Why the session ended; empty before."""
        return self._life.reason

    @property
    def etag(self) -> str:
        """The tag of the ICE session that counts, quotes included; empty before there is one."""
        return self._ice.etag if self._ice is not None else ""

    # -- negotiation

    async def open(self, mux: Mux, chosen: Mapping[Kind, Chosen] | None) -> None:
        """Answers the offer with ``chosen``, or, where that is None, makes a counter-offer.

        Raises MuxFull. Cancelled, it leaves nothing behind.
        """
        self._transport = await ViewerTransport.reserve(mux, self._control, self.end)
        local = self._local(self._transport)
        if chosen is None:
            self.countered = True
            self._life = ViewerLife(ViewerState.OFFERED)
            kinds = [one.kind for one in self._offer.sections if one.kind is not None]
            self._chosen = offered(kinds, self.egress.profile)
            self.description = counter_offer(self._chosen, local)
            return
        self._chosen = chosen
        passive = self._offer.remote.setup != "passive"
        self._agree(self._offer.remote)
        self.description = answer(self._offer, chosen, local, passive=passive)

    def accept(self, text: str) -> None:
        """The client's answer to the counter-offer.

        Raises MalformedOffer, NoAcceptableCodec, NegotiationFailed, or UnknownSession where no
        answer is awaited.
        """
        if self.state is not ViewerState.OFFERED:
            raise UnknownSession
        description = read_description(text)
        chosen = accepted(description, self._chosen)
        if not chosen:
            raise NegotiationFailed("The answer takes nothing of what was offered.")
        self._chosen, self._offer = chosen, description
        self._agree(description.remote)
        self._life.move(ViewerMove.ANSWER)
        self._answered.set()

    def patch(self, text: str, if_match: str | None) -> IceRestart | None:
        """Takes an SDP fragment: candidates (None), or a restart of ICE.

        As in WHIP: the media goes on over the old path until the client has chosen a new one.
        Raises MalformedOffer, PreconditionMissing, StaleSession, UnsupportedChange or
        UnknownSession.
        """
        fragment = read_fragment(text)
        if self._ice is None or self._transport is None or self._transport.carrier.closed:
            raise UnknownSession
        carrier = self._transport.carrier
        change = self._ice.judge(fragment, if_match)
        if change is Change.TRICKLE:
            return None
        if change is Change.RESTART and fragment.credentials is not None:
            carrier.restart()
            self._ice.restart(fragment.credentials)
        sections = [(one.line, one.mid) for one in self._offer.sections if one.kind is not None]
        return IceRestart(
            write_fragment(carrier.agent.newest, carrier.local_candidates, sections), self.etag
        )

    def _agree(self, remote: Remote) -> None:
        self._remote = remote
        self._ice = IceExchange(remote.credentials)

    def _local(self, transport: ViewerTransport) -> Local:
        return Local(
            transport.carrier.agent.newest,
            transport.candidates,
            transport.fingerprint,
            self.stream.id,
            self.egress.cname,
            self.egress.sources,
        )

    # -- life

    async def run(self) -> None:
        """Lives until the viewer is gone or ``end`` is called; then everything is closed."""
        assert self._transport is not None
        try:
            if self.state is ViewerState.OFFERED:
                await self._patiently(self._answered.wait())
            if self.state is ViewerState.CONNECTING:
                await self._connect(self._transport)
            await self._ended.wait()
        finally:
            # 1. No more media, and a word that it is over.  2. DTLS, then the place in the mux.
            self.end("the server closed it")
            self._leave()
            await self._transport.close()
            log.info("whep session ended", stream=self.stream.id, reason=self.reason)

    def end(self, reason: str) -> None:
        """Makes ``run`` come to its end."""
        self._life.end(reason)
        self._ended.set()

    async def _patiently(self, work: Coroutine[Any, Any, object]) -> None:
        """Awaits for as long as the present state may last, or until the end."""
        seconds, reason = PATIENCE[self.state]
        tasks = (asyncio.create_task(work), asyncio.create_task(self._ended.wait()))
        try:
            done, _ = await asyncio.wait(
                tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if not done:
                self.end(reason)
            elif tasks[0] in done:
                tasks[0].result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _connect(self, transport: ViewerTransport) -> None:
        assert self._remote is not None
        await self._patiently(transport.connect(self._remote))
        if self.state is not ViewerState.CONNECTING:
            return
        protector = transport.protector()
        if protector is None:
            self.end("no secure connection came about")
            return
        self._life.move(ViewerMove.CONNECT)
        sources, pairs = self.egress.sources, self._takes_pairs()
        self.viewer = Viewer(
            {kind: (chosen, sources[kind]) for kind, chosen in self._chosen.items()},
            protector,
            transport.carrier,
            self.egress.histories(pairs=pairs),
            self.stream.request_keyframe,
            # SRTP takes a wrap right at the start for an old packet (RFC 3711 §3.3.1).
            lambda: secrets.randbelow(1 << 15),
            _now(),
            pairs=pairs,
        )
        self.check_tracks()
        if not self._ended.is_set():
            self.egress.join(self.viewer, self.check_tracks)

    def check_tracks(self) -> None:
        """The stream's tracks may be others now; ends the session where what was agreed on no
        longer fits them.
        """
        refusal: NegotiationError | None = self.egress.refusal(sound="a" in self._chosen)
        if refusal is None and not self._fits():
            refusal = NotCarried("The broadcast's H.264 profile has changed.")
        if refusal is not None:
            self.end(str(refusal))

    def _takes_pairs(self) -> bool:
        """Whether packets of sound may be as long as two of the usual ones."""
        sound = self._offer.section("a")
        return sound is None or sound.longest_ms is None or sound.longest_ms >= PAIR_MS

    def _fits(self) -> bool:
        picture = self._chosen.get("v")
        if picture is None:
            return True
        try:
            again = choose(self._offer, self.egress.profile).get("v")
        except NegotiationError:
            return False
        return again is not None and again.payload_type == picture.payload_type

    def _leave(self) -> None:
        if self.viewer is None:
            return
        self.egress.leave(self.viewer)
        try:
            self.viewer.leave()
        except ConnectionError:
            log.debug("a viewer could not be told of the end", stream=self.stream.id)

    # -- what the viewer says

    def _control(self, data: bytes) -> None:
        try:
            for feedback in read_feedback(data):
                self._heard(feedback)
        except MalformedMedia as error:
            log.debug("an RTCP packet could not be read", error=str(error))
        except ConnectionError:
            self.end("its packets could not be protected")

    def _heard(self, feedback: Feedback) -> None:
        viewer, now = self.viewer, _now()
        if viewer is None or self.state is not ViewerState.WATCHING:
            return
        if isinstance(feedback, Missing):
            viewer.repeat(feedback.ssrc, feedback.sequences, now)
        elif isinstance(feedback, PictureLost):
            self.egress.refresh(viewer)
        elif isinstance(feedback, ReceptionReport):
            if viewer.kind_of(feedback.ssrc) == "v":
                viewer.congestion.reported(feedback.lost, feedback.highest, now)
            viewer.round_trip = round_trip(feedback, ntp_time(time.time())) or viewer.round_trip
        elif isinstance(feedback, Estimate):
            viewer.congestion.estimated(feedback.bits, viewer.total().octets, now)
        elif isinstance(feedback, Goodbye):
            self.end("the viewer left")


def _now() -> float:
    return asyncio.get_running_loop().time()
