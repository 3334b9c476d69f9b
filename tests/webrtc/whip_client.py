"""A WHIP publisher without a browser: aiortc sending pictures and sounds that were coded before.

Its way to the server can lose datagrams, and it can vanish without a word.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from fractions import Fraction
from typing import Any

import av
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.rtcrtpsender import RTCRtpSender as Sender

from streamd.webrtc.ice_credentials import Credentials
from streamd.webrtc.stun import binding_request
from tests.webrtc.rtp_source import coded_pictures, coded_sounds

START_CODE = b"\0\0\0\1"


class CodedTrack(MediaStreamTrack):
    """Plays coded packets in a loop at their own pace."""

    def __init__(self, kind: str, packets: tuple[bytes, ...], step: Fraction) -> None:
        super().__init__()
        self.kind = kind
        self._packets = packets
        self._step = step
        self._sent = 0
        self._start: float | None = None

    async def recv(self) -> av.Packet[Any]:
        now = asyncio.get_running_loop().time()
        if self._start is None:
            self._start = now
        await asyncio.sleep(max(0.0, self._start + float(self._sent * self._step) - now))
        packet = av.Packet(self._packets[self._sent % len(self._packets)])
        packet.pts, packet.time_base = self._sent, self._step
        self._sent += 1
        return packet


class WhipClient:
    """One publisher. ``loss`` is the share of its media datagrams that never arrive."""

    def __init__(self, *, sound: bool = True, loss: float = 0.0) -> None:
        self.loss = loss
        self.vanished = False
        self._noise = random.Random(7)
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        pictures = tuple(START_CODE + START_CODE.join(nals) for nals in coded_pictures())
        self._add("video", pictures, Fraction(1, 30))
        if sound:
            self._add("audio", coded_sounds(), Fraction(1, 50))

    def _add(self, kind: str, packets: tuple[bytes, ...], step: Fraction) -> None:
        transceiver = self._connection.addTransceiver(CodedTrack(kind, packets, step), "sendonly")
        if kind == "video":
            codecs = RTCRtpSender.getCapabilities("video").codecs
            transceiver.setCodecPreferences([c for c in codecs if c.mimeType != "video/VP8"])

    async def offer(self) -> str:
        transports = {id(sender.transport): sender.transport for sender in self._senders()}
        for transport in transports.values():
            self._lossy(transport.transport)
        await self._connection.setLocalDescription(await self._connection.createOffer())
        return self._connection.localDescription.sdp

    async def accept(self, answer: str) -> None:
        await self._connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    def _senders(self) -> list[Sender]:
        return self._connection.getSenders()

    def _lossy(self, transport: object) -> None:
        send: Callable[[bytes], object] = vars(transport)["_send"]

        async def sent(datagram: bytes) -> None:
            media = 128 <= datagram[0] < 192 and not 192 <= datagram[1] <= 208
            if not self.vanished and not (media and self._noise.random() < self.loss):
                await send(datagram)  # type: ignore[misc]

        vars(transport)["_send"] = sent

    def state(self) -> str:
        """The peer connection's state."""
        return str(self._connection.connectionState)

    @contextmanager
    def check(self, credentials: Credentials) -> Iterator[tuple[str, int]]:
        """Nominates another address for the server's credentials; gives that address."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.1", 0))
            request = binding_request(
                os.urandom(12),
                f"{credentials.ufrag}:newu",
                credentials.password,
                attributes=b"\x00\x25\x00\x00",
            )
            other.sendto(request, ("127.0.0.1", self.server_ports()[0]))
            yield other.getsockname()

    def server_ports(self) -> list[int]:
        """The server's ports on the loopback address."""
        remote = self._connection.remoteDescription.sdp
        lines = [line.split() for line in remote.splitlines() if line.startswith("a=candidate:")]
        return sorted({int(line[5]) for line in lines if line[4] == "127.0.0.1"})

    def own_sockets(self) -> list[socket.socket]:
        """Duplicates of the IPv4 sockets that media is sent from."""
        ice = self._senders()[0].transport.transport._connection
        sockets = [protocol.transport.get_extra_info("socket") for protocol in ice._protocols]
        return [
            socket.socket(fileno=os.dup(item.fileno()))
            for item in sockets
            if item.family == socket.AF_INET
        ]

    async def send_raw(self, packet: bytes) -> None:
        """Encrypts and sends an RTP or RTCP packet made by hand."""
        await self._senders()[0].transport._send_rtp(packet)

    def video_payload_type(self) -> int:
        """The payload type that the answer chose for video."""
        sections = self._connection.remoteDescription.sdp.split("m=video ")
        return int(sections[1].split()[2])

    def vanish(self) -> None:
        """As if the plug were pulled: nothing is said any more, no check is answered."""
        self.vanished = True
        ice = self._senders()[0].transport.transport._connection
        for protocol in ice._protocols:
            protocol.transport.close()

    async def close(self) -> None:
        await self._connection.close()


@asynccontextmanager
async def whip_client(*, sound: bool = True, loss: float = 0.0) -> AsyncIterator[WhipClient]:
    client = WhipClient(sound=sound, loss=loss)
    try:
        yield client
    finally:
        await client.close()
