"""Many WebRTC viewers in one process: ``python -m loadtests.webrtc_viewers``.

Each is a real peer: ICE with its checks, DTLS-SRTP, receiver reports. What the server sends is
counted as it arrives and neither decrypted nor decoded, so that this process keeps up. Commands:

- ``{"do": "offer"}``: ``{"id", "sdp"}``, an offer to receive one video and one audio track
- ``{"do": "accept", "id", "sdp"}``: the answer to it: ``{}``
- ``{"do": "answer", "sdp"}``: ``{"id", "sdp"}``, the answer to a server's offer
- ``{"do": "count"}``: ``{"connected", "packets", "bytes", "silent"}``; ``silent`` are connected
  viewers to whom nothing has come yet
"""

from __future__ import annotations

import asyncio
from typing import Any

from aioice import ice
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from loadtests.commands import answer, commands

PATIENCE = 60
"""Unanswered checks in a row, at five seconds each, after which a viewer gives up: this process may
itself be what is late while hundreds join."""


class Arrivals:
    """Counts what arrives: SRTP by its first byte (RFC 7983 §7), before anything reads it."""

    def __init__(self) -> None:
        self.packets = 0
        self.bytes = 0
        self.heard: set[ice.Connection] = set()
        receive = ice.StunProtocol.datagram_received

        def datagram_received(protocol: Any, data: bytes, address: Any) -> None:
            # RTCP (second byte 192–223, RFC 5761 §4) goes on: reports are answered.
            if data and 128 <= data[0] <= 191 and not 192 <= data[1] <= 223:
                self.packets += 1
                self.bytes += len(data)
                self.heard.add(protocol.receiver)
            else:
                receive(protocol, data, address)

        ice.StunProtocol.datagram_received = datagram_received  # type: ignore[method-assign, assignment]


class Viewers:
    """The peers, by number."""

    def __init__(self) -> None:
        self._peers: list[RTCPeerConnection] = []

    def _peer(self) -> RTCPeerConnection:
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._peers.append(peer)
        return peer

    @property
    def connected(self) -> int:
        """How many have finished ICE and DTLS."""
        return sum(peer.connectionState == "connected" for peer in self._peers)

    async def offer(self) -> dict[str, object]:
        """A new viewer's offer."""
        peer = self._peer()
        for kind in ("video", "audio"):
            peer.addTransceiver(kind, direction="recvonly")
        await peer.setLocalDescription(await peer.createOffer())
        return {"id": len(self._peers) - 1, "sdp": peer.localDescription.sdp}

    async def accept(self, number: int, sdp: str) -> None:
        """The answer to viewer ``number``'s offer; ICE and DTLS begin."""
        await self._peers[number].setRemoteDescription(RTCSessionDescription(sdp, "answer"))

    async def answer(self, sdp: str) -> dict[str, object]:
        """A new viewer's answer to a server's offer."""
        peer = self._peer()
        await peer.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        return {"id": len(self._peers) - 1, "sdp": peer.localDescription.sdp}

    async def close(self) -> None:
        """Ends all of them."""
        await asyncio.gather(*(peer.close() for peer in self._peers), return_exceptions=True)


async def main() -> None:
    """Answers commands until standard input ends."""
    ice.CONSENT_FAILURES = PATIENCE
    arrivals, viewers = Arrivals(), Viewers()
    async for command in commands():
        match command["do"]:
            case "offer":
                answer(await viewers.offer())
            case "accept":
                await viewers.accept(command["id"], command["sdp"])
                answer({})
            case "answer":
                answer(await viewers.answer(command["sdp"]))
            case "count":
                connected = viewers.connected
                answer(
                    {
                        "connected": connected,
                        "packets": arrivals.packets,
                        "bytes": arrivals.bytes,
                        "silent": max(0, connected - len(arrivals.heard)),
                    }
                )
    await viewers.close()


if __name__ == "__main__":
    asyncio.run(main())
