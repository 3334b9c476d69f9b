"""Every private name of aiortc that streamd leans on, checked when this is imported.

aiortc hands out decoded frames only. Here its ``RTCRtpReceiver`` is replaced, in each
transceiver, by ``PacketReceiver``: the same calls from the transport and the peer connection,
but packets go to a ``Tap`` as they came, and no decoder, jitter buffer or thread exists. Beside
that stands what puts a peer on the mux: its certificate, its ICE transport, and a guard of its
receive loop. Nothing else in streamd touches a name that begins with an underscore there.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import aiortc
import structlog
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCCertificate,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpTransceiver,
    RTCStatsReport,
    rtcicetransport,
    rtcpeerconnection,
    rtp,
)
from aiortc.codecs import is_rtx
from aiortc.rate import AimdRateControl, RemoteBitrateEstimator
from aiortc.rtcdtlstransport import RTCDtlsTransport, RtpRouter
from aiortc.rtcicetransport import RTCIceGatherer, RTCIceTransport
from aiortc.rtcrtpparameters import RTCRtpCodecParameters, RTCRtpReceiveParameters
from aiortc.rtcrtpreceiver import RTCRtpReceiver, StreamStatistics

from streamd.media.opus import SAMPLE_RATE
from streamd.media.units import MEDIA_TIMESCALE, Kind
from streamd.webrtc.mux_connection import MuxConnection

log = structlog.get_logger(__name__)

SOURCES = 8
"""SSRCs that one track may use (its own, its retransmissions', and a few after restarts)."""
TAKEOVER_SECONDS = 1.0
"""A source silent for this long may be followed by another one."""
LOSS_WEIGHT = 0.3
"""Of the newest report in the loss that is shown, so that one bad second does not flash up."""
FIRST_ESTIMATE = 2_500_000
"""Bits a second granted until the estimator has seen three seconds: without a word about
bandwidth Chromium begins at 300 kbit/s and climbs by 8 % a second."""


class TapsMissing(ImportError):
    """The installed aiortc is not one that these taps fit."""


def _assigned(function: Callable[..., object]) -> frozenset[str]:
    """Attribute names that a function mentions, mangled as the compiler mangles them."""
    return frozenset(function.__code__.co_names)


_EXPECTED: tuple[tuple[str, bool], ...] = (
    *(
        (f"RTCDtlsTransport.{name}", hasattr(RTCDtlsTransport, name))
        for name in (
            "_handle_rtp_data",
            "_handle_rtcp_data",
            "_register_rtp_receiver",
            "_unregister_rtp_receiver",
            "_send_rtp",
        )
    ),
    ("RTCDtlsTransport._rtp_router", "_rtp_router" in _assigned(RTCDtlsTransport.__init__)),
    ("RtpRouter.ssrc_table", "ssrc_table" in _assigned(RtpRouter.__init__)),
    ("RTCIceTransport._connection", "_connection" in _assigned(RTCIceTransport.__init__)),
    ("RTCIceGatherer._connection", "_connection" in _assigned(RTCIceGatherer.__init__)),
    ("rtcicetransport.Connection", "Connection" in _assigned(RTCIceGatherer.__init__)),
    (
        "RTCRtpTransceiver.__receiver",
        "_RTCRtpTransceiver__receiver" in _assigned(RTCRtpTransceiver.__init__),
    ),
    (
        "RTCPeerConnection.__certificates",
        "_RTCPeerConnection__certificates" in _assigned(RTCPeerConnection.__init__),
    ),
    ("rtcpeerconnection.RTCCertificate", hasattr(rtcpeerconnection, "RTCCertificate")),
    *(
        (f"RTCRtpReceiver.{name}", hasattr(RTCRtpReceiver, name))
        for name in (
            "receive",
            "stop",
            "setTransport",
            "_set_rtcp_ssrc",
            "_handle_disconnect",
            "_handle_rtcp_packet",
        )
    ),
    (
        "RTCRtpReceiver._handle_rtp_packet(packet, arrival_time_ms)",
        [*inspect.signature(RTCRtpReceiver._handle_rtp_packet).parameters]
        == ["self", "packet", "arrival_time_ms"],
    ),
    ("StreamStatistics(clockrate)", hasattr(StreamStatistics, "fraction_lost")),
    ("AimdRateControl.set_estimate", hasattr(AimdRateControl, "set_estimate")),
    ("rtp.DYNAMIC_PAYLOAD_TYPES", hasattr(rtp, "DYNAMIC_PAYLOAD_TYPES")),
)

_missing = [name for name, found in _EXPECTED if not found]
if _missing:
    raise TapsMissing(
        f"aiortc {aiortc.__version__} lacks what streamd's WebRTC builds on: "
        f"{', '.join(_missing)}. Install the version that pyproject.toml names, "
        "or fit streamd/webrtc/aiortc_taps.py to the new one."
    )

# Clients that offer many codecs number some of them below 96 (RFC 8843 §12.2 lets them); aiortc
# would answer such a codec under a number of its own.
rtp.DYNAMIC_PAYLOAD_TYPES = frozenset((*range(35, 64), *range(96, 128)))  # type: ignore[assignment]


def _replace(target: object, name: str, value: object) -> None:
    """Puts ``value`` in the place of an attribute that must exist."""
    if not hasattr(target, name):
        raise TapsMissing(f"{type(target).__name__} has no {name} to replace.")
    setattr(target, name, value)


class _Ready:
    """Stands in for RTCCertificate while a peer connection is built."""

    def __init__(self, certificate: RTCCertificate) -> None:
        self._certificate = certificate

    def generateCertificate(self) -> RTCCertificate:
        return self._certificate


def peer_connection(certificate: RTCCertificate) -> RTCPeerConnection:
    """A peer connection on a shared certificate, one transport for all, no STUN or TURN server."""
    original = vars(rtcpeerconnection)["RTCCertificate"]
    _replace(rtcpeerconnection, "RTCCertificate", _Ready(certificate))
    try:
        return RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
    finally:
        _replace(rtcpeerconnection, "RTCCertificate", original)


@contextmanager
def _carried_by(connection: MuxConnection) -> Iterator[None]:
    """Within, aiortc's next ICE transport runs on ``connection`` instead of sockets of its own."""
    original = vars(rtcicetransport)["Connection"]
    _replace(rtcicetransport, "Connection", lambda **_: connection)
    try:
        yield
    finally:
        _replace(rtcicetransport, "Connection", original)


def ice_transport(connection: MuxConnection) -> RTCIceTransport:
    """An ICE transport on the mux, for a DTLS transport without a peer connection."""
    with _carried_by(connection):
        return RTCIceTransport(RTCIceGatherer(iceServers=[]))


def receiving_transceiver(
    peer: RTCPeerConnection, kind: Kind, connection: MuxConnection
) -> RTCRtpTransceiver:
    """Adds a transceiver that only receives; the first brings the one transport of all."""
    with _carried_by(connection):
        return peer.addTransceiver("video" if kind == "v" else "audio", direction="recvonly")


class Tap(Protocol):
    """Where a peer's media goes. What these raise is logged once and goes no further."""

    async def packet(self, kind: Kind, packet: rtp.RtpPacket) -> None:
        """A media packet, retransmissions unwrapped."""

    def report(self, kind: Kind, ntp: int, timestamp: int) -> None:
        """A sender report: 64-bit NTP time and the RTP timestamp of the same instant."""

    def new_source(self, kind: Kind) -> None:
        """Another SSRC took over: sequence numbers and timestamps begin anew."""

    def disconnected(self, reason: str) -> None:
        """The peer said goodbye, or its transport is gone, or it misbehaves."""


@dataclass(frozen=True, slots=True)
class Reception:
    """``loss``: the share of packets that went missing lately; ``jitter`` in seconds."""

    loss: float
    jitter: float


class PacketReceiver:
    """A transceiver's receiver that hands packets on. Stands in for aiortc's RTCRtpReceiver.

    The upper half is what RTCPeerConnection and RTCDtlsTransport call, under their names; the
    lower half is what streamd calls to talk back.
    """

    _enabled = True

    def __init__(self, kind: Kind, transceiver: RTCRtpTransceiver, tap: Tap) -> None:
        self._kind: Kind = kind
        self._tap = tap
        self._track: MediaStreamTrack | None = None
        self._transport: RTCDtlsTransport = transceiver.receiver.transport
        self._ssrc = transceiver.sender._ssrc
        self._codecs: dict[int, RTCRtpCodecParameters] = {}
        self._statistics: dict[int, StreamStatistics] = {}
        self._reports: dict[int, tuple[int, float]] = {}
        self._source: int | None = None
        self._source_heard = 0.0
        self._estimator = RemoteBitrateEstimator()
        self._estimated = False
        self._contained = False
        self.reception: Reception | None = None
        """How the track's source was received, as last reported."""
        self._registered = False
        _replace(transceiver, "_RTCRtpTransceiver__receiver", self)

    @property
    def track(self) -> MediaStreamTrack | None:
        return self._track

    @property
    def transport(self) -> RTCDtlsTransport:
        return self._transport

    def setTransport(self, transport: RTCDtlsTransport) -> None:
        self._transport = transport

    def _set_rtcp_ssrc(self, ssrc: int) -> None:
        self._ssrc = ssrc

    async def getStats(self) -> RTCStatsReport:
        return RTCStatsReport()

    async def receive(self, parameters: RTCRtpReceiveParameters) -> None:
        if not self._registered:
            self._codecs = {codec.payloadType or 0: codec for codec in parameters.codecs}
            self._transport._register_rtp_receiver(self, parameters)
            self._registered = True

    async def stop(self) -> None:
        if self._registered:
            self._transport._unregister_rtp_receiver(self)
            self._registered = False

    def _handle_disconnect(self) -> None:
        self._tap.disconnected("the publisher left")

    async def _handle_rtcp_packet(self, packet: rtp.AnyRtcpPacket) -> None:
        try:
            if isinstance(packet, rtp.RtcpSrPacket):
                sent = packet.sender_info
                self._reports[packet.ssrc] = (sent.ntp_timestamp >> 16 & 0xFFFFFFFF, _now())
                if packet.ssrc == self._source:
                    self._tap.report(self._kind, sent.ntp_timestamp, sent.rtp_timestamp)
            elif isinstance(packet, rtp.RtcpByePacket) and self._source in packet.sources:
                self._tap.disconnected("the publisher left")
        except Exception:
            self._contain()

    async def _handle_rtp_packet(self, packet: rtp.RtpPacket, arrival_time_ms: int) -> None:
        try:
            await self._estimate(packet, arrival_time_ms)
            media = self._media(packet)
            if media is not None:
                await self._tap.packet(self._kind, media)
        except Exception:
            self._contain()

    def _contain(self) -> None:
        """An exception in here would end aiortc's receive loop, and the peer with it."""
        if not self._contained:
            self._contained = True
            log.exception("a media packet could not be handled; such will not be logged again")

    def _media(self, packet: rtp.RtpPacket) -> rtp.RtpPacket | None:
        """The media packet in this one; None where it holds none that streamd follows."""
        codec = self._codecs.get(packet.payload_type)
        if codec is None:
            return None
        statistics = self._statistics.get(packet.ssrc)
        if statistics is None:
            if len(self._statistics) >= SOURCES:
                self._tap.disconnected("it sent from too many sources")
                return None
            statistics = self._statistics[packet.ssrc] = StreamStatistics(codec.clockRate)
        statistics.add(packet)
        if not is_rtx(codec):
            return packet if self._follows(packet.ssrc) else None
        associated = codec.parameters.get("apt")
        if len(packet.payload) < 2 or not isinstance(associated, int) or self._source is None:
            return None
        return rtp.unwrap_rtx(packet, payload_type=associated, ssrc=self._source)

    def _follows(self, ssrc: int) -> bool:
        now = _now()
        if ssrc != self._source:
            if self._source is not None:
                if now - self._source_heard < TAKEOVER_SECONDS:
                    return False
                self._tap.new_source(self._kind)
            self._source = ssrc
        self._source_heard = now
        return True

    async def _estimate(self, packet: rtp.RtpPacket, arrival_time_ms: int) -> None:
        """Feeds the bandwidth estimate and sends it when it is due (REMB)."""
        sent_at = packet.extensions.abs_send_time
        if sent_at is None:
            return
        if not self._estimated:
            self._estimated = True
            self._estimator.rate_control.set_estimate(FIRST_ESTIMATE, arrival_time_ms)
        estimate = self._estimator.add(
            abs_send_time=sent_at,
            arrival_time_ms=arrival_time_ms,
            payload_size=len(packet.payload) + packet.padding_size,
            ssrc=packet.ssrc,
        )
        if estimate is not None:
            fci = rtp.pack_remb_fci(*estimate)
            await self._feedback(rtp.RTCP_PSFB_APP, media_ssrc=0, fci=fci)

    @property
    def heard(self) -> bool:
        """Whether a source is known."""
        return self._source is not None

    async def request_keyframe(self) -> None:
        """Sends a picture loss indication, once a source is known."""
        if self._source is not None:
            await self._feedback(rtp.RTCP_PSFB_PLI, media_ssrc=self._source)

    async def request_packets(self, sequences: list[int]) -> None:
        """Sends a generic NACK for these 16-bit sequence numbers."""
        if self._source is not None and sequences:
            packet = rtp.RtcpRtpfbPacket(
                fmt=rtp.RTCP_RTPFB_NACK, ssrc=self._ssrc, media_ssrc=self._source
            )
            packet.lost = sorted(sequences)
            await self._send(bytes(packet))

    @property
    def ssrc(self) -> int:
        """The SSRC that feedback and reports are sent from."""
        return self._ssrc

    async def report_reception(self, appended: bytes = b"") -> None:
        """Sends a receiver report on every source heard so far (RFC 3550 §6.4.2).

        ``appended`` are further RTCP packets for the same compound.
        """
        reports = []
        for ssrc, statistics in self._statistics.items():
            middle, arrived = self._reports.get(ssrc, (0, 0.0))
            delay = min(_now() - arrived, 65_535.0) if middle else 0.0
            lost, jitter = min(statistics.fraction_lost, 255), statistics.jitter
            if ssrc == self._source:
                rate = SAMPLE_RATE if self._kind == "a" else MEDIA_TIMESCALE
                before = self.reception.loss if self.reception is not None else lost / 256
                loss = before + LOSS_WEIGHT * (lost / 256 - before)
                self.reception = Reception(loss=loss, jitter=jitter / rate)
            reports.append(
                rtp.RtcpReceiverInfo(
                    ssrc=ssrc,
                    fraction_lost=lost,
                    packets_lost=statistics.packets_lost,
                    highest_sequence=statistics.max_seq or 0,
                    jitter=min(jitter, 0xFFFFFFFF),
                    lsr=middle,
                    dlsr=int(delay * 65_536),
                )
            )
        if reports:
            report = rtp.RtcpRrPacket(ssrc=self._ssrc, reports=reports)
            await self._send(bytes(report) + appended)

    async def _feedback(self, fmt: int, *, media_ssrc: int, fci: bytes = b"") -> None:
        packet = rtp.RtcpPsfbPacket(fmt=fmt, ssrc=self._ssrc, media_ssrc=media_ssrc, fci=fci)
        await self._send(bytes(packet))

    async def _send(self, packet: bytes) -> None:
        try:
            await self._transport._send_rtp(packet)
        except ConnectionError:
            # Not connected yet, or no longer: feedback is worth nothing then.
            return


def _now() -> float:
    return asyncio.get_running_loop().time()


def guard_transport(
    transport: RTCDtlsTransport, on_rtcp: Callable[[bytes], None] = lambda _: None
) -> None:
    """Keeps malformed packets of an authenticated peer from ending its receive loop.

    ``on_rtcp`` hears each compound RTCP packet, decrypted, before aiortc reads it. aiortc catches
    ValueError there; a header extension of the wrong size raises struct.error.
    """
    handle_rtp, handle_rtcp = transport._handle_rtp_data, transport._handle_rtcp_data

    async def contained_rtp(data: bytes, arrival_time_ms: int) -> None:
        if len(transport._rtp_router.ssrc_table) > 4 * SOURCES:
            return
        try:
            await handle_rtp(data, arrival_time_ms=arrival_time_ms)
        except Exception as error:
            log.debug("an RTP packet could not be read", error=repr(error))

    async def contained_rtcp(data: bytes) -> None:
        try:
            on_rtcp(data)
            await handle_rtcp(data)
        except Exception as error:
            log.debug("an RTCP packet could not be read", error=repr(error))

    _replace(transport, "_handle_rtp_data", contained_rtp)
    _replace(transport, "_handle_rtcp_data", contained_rtcp)
