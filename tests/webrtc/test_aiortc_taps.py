from __future__ import annotations

import subprocess
import sys
import time

from aiortc import RTCCertificate, rtcpeerconnection

from streamd.webrtc.aiortc_taps import TapsMissing, peer_connection

BROKEN = """
import aiortc.rtcdtlstransport
del aiortc.rtcdtlstransport.RTCDtlsTransport._handle_rtp_data
del aiortc.rtcdtlstransport.RTCDtlsTransport._send_rtp
import streamd.webrtc.aiortc_taps
"""


def test_a_missing_private_name_stops_the_import_and_is_named() -> None:
    result = subprocess.run(
        [sys.executable, "-c", BROKEN], capture_output=True, text=True, check=False
    )
    assert result.returncode != 0
    assert "TapsMissing" in result.stderr
    assert "RTCDtlsTransport._handle_rtp_data, RTCDtlsTransport._send_rtp" in result.stderr
    assert issubclass(TapsMissing, ImportError)


async def test_peers_share_one_certificate_and_know_no_public_server() -> None:
    certificate = RTCCertificate.generateCertificate()
    started = time.perf_counter()
    peers = [peer_connection(certificate) for _ in range(20)]
    assert time.perf_counter() - started < 1.0
    assert rtcpeerconnection.RTCCertificate is RTCCertificate  # type: ignore[attr-defined]
    offers = []
    for peer in peers[:2]:
        peer.addTransceiver("video", direction="recvonly")
        await peer.setLocalDescription(await peer.createOffer())
        offers.append(peer.localDescription.sdp)
    for peer in peers:
        await peer.close()
    fingerprint = certificate.getFingerprints()[0].value
    assert all(fingerprint in offer for offer in offers)
    assert not any("srflx" in offer for offer in offers)
