from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamd.errors import MalformedMedia
from streamd.media import h264
from tests.relay.recording import BIG_BUCK_BUNNY, BIKES, CARPHONE

# What Chromium 140 sends for its fake camera: constrained baseline, level 3.1, 640 × 480.
CHROMIUM_SPS = bytes.fromhex("6742c01f8c8d4050 1e900f08846a".replace(" ", ""))


def encoded(width: int, height: int, **options: str) -> tuple[bytes, bytes]:
    """x264's SPS and PPS for a picture of that size."""
    encoder: Any = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, options.pop("pix", "yuv420p")
    encoder.time_base = Fraction(1, 25)
    encoder.flags |= av.codec.context.Flags.global_header
    encoder.options = {"preset": "ultrafast", "threads": "1", **options}
    encoder.open()
    sps, pps = h264.parameter_sets(h264.split_annexb(bytes(encoder.extradata)))
    return sps[0], pps[0]


def avcc_of(path: Any) -> bytes:
    with av.open(str(path)) as container:
        return bytes(container.streams.video[0].codec_context.extradata or b"")


@pytest.mark.parametrize(
    ("path", "codec", "width", "height"),
    [
        (BIG_BUCK_BUNNY, "avc1.4d401f", 1280, 720),
        (BIKES, "avc1.640015", 640, 272),
        (CARPHONE, "avc1.64000b", 176, 144),
    ],
)
def test_real_clips(path: Any, codec: str, width: int, height: int) -> None:
    track = h264.track_from_avcc(avcc_of(path))
    assert (track.codec, track.width, track.height) == (codec, width, height)
    assert track.config == avcc_of(path)


@pytest.mark.parametrize(
    ("width", "height", "options"),
    [
        (1920, 1080, {}),
        (1920, 1080, {"x264-params": "interlaced=1"}),
        (854, 480, {"profile": "baseline"}),
        (322, 182, {"pix": "yuv444p"}),
        (320, 180, {"pix": "yuv422p10le"}),
        (320, 180, {"x264-params": "cqm=jvt"}),
        (2, 2, {}),
    ],
)
def test_the_size_is_read_after_cropping(width: int, height: int, options: dict[str, str]) -> None:
    sps, pps = encoded(width, height, **options)
    parsed = h264.parse_sps(sps)
    assert (parsed.width, parsed.height) == (width, height)
    track = h264.video_track(sps, pps)
    assert (track.width, track.height) == (width, height)


def test_a_high_profile_record_names_chroma_and_depth() -> None:
    sps, pps = encoded(320, 180, pix="yuv422p10le")
    record = h264.build_avcc([sps], [pps])
    assert record[1] == 122
    assert record[-4:] == bytes((0xFC | 2, 0xF8 | 2, 0xF8 | 2, 0))


def test_an_avcc_record_comes_back() -> None:
    sps, pps = encoded(640, 360)
    record = h264.build_avcc([sps], [pps])
    assert h264.parse_avcc(record) == h264.AvcConfig((sps,), (pps,), 4)
    with av.open(str(BIG_BUCK_BUNNY)) as container:
        original = bytes(container.streams.video[0].codec_context.extradata or b"")
    sets = h264.parse_avcc(original)
    assert h264.build_avcc(sets.sps, sets.pps) == original


def test_a_track_needs_both_parameter_sets() -> None:
    with pytest.raises(MalformedMedia):
        h264.video_track(CHROMIUM_SPS, [])
    with pytest.raises(MalformedMedia):
        h264.video_track(b"\x68\xce\x3c\x80", b"\x68\xce\x3c\x80")


def test_start_codes_of_both_lengths_and_padding() -> None:
    stream = b"\x00\x00\x00\x01\x67\x01\x00\x00\x01\x68\x02\x00\x00\x00\x00\x01\x65\x03\x00\x00"
    assert h264.split_annexb(stream) == [b"\x67\x01", b"\x68\x02", b"\x65\x03"]
    assert h264.split_annexb(b"") == []
    assert h264.split_annexb(b"\x67\x01") == []


def test_what_a_decoder_can_start_with() -> None:
    assert h264.is_key([b"\x09\xf0", b"\x06\x05", b"\x67", b"\x68", b"\x65\x88"])
    assert not h264.is_key([b"\x41\x9a", b"\x06\x05"])
    assert h264.nal_type(b"") == 0


NALS = st.lists(
    st.binary(min_size=1, max_size=40)
    .map(lambda body: b"\x65" + body.replace(b"\0", b"\1"))
    .filter(lambda nal: nal[-1] != 0),
    max_size=6,
)


@given(NALS)
def test_both_framings_come_back(nals: list[bytes]) -> None:
    assert h264.split_avcc(h264.to_avcc(nals)) == nals
    assert h264.split_annexb(b"".join(b"\0\0\0\1" + nal for nal in nals)) == nals


@given(st.binary(max_size=200), st.sampled_from([1, 2, 4]))
def test_any_bytes_split_or_are_malformed(data: bytes, size: int) -> None:
    try:
        nals = h264.split_avcc(data, size)
    except MalformedMedia:
        return
    assert sum(len(nal) for nal in nals) <= len(data)


@given(st.binary(max_size=120))
def test_any_sps_is_read_or_malformed(body: bytes) -> None:
    for head in (b"\x67\x42\xe0\x1f", b"\x67\x64\x00\x28", b"\x67\xf4\x00\x28", b""):
        try:
            sps = h264.parse_sps(head + body)
        except MalformedMedia:
            continue
        assert 0 < sps.width <= 16_384
        assert 0 < sps.height <= 16_384


@given(st.data())
def test_a_damaged_record_is_read_or_malformed(data: st.DataObject) -> None:
    record = bytearray(avcc_of(BIKES))
    for _ in range(data.draw(st.integers(1, 4))):
        record[data.draw(st.integers(0, len(record) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(record)))
    try:
        h264.track_from_avcc(bytes(record[:cut]))
    except MalformedMedia:
        return


@given(st.binary(max_size=60))
def test_emulation_prevention_is_undone(payload: bytes) -> None:
    escaped = bytearray()
    zeros = 0
    for byte in payload:
        if zeros == 2 and byte <= 3:
            escaped.append(3)
            zeros = 0
        escaped.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    assert h264.unescape(bytes(escaped)) == payload


def test_a_picture_made_of_countless_nal_units_is_refused() -> None:
    one = h264.to_avcc([b"\x41"])
    assert len(h264.split_avcc(one * h264.MOST_NALS)) == h264.MOST_NALS
    with pytest.raises(MalformedMedia, match="NAL units"):
        h264.split_avcc(one * (h264.MOST_NALS + 1))
