"""Every private name of aiortc and pylibsrtp that WHEP leans on, checked when this is imported.

aiortc's own transports are used without its peer connection: nothing here is decoded or encoded,
so of a peer only ICE, DTLS and the SRTP keys are needed. The keys stay in pylibsrtp's sessions;
packets are protected by the same libsrtp calls, where the kernel reads them, without an object a
packet.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Any

import aiortc
import pylibsrtp
from aiortc import RTCCertificate, RTCDtlsTransport, RTCIceGatherer, RTCIceTransport
from aiortc.rtcdtlstransport import SRTP_PROFILES, SRTPProtectionProfile
from pylibsrtp import Session
from pylibsrtp._binding import ffi, lib

from streamd.webrtc.aiortc_taps import TapsMissing
from streamd.webrtc.mux_connection import MuxConnection
from streamd.webrtc.rtp_packets import SEQUENCE_AT, Run
from streamd.webrtc.viewer_line import Gathering

BUFFER_BYTES = 2_048
"""A packet that goes by itself: RTX or RTCP, within a datagram."""
TAG_BYTES = {
    b"SRTP_AEAD_AES_128_GCM": 16,
    b"SRTP_AEAD_AES_256_GCM": 16,
    b"SRTP_AES128_CM_SHA1_80": 10,
}
"""What each profile adds behind a packet (RFC 7714 §14.2, RFC 5764 §4.1.2), the cheapest first: a
packet costs 0.9 µs with GCM, 1.8 µs with counter mode and SHA-1."""


def _names(function: Callable[..., object]) -> frozenset[str]:
    """Attribute names that a function mentions."""
    return frozenset(function.__code__.co_names)


_EXPECTED: tuple[tuple[str, bool], ...] = (
    ("RTCIceGatherer._connection", "_connection" in _names(RTCIceGatherer.__init__)),
    ("RTCIceTransport._connection", "_connection" in _names(RTCIceTransport.__init__)),
    *(
        (f"RTCDtlsTransport.{name}", name in _names(RTCDtlsTransport.__init__))
        for name in ("_srtp_profiles", "_tx_srtp", "_ssl", "_role")
    ),
    *(
        (f"RTCDtlsTransport.{name}", hasattr(RTCDtlsTransport, name))
        for name in ("_set_role", "_handle_rtp_data", "_handle_rtcp_data")
    ),
    (
        "RTCDtlsTransport._handle_rtp_data(data, arrival_time_ms)",
        "arrival_time_ms" in RTCDtlsTransport._handle_rtp_data.__code__.co_varnames,
    ),
    (
        "SRTPProtectionProfile.openssl_profile",
        "openssl_profile" in SRTPProtectionProfile.__dataclass_fields__,
    ),
    ("pylibsrtp.Session._srtp", "_srtp" in _names(Session.__init__)),
    *(
        (f"pylibsrtp._binding.lib.{name}", hasattr(lib, name))
        for name in ("srtp_protect", "srtp_protect_rtcp")
    ),
)
_missing = [name for name, found in _EXPECTED if not found]
if _missing:
    raise TapsMissing(
        f"aiortc {aiortc.__version__} and pylibsrtp {pylibsrtp.__version__} lack what streamd's "
        f"WHEP builds on: {', '.join(_missing)}. Install the versions that pyproject.toml names, "
        "or fit streamd/webrtc/whep_taps.py to the new ones."
    )

_BUFFER = ffi.new("unsigned char[]", BUFFER_BYTES)
_VIEW = memoryview(ffi.buffer(_BUFFER))
_LENGTH = ffi.new("int *")
_srtp_protect = lib.srtp_protect
_pack_sequence = Struct("!H").pack_into


def ice_transport(connection: MuxConnection) -> RTCIceTransport:
    """aiortc's ICE transport above a connection of the mux."""
    gatherer = RTCIceGatherer(iceServers=[])
    _replace(gatherer, "_connection", connection)
    return RTCIceTransport(gatherer)


def dtls_transport(
    ice: RTCIceTransport,
    certificate: RTCCertificate,
    *,
    passive: bool,
    on_control: Callable[[bytes], None],
) -> RTCDtlsTransport:
    """aiortc's DTLS transport. ``on_control`` gets each RTCP packet, decrypted.

    Viewers send no media; what they send all the same is dropped unread.
    """
    transport = RTCDtlsTransport(ice, [certificate])
    transport._set_role("server" if passive else "client")
    order = list(TAG_BYTES)
    known = [profile for profile in SRTP_PROFILES if profile.openssl_profile in TAG_BYTES]
    known.sort(key=lambda profile: order.index(profile.openssl_profile))
    _replace(transport, "_srtp_profiles", known)

    async def drop(data: bytes, arrival_time_ms: int) -> None:
        return

    async def control(data: bytes) -> None:
        on_control(data)

    _replace(transport, "_handle_rtp_data", drop)
    _replace(transport, "_handle_rtcp_data", control)
    return transport


class Protector:
    """SRTP for one connected peer. ``tag`` is what it adds behind each packet, in bytes.

    All raise ConnectionError where libsrtp refuses.
    """

    __slots__ = ("_context", "_session", "tag")

    def __init__(self, transport: RTCDtlsTransport) -> None:
        connection: Any = transport._ssl
        self.tag = TAG_BYTES[connection.get_selected_srtp_profile()]
        self._session: Session = transport._tx_srtp
        self._context: Any = self._session._srtp[0]

    def run(self, run: Run, sequence: int, tray: Gathering, at: int) -> None:
        """A run's packets from this sequence number on, protected, one behind the other."""
        context, view, memory, length = self._context, tray.view, tray.memory, _LENGTH
        view[at : at + run.size] = run.image
        for offset, count in run.packets:
            place = at + offset
            _pack_sequence(view, place + SEQUENCE_AT, sequence & 0xFFFF)
            length[0] = count
            if _srtp_protect(context, memory + place, length):
                raise ConnectionError("libsrtp refused a packet")
            sequence += 1

    def packet(self, packet: bytes) -> bytes:
        """One RTP packet, protected."""
        return self._protect(lib.srtp_protect, packet)

    def control(self, packet: bytes) -> bytes:
        """One compound RTCP packet, protected."""
        return self._protect(lib.srtp_protect_rtcp, packet)

    def _protect(self, protect: Callable[..., int], packet: bytes) -> bytes:
        _VIEW[: len(packet)] = packet
        _LENGTH[0] = len(packet)
        if protect(self._context, _BUFFER, _LENGTH):
            raise ConnectionError("libsrtp refused a packet")
        return bytes(_VIEW[: _LENGTH[0]])


def _replace(target: object, name: str, value: object) -> None:
    """Puts ``value`` in the place of an attribute that must exist."""
    if not hasattr(target, name):
        raise TapsMissing(f"{type(target).__name__} has no {name} to replace.")
    setattr(target, name, value)
