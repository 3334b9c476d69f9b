"""Pictures cut into RTP payloads and put together again, by our own ingest and by aiortc."""

from __future__ import annotations

import pytest
from aiortc.codecs.h264 import H264PayloadDescriptor
from hypothesis import given
from hypothesis import strategies as st

from streamd.errors import MalformedMedia
from streamd.media.h264 import split_annexb, to_avcc
from streamd.webrtc.depacketizer import nal_units
from streamd.webrtc.packetizer import FU_A, STAP_A, packetize, payloads
from tests.webrtc.rtp_source import coded_pictures

SPS = bytes.fromhex("6742c01ed9")
PPS = bytes.fromhex("68cb83cb20")


def nal(kind: int, importance: int, size: int) -> bytes:
    """A NAL unit whose bytes differ from place to place and never end in zero."""
    return bytes((importance << 5 | kind, *(1 + (7 * at + kind) % 251 for at in range(size))))


NALS = st.lists(
    st.builds(nal, st.sampled_from((1, 5, 6)), st.integers(0, 3), st.integers(1, 5_000)),
    min_size=1,
    max_size=8,
)


@given(NALS, st.integers(50, 1_400))
def test_what_is_cut_comes_together_again(nals: list[bytes], limit: int) -> None:
    cut = payloads(nals, limit)
    assert nal_units(cut) == nals
    assert max(map(len, cut)) <= limit


@given(NALS)
def test_aiortc_reads_the_same(nals: list[bytes]) -> None:
    stream = b"".join(H264PayloadDescriptor.parse(one)[1] for one in payloads(nals))
    assert split_annexb(stream) == nals


@given(st.integers(1_201, 60_000), st.integers(100, 1_200))
def test_fragments_have_one_size_but_for_the_last(size: int, limit: int) -> None:
    cut = payloads([nal(1, 2, size)], limit)
    *equal, last = map(len, cut)
    assert len(set(equal)) == 1
    assert len(cut) == 1 + (size - 1) // (limit - 2)
    assert last <= equal[0]
    assert all(one[0] & 0x1F == FU_A for one in cut)


def test_parameter_sets_travel_together_before_a_keyframe() -> None:
    key = nal(5, 3, 3_000)
    picture = packetize(to_avcc([SPS, PPS, key]), (SPS, PPS, PPS))
    assert picture.payloads[0][0] & 0x1F == STAP_A
    assert nal_units(picture.payloads) == [SPS, PPS, PPS, key]
    assert not picture.disposable


def test_delimiters_and_old_sets_are_left_out() -> None:
    delimiter, filler, slice_ = b"\x09\xf0", nal(12, 0, 900), nal(1, 2, 50)
    picture = packetize(to_avcc([delimiter, SPS, PPS, slice_, filler]))
    assert nal_units(picture.payloads) == [slice_]


@pytest.mark.parametrize(("importance", "disposable"), [(0, True), (1, False), (3, False)])
def test_a_picture_nobody_refers_to_is_known(importance: int, disposable: bool) -> None:
    units = [nal(6, 0, 20), nal(1, importance, 90), nal(1, importance, 90)]
    assert packetize(to_avcc(units)).disposable is disposable


def test_nothing_to_see_gives_no_packet() -> None:
    assert packetize(to_avcc([SPS, PPS])).payloads == ()
    assert packetize(b"").payloads == ()


@given(st.binary(max_size=200))
def test_broken_access_units_are_told_as_such(data: bytes) -> None:
    try:
        packetize(data)
    except MalformedMedia:
        return


def test_real_pictures_keep_every_nal_unit() -> None:
    for nals in coded_pictures():
        kept = [one for one in nals if one[0] & 0x1F in (1, 5, 6)]
        assert nal_units(packetize(to_avcc(nals)).payloads) == kept
