from __future__ import annotations

import struct

import pytest
from aiortc.rtp import RtcpPacket, RtcpRrPacket
from hypothesis import given
from hypothesis import strategies as st

from streamd.webrtc.round_trip import RoundTrip

OURS = 0x1234


def reply(question: bytes, held: float, ssrc: int = OURS) -> bytes:
    """A publisher's compound: an empty receiver report, then DLRR blocks (RFC 3611 §4.5)."""
    (moment,) = struct.unpack("!Q", question[-8:])
    block = struct.pack("!BBHLLL", 5, 0, 3, ssrc, moment >> 16 & 0xFFFFFFFF, int(held * 65_536))
    body = struct.pack("!L", 0x9999) + struct.pack("!BBH", 9, 0, 0) + block
    return bytes(RtcpRrPacket(ssrc=0x9999)) + struct.pack("!BBH", 0x80, 207, len(body) // 4) + body


def test_the_time_comes_back_less_the_delay_it_was_held() -> None:
    trip = RoundTrip()
    question = trip.question(OURS, 1_000.0)
    assert len(question) == 20
    assert RtcpPacket.parse(question) == []
    trip.heard(reply(question, 0.25), OURS, 1_000.3)
    assert trip.seconds == pytest.approx(0.05, abs=0.001)


def test_a_held_time_a_grain_too_long_is_no_time_at_all() -> None:
    trip = RoundTrip()
    trip.heard(reply(trip.question(OURS, 50.0), 0.1001), OURS, 50.1)
    assert trip.seconds == 0.0


def test_answers_to_others_and_wrong_ones_are_passed_over() -> None:
    trip = RoundTrip()
    question = trip.question(OURS, 1_000.0)
    trip.heard(reply(question, 0.0, ssrc=7), OURS, 1_000.1)
    trip.heard(reply(question, 0.0), OURS, 1_600.0)
    trip.heard(bytes(RtcpRrPacket(ssrc=1)), OURS, 1_000.1)
    assert trip.seconds is None


@given(st.binary(max_size=120), st.integers(0, 119))
def test_broken_reports_never_raise(garbage: bytes, cut: int) -> None:
    trip = RoundTrip()
    trip.heard(garbage, OURS, 5.0)
    trip.heard(reply(trip.question(OURS, 1.0), 0.0)[:cut] + garbage, OURS, 5.0)
    trip.heard(b"\x80\xcf\xff\xff" + garbage, OURS, 5.0)
