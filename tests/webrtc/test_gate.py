"""The gate before aioice, on sockets that nobody has agreed on yet."""

from __future__ import annotations

import asyncio
import socket

from aiortc import RTCCertificate

from streamd.webrtc.aiortc_taps import QUEUED_DATAGRAMS, Gate, peer_connection
from tests.webrtc.whip_server import until


async def test_candidates_hold_the_loopback_address_only_where_it_is_wanted() -> None:
    for loopback in (True, False):
        peer = peer_connection(RTCCertificate.generateCertificate())
        transceiver = peer.addTransceiver("video", direction="recvonly")
        Gate(transceiver.receiver.transport, loopback=loopback)
        await peer.setLocalDescription(await peer.createOffer())
        assert (" 127.0.0.1 " in peer.localDescription.sdp.split("m=", 1)[1]) == loopback
        await peer.close()


async def test_before_anyone_passed_a_check_nothing_gets_in() -> None:
    peer = peer_connection(RTCCertificate.generateCertificate())
    transceiver = peer.addTransceiver("video", direction="recvonly")
    gate = Gate(transceiver.receiver.transport, loopback=True)
    await peer.setLocalDescription(await peer.createOffer())
    lines = [line.split() for line in peer.localDescription.sdp.splitlines()]
    port = next(
        int(line[5])
        for line in lines
        if line[0].startswith("a=candidate") and line[4] == "127.0.0.1"
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for datagram in (b"", b"\x80" * 40, b"\x80" * 1_501, b"\x16\xfe\xfd", b"\x00\x01\x00"):
            stranger.sendto(datagram, ("127.0.0.1", port))
    await until(lambda: gate.refused == 5)
    await peer.close()


async def test_what_waits_is_bounded() -> None:
    peer = peer_connection(RTCCertificate.generateCertificate())
    transceiver = peer.addTransceiver("video", direction="recvonly")
    transport = transceiver.receiver.transport
    gate = Gate(transport, loopback=True)
    connection = transport.transport._connection
    for _ in range(QUEUED_DATAGRAMS + 7):
        connection.data_received(b"\x80" * 100, 1)
    connection.data_received(b"", 1)
    assert connection._queue.qsize() == QUEUED_DATAGRAMS
    assert (gate.overflowed, gate.refused) == (7, 1)
    await peer.close()


async def test_cancelled_gathering_leaves_no_socket_open() -> None:
    for turns in range(8):
        peer = peer_connection(RTCCertificate.generateCertificate())
        peer.addTransceiver("video", direction="recvonly")
        Gate(peer.getTransceivers()[0].receiver.transport, loopback=True)
        task = asyncio.ensure_future(peer.setLocalDescription(await peer.createOffer()))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        await peer.close()
