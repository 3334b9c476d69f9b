"""One WebRTC peer that sends to us: negotiation, feedback, and its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiortc import RTCCertificate, RTCPeerConnection, RTCSessionDescription

from streamd.media.units import Kind
from streamd.relay.health import LinkHealth
from streamd.webrtc.aiortc_taps import (
    PacketReceiver,
    Tap,
    guard_transport,
    peer_connection,
    receiving_transceiver,
)
from streamd.webrtc.errors import NegotiationFailed
from streamd.webrtc.mux_connection import MuxConnection
from streamd.webrtc.round_trip import RoundTrip
from streamd.webrtc.sdp import Offer
from streamd.webrtc.sdp_answer import as_lite_agent, with_start_bitrate

NEGOTIATION_SECONDS = 10.0
CLOSE_SECONDS = 5.0
START_KILOBITS = 2_000


class Peer:
    """A peer connection that only receives. Made by ``answer``; ``close`` must be awaited."""

    def __init__(
        self,
        connection: RTCPeerConnection,
        receivers: dict[Kind, PacketReceiver],
        carrier: MuxConnection,
    ) -> None:
        self._connection = connection
        self._receivers = receivers
        self.carrier = carrier
        """The peer's share of the mux."""
        self._first = next(iter(receivers.values()))
        self._round_trip = RoundTrip()
        guard_transport(self._first.transport, self._heard)

    @classmethod
    async def answer(
        cls,
        offer: Offer,
        certificate: RTCCertificate,
        tap: Tap,
        carrier: MuxConnection,
        *,
        on_state: Callable[[], None],
    ) -> Peer:
        """Answers a checked offer over ``carrier``. ``on_state`` hears of each change of ``state``.

        Raises NegotiationFailed. When cancelled, nothing stays behind.
        """
        connection = peer_connection(certificate)
        try:
            peer = cls._prepared(connection, offer, tap, carrier)
            connection.on("connectionstatechange", on_state)
            async with asyncio.timeout(NEGOTIATION_SECONDS):
                await connection.setRemoteDescription(RTCSessionDescription(offer.sdp, "offer"))
                await connection.setLocalDescription(await connection.createAnswer())
        except Exception as error:
            await connection.close()
            raise NegotiationFailed(
                "No connection could be agreed on for this offer. "
                "Try again, or with another browser or encoder."
            ) from error
        except BaseException:
            await connection.close()
            raise
        return peer

    @classmethod
    def _prepared(
        cls, connection: RTCPeerConnection, offer: Offer, tap: Tap, carrier: MuxConnection
    ) -> Peer:
        receivers: dict[Kind, PacketReceiver] = {}
        # In the offer's order: the first section's transport is the one that all share.
        for kind in offer.kinds:
            transceiver = receiving_transceiver(connection, kind, carrier)
            receivers[kind] = PacketReceiver(kind, transceiver, tap)
        return cls(connection, receivers, carrier)

    @property
    def answer_sdp(self) -> str:
        """The answer to send to the client."""
        answer = as_lite_agent(self._connection.localDescription.sdp)
        return with_start_bitrate(answer, START_KILOBITS)

    @property
    def state(self) -> str:
        """``new``, ``connecting``, ``connected``, ``failed`` or ``closed``."""
        return self._connection.connectionState

    @property
    def sends_video(self) -> bool:
        """Whether a video packet has come: before that, nobody can be asked for anything."""
        return self._receivers["v"].heard

    async def request_keyframe(self) -> None:
        """Asks for a keyframe (PLI)."""
        await self._receivers["v"].request_keyframe()

    async def request_packets(self, sequences: list[int]) -> None:
        """Asks for video packets again (NACK)."""
        await self._receivers["v"].request_packets(sequences)

    async def report_reception(self) -> None:
        """Sends a receiver report for each track, the first with a question for the round trip."""
        question = self._round_trip.question(self._first.ssrc, _now())
        for receiver in self._receivers.values():
            await receiver.report_reception(question if receiver is self._first else b"")

    @property
    def round_trip(self) -> float | None:
        """Seconds to the peer and back; None while it is not known."""
        return self._round_trip.seconds

    def link(self) -> LinkHealth | None:
        """Loss and jitter as last reported, and the round trip; None before the first report."""
        reports = [one.reception for one in self._receivers.values() if one.reception is not None]
        if not reports:
            return None
        trip = self._round_trip.seconds
        return LinkHealth(
            loss_percent=max(report.loss for report in reports) * 100,
            rtt_ms=trip * 1_000 if trip is not None else None,
            jitter_ms=max(report.jitter for report in reports) * 1_000,
        )

    def _heard(self, compound: bytes) -> None:
        self._round_trip.heard(compound, self._first.ssrc, _now())

    async def close(self) -> None:
        """Ends the connection; the client is told. Takes ``CLOSE_SECONDS`` at most."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._connection.close()
        except TimeoutError:
            return


def _now() -> float:
    return asyncio.get_running_loop().time()
