"""A WHEP viewer without a browser: aiortc, which decodes what it gets.

Its way from the server can lose datagrams, and it can fall silent.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCSessionDescription,
)
from aiortc.rtp import AnyRtcpPacket, RtcpPsfbPacket, RtcpSrPacket, RtpPacket
from av import AudioFrame, VideoFrame

from streamd.webrtc.media_clock import NTP_EPOCH


class WhepClient:
    """One viewer. ``lose`` says which media packets, encrypted, never arrive."""

    def __init__(self, *, sound: bool = True, codec: str = "video/H264") -> None:
        self.pictures: list[VideoFrame] = []
        self.sounds: list[AudioFrame] = []
        self.packets: list[RtpPacket] = []
        self.begins: dict[str, int] = {}
        self.reports: dict[str, RtcpSrPacket] = {}
        self.lose: Callable[[bytes], bool] = lambda _: False
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        video = self._connection.addTransceiver("video", direction="recvonly")
        known = RTCRtpReceiver.getCapabilities("video")
        codecs = known.codecs if known is not None else []
        rtx = [one for one in codecs if one.mimeType == "video/rtx"]
        video.setCodecPreferences([one for one in codecs if one.mimeType == codec] + rtx)
        self._receivers = {"video": video.receiver}
        if sound:
            audio = self._connection.addTransceiver("audio", direction="recvonly")
            self._receivers["audio"] = audio.receiver
        self._video = video
        self._tasks: list[asyncio.Task[None]] = []
        self._connection.on("track", self._on_track)

    @property
    def state(self) -> str:
        return self._connection.connectionState

    async def offer(self) -> str:
        await self._connection.setLocalDescription(await self._connection.createOffer())
        return self._connection.localDescription.sdp

    async def accept(self, answer: str) -> None:
        await self._connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        self._tap()

    async def answer(self, offer: str) -> str:
        """For a counter-offer."""
        await self._connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await self._connection.setLocalDescription(await self._connection.createAnswer())
        self._tap()
        return self._connection.localDescription.sdp

    def _tap(self) -> None:
        for kind, receiver in self._receivers.items():
            self._tap_receiver(kind, receiver)
        transport = self._video.receiver.transport
        receive = transport.transport._recv

        async def received() -> bytes:
            while True:
                datagram = await receive()
                media = 128 <= datagram[0] < 192 and not 192 <= datagram[1] <= 208
                if not (media and self.lose(datagram)):
                    return datagram

        vars(transport.transport)["_recv"] = received

    def _tap_receiver(self, kind: str, receiver: RTCRtpReceiver) -> None:
        handle, handle_control = receiver._handle_rtp_packet, receiver._handle_rtcp_packet

        async def kept(packet: RtpPacket, arrival_time_ms: int) -> None:
            self.begins.setdefault(kind, packet.timestamp)
            if kind == "video":
                self.packets.append(packet)
            await handle(packet, arrival_time_ms)

        async def noted(packet: AnyRtcpPacket) -> None:
            if isinstance(packet, RtcpSrPacket):
                self.reports[kind] = packet
            await handle_control(packet)

        vars(receiver)["_handle_rtp_packet"] = kept
        vars(receiver)["_handle_rtcp_packet"] = noted

    def captured(self, kind: str, pts: int, rate: int) -> float:
        """Unix time of a decoded frame's capture, by the newest sender report. aiortc counts a
        track's ``pts`` from its first packet.
        """
        report = self.reports[kind].sender_info
        ticks = (self.begins[kind] + pts - report.rtp_timestamp + (1 << 31)) % (1 << 32) - (1 << 31)
        return report.ntp_timestamp / (1 << 32) - NTP_EPOCH + ticks / rate

    def _on_track(self, track: MediaStreamTrack) -> None:
        self._tasks.append(asyncio.create_task(self._play(track)))

    async def _play(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(Exception):
            while True:
                frame = await track.recv()
                if isinstance(frame, VideoFrame):
                    self.pictures.append(frame)
                elif isinstance(frame, AudioFrame):
                    self.sounds.append(frame)

    async def ask_for_keyframe(self) -> None:
        """Sends a PLI."""
        receiver = self._video.receiver
        source = self.packets[-1].ssrc
        packet = RtcpPsfbPacket(
            fmt=1, ssrc=vars(receiver)["_RTCRtpReceiver__rtcp_ssrc"], media_ssrc=source
        )
        await receiver.transport._send_rtp(bytes(packet))

    async def send_raw(self, packet: bytes) -> None:
        """Encrypts and sends an RTCP packet made by hand."""
        await self._video.receiver.transport._send_rtp(packet)

    def fall_silent(self) -> None:
        """As if the plug were pulled."""
        ice = self._video.receiver.transport.transport._connection
        for protocol in ice._protocols:
            protocol.transport.close()

    async def close(self) -> None:
        await self._connection.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)


@asynccontextmanager
async def whep_client(
    *, sound: bool = True, codec: str = "video/H264"
) -> AsyncIterator[WhepClient]:
    client = WhepClient(sound=sound, codec=codec)
    try:
        yield client
    finally:
        await client.close()
