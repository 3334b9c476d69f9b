"""One WebRTC peer that sends to us: negotiation, feedback, and its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiortc import RTCCertificate, RTCPeerConnection, RTCSessionDescription

from streamd.media.units import Kind
from streamd.webrtc.aiortc_taps import Gate, PacketReceiver, Tap, guard_transport, peer_connection
from streamd.webrtc.errors import NegotiationFailed
from streamd.webrtc.sdp import Offer, with_start_bitrate

NEGOTIATION_SECONDS = 10.0
CLOSE_SECONDS = 5.0
START_KILOBITS = 2_000


class Peer:
    """A peer connection that only receives. Made by ``answer``; ``close`` must be awaited."""

    def __init__(
        self,
        connection: RTCPeerConnection,
        receivers: dict[Kind, PacketReceiver],
        gate: Gate,
    ) -> None:
        self._connection = connection
        self._receivers = receivers
        self.gate = gate

    @classmethod
    async def answer(
        cls,
        offer: Offer,
        certificate: RTCCertificate,
        tap: Tap,
        *,
        loopback: bool,
        on_state: Callable[[], None],
    ) -> Peer:
        """Answers a checked offer. ``on_state`` hears of each change of ``state``.

        Raises NegotiationFailed. When cancelled, nothing stays behind.
        """
        connection = peer_connection(certificate)
        try:
            peer = cls._prepared(connection, offer, tap, loopback)
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
        cls, connection: RTCPeerConnection, offer: Offer, tap: Tap, loopback: bool
    ) -> Peer:
        receivers: dict[Kind, PacketReceiver] = {}
        # In the offer's order: the first section's transport is the one that all share.
        for kind in offer.kinds:
            name = "video" if kind == "v" else "audio"
            transceiver = connection.addTransceiver(name, direction="recvonly")
            receivers[kind] = PacketReceiver(kind, transceiver, tap)
        transport = receivers[offer.kinds[0]].transport
        guard_transport(transport)
        return cls(connection, receivers, Gate(transport, loopback=loopback))

    @property
    def answer_sdp(self) -> str:
        """The answer to send to the client."""
        return with_start_bitrate(self._connection.localDescription.sdp, START_KILOBITS)

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
        """Sends a receiver report for each track."""
        for receiver in self._receivers.values():
            await receiver.report_reception()

    async def close(self) -> None:
        """Ends the connection; the client is told. Takes ``CLOSE_SECONDS`` at most."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._connection.close()
        except TimeoutError:
            return
