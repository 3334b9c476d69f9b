"""Protection in the shared buffer gives what pylibsrtp's own calls give, and can be undone."""

from __future__ import annotations

import secrets
import subprocess
import sys
from types import SimpleNamespace
from typing import cast

import pytest
from aiortc import RTCDtlsTransport
from pylibsrtp import Policy, Session

from streamd.webrtc.aiortc_taps import TapsMissing
from streamd.webrtc.datagram_batches import BatchSender
from streamd.webrtc.feedback import goodbye
from streamd.webrtc.rtp_packets import Form, Packets, Run
from streamd.webrtc.tray import Tray
from streamd.webrtc.whep_taps import TAG_BYTES, Protector, _replace

PROFILES = {
    b"SRTP_AEAD_AES_128_GCM": (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 28),
    b"SRTP_AEAD_AES_256_GCM": (Policy.SRTP_PROFILE_AEAD_AES_256_GCM, 44),
    b"SRTP_AES128_CM_SHA1_80": (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30),
}


def session(name: bytes, key: bytes, direction: int) -> Session:
    policy = Policy(key=key, ssrc_type=direction, srtp_profile=PROFILES[name][0])
    policy.allow_repeat_tx = True
    return Session(policy)


def pair(name: bytes) -> tuple[Protector, Session]:
    """What protects, and what undoes it at the other end."""
    key = secrets.token_bytes(PROFILES[name][1])
    transport = SimpleNamespace(
        _ssl=SimpleNamespace(get_selected_srtp_profile=lambda: name),
        _tx_srtp=session(name, key, Policy.SSRC_ANY_OUTBOUND),
    )
    return (
        Protector(cast(RTCDtlsTransport, transport)),
        session(name, key, Policy.SSRC_ANY_INBOUND),
    )


def protected(protector: Protector, run: Run, sequence: int) -> bytes:
    """What a run becomes on a tray."""
    tray = Tray(BatchSender())
    protector.run(run, sequence, tray, 77)
    return bytes(tray.view[77 : 77 + run.size])


def picture(sizes: list[int]) -> Packets:
    cut = tuple(secrets.token_bytes(size) for size in sizes)
    return Packets("v", cut, number=0, timestamp=9_000, arrival=0.0)


@pytest.mark.parametrize("name", list(TAG_BYTES))
def test_a_run_is_protected_packet_by_packet(name: bytes) -> None:
    protector, other = pair(name)
    packets = picture([1_190, 1_190, 1_190, 300])
    form = Form(102, 77, protector.tag)
    (run,) = packets.laid_out(form)
    image = protected(protector, run, 65_534)
    for index in range(4):
        at = index * run.segment
        plain = other.unprotect(image[at : at + run.segment])
        sequence = (65_534 + index) & 0xFFFF
        assert plain == packets.packet(index, form, sequence, 9_000)


@pytest.mark.parametrize("name", list(TAG_BYTES))
def test_a_packet_sent_again_is_the_same_datagram(name: bytes) -> None:
    protector, other = pair(name)
    packets = picture([500])
    form = Form(102, 77, protector.tag)
    (run,) = packets.laid_out(form)
    first = protected(protector, run, 5)
    assert protector.packet(packets.packet(0, form, 5, 9_000)) == first
    other.unprotect(first)
    report = goodbye([77, 78])
    assert other.unprotect_rtcp(protector.control(report)) == report


def test_what_libsrtp_refuses_is_a_connection_error() -> None:
    protector, _ = pair(b"SRTP_AEAD_AES_128_GCM")
    with pytest.raises(ConnectionError):
        protector.packet(b"\x80\x66")


BROKEN = """
import aiortc.rtcdtlstransport
del aiortc.rtcdtlstransport.RTCDtlsTransport._set_role
import streamd.webrtc.whep_taps
"""


def test_a_missing_private_name_stops_the_import_and_is_named() -> None:
    result = subprocess.run(
        [sys.executable, "-c", BROKEN], capture_output=True, text=True, check=False
    )
    assert result.returncode != 0
    assert "TapsMissing" in result.stderr
    assert "RTCDtlsTransport._set_role" in result.stderr


def test_a_name_that_is_gone_is_told_at_once() -> None:
    with pytest.raises(TapsMissing, match="no _gone"):
        _replace(object(), "_gone", None)
