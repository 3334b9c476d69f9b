"""RTCP that viewers send, as aiortc writes it; what we send, as aiortc reads it."""

from __future__ import annotations

import contextlib

from aiortc import rtp
from hypothesis import given
from hypothesis import strategies as st

from streamd.errors import MalformedMedia
from streamd.webrtc.feedback import (
    NACKED,
    Estimate,
    Goodbye,
    Missing,
    PictureLost,
    ReceptionReport,
    SentSoFar,
    goodbye,
    read_feedback,
    round_trip,
    sender_reports,
)


def report(ssrc: int, lost: int) -> rtp.RtcpReceiverInfo:
    return rtp.RtcpReceiverInfo(ssrc, 64, lost, 500, 9, lsr=0x10000, dlsr=0x8000)


def test_a_compound_packet_is_read_in_order() -> None:
    lost = rtp.RtcpRtpfbPacket(fmt=rtp.RTCP_RTPFB_NACK, ssrc=1, media_ssrc=42)
    lost.lost = [9, 10, 25, 26, 400]
    remb = rtp.RtcpPsfbPacket(rtp.RTCP_PSFB_APP, 1, 0, rtp.pack_remb_fci(1_500_000, [42]))
    data = b"".join(
        bytes(packet)
        for packet in (
            rtp.RtcpRrPacket(1, [report(42, 3), report(43, 0)]),
            rtp.RtcpSdesPacket([rtp.RtcpSourceInfo(1, [(1, b"me")])]),
            lost,
            rtp.RtcpPsfbPacket(rtp.RTCP_PSFB_PLI, 1, 42),
            remb,
            rtp.RtcpByePacket([1]),
        )
    )
    first, second, missing, picture, estimate, bye = read_feedback(data)
    assert first == ReceptionReport(42, 3, 500, 0x10000, 0x8000)
    assert isinstance(second, ReceptionReport)
    assert second.ssrc == 43
    assert missing == Missing(42, (9, 10, 25, 26, 400))
    assert picture == PictureLost()
    assert isinstance(estimate, Estimate)
    assert abs(estimate.bits - 1_500_000) < 10
    assert bye == Goodbye()


def test_reports_behind_a_sender_report_and_full_intra_requests_count_too() -> None:
    sent = rtp.RtcpSrPacket(1, rtp.RtcpSenderInfo(1, 2, 3, 4), [report(42, -3)])
    fir = rtp.RtcpPsfbPacket(rtp.RTCP_PSFB_FIR, 1, 0, bytes(8))
    assert read_feedback(bytes(sent)) == [ReceptionReport(42, -3, 500, 0x10000, 0x8000)]
    assert read_feedback(bytes(fir)) == [PictureLost()]


def test_numbers_asked_for_wrap() -> None:
    nack = bytes.fromhex("81cd0003 00000001 0000002a fffe0003".replace(" ", ""))
    assert read_feedback(nack) == [Missing(42, (65_534, 65_535, 0))]


def test_a_flood_of_numbers_is_bounded() -> None:
    nack = b"\x81\xcd" + (2 + 300).to_bytes(2, "big") + bytes(8) + b"\x00\x01\xff\xff" * 300
    (missing,) = read_feedback(nack)
    assert isinstance(missing, Missing)
    assert len(missing.sequences) == NACKED


@given(st.binary(max_size=120))
def test_nothing_but_malformed_media_comes_of_rubbish(data: bytes) -> None:
    with contextlib.suppress(MalformedMedia):
        read_feedback(data)


@given(st.integers(0, 31), st.sampled_from((200, 201, 205, 206)), st.binary(max_size=80))
def test_nor_of_rubbish_in_a_sound_frame(count: int, kind: int, body: bytes) -> None:
    body += bytes(-len(body) % 4)
    read_feedback(bytes((0x80 | count, kind)) + (len(body) // 4).to_bytes(2, "big") + body)


def test_sender_reports_say_who_sends_what() -> None:
    sources = [SentSoFar(42, 5 << 32, 90, 10, 1_000), SentSoFar(43, 5 << 32, 48, 20, (1 << 32) + 7)]
    video, audio, names = rtp.RtcpPacket.parse(sender_reports(sources, "streamd_"))
    assert isinstance(video, rtp.RtcpSrPacket)
    assert video.sender_info == rtp.RtcpSenderInfo(5 << 32, 90, 10, 1_000)
    assert isinstance(audio, rtp.RtcpSrPacket)
    assert audio.sender_info.octet_count == 7
    assert isinstance(names, rtp.RtcpSdesPacket)
    assert [(one.ssrc, one.items) for one in names.chunks] == [
        (42, [(1, b"streamd_")]),
        (43, [(1, b"streamd_")]),
    ]


def test_goodbye_names_the_sources() -> None:
    _, bye = rtp.RtcpPacket.parse(goodbye([42, 43]))
    assert isinstance(bye, rtp.RtcpByePacket)
    assert bye.sources == [42, 43]


def test_the_round_trip_is_what_the_viewer_did_not_hold() -> None:
    sent, held, arrived = 1_000 << 32, 1 << 15, (1_000 << 32) + (3 << 30)
    last = (sent >> 16) & 0xFFFFFFFF
    assert round_trip(ReceptionReport(1, 0, 0, last, held), arrived) == 0.25
    assert round_trip(ReceptionReport(1, 0, 0, 0, 0), arrived) is None
    assert round_trip(ReceptionReport(1, 0, 0, last, held), sent) is None
