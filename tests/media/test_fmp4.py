"""Boxes byte by byte, and the files they make as libavformat reads them."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from fractions import Fraction

import av
import pytest

from streamd.media import aac, fmp4, h264, opus
from streamd.media.units import Track, Unit
from tests.media.test_h264 import encoded
from tests.relay.recording import samples

SPS, PPS = encoded(640, 360)
VIDEO = h264.video_track(SPS, PPS)
AAC = aac.audio_track(bytes.fromhex("11b0"))
OPUS = opus.opus_track(2)
CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"mvex", b"moof", b"traf", b"dinf"}


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Every box with its body, containers first; the sizes must cover the bytes exactly."""
    at = 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        assert 8 <= size <= len(data) - at
        body = data[at + 8 : at + size]
        yield kind, body
        if kind in CONTAINERS:
            yield from boxes(body)
        at += size
    assert at == len(data)


def video_units() -> list[Unit]:
    """Four frames in decoding order I P B B, the times of a clip with B-frames."""
    times = [(0, 7_200), (3_600, 18_000), (7_200, 10_800), (10_800, 14_400)]
    return [
        Unit("v", dts, pts, index == 0, h264.to_avcc([b"\x65" if index == 0 else b"\x41"]))
        for index, (dts, pts) in enumerate(times)
    ]


@pytest.mark.parametrize("track", [VIDEO, AAC, OPUS], ids=["video", "aac", "opus"])
def test_an_init_segment_is_whole(track: Track) -> None:
    found = dict(boxes(fmp4.init_segment(track)))
    assert found[b"ftyp"][:4] == b"iso6"
    assert struct.unpack_from(">I", found[b"mdhd"], 12)[0] == track.timescale
    track_id = struct.unpack_from(">I", found[b"tkhd"], 12)[0]
    assert struct.unpack_from(">I", found[b"trex"], 4)[0] == track_id
    assert found[b"stsd"].endswith(track.config) or track.config in found[b"stsd"]


def test_libavformat_reads_the_init_segments() -> None:
    for track, name in ((VIDEO, "h264"), (AAC, "aac"), (OPUS, "opus")):
        units = [Unit(track.kind, 0, 0, True, bytes(8))]
        data = fmp4.init_segment(track) + fmp4.fragment(track, 1, units, [1000])
        with av.open(io.BytesIO(data)) as container:
            stream = container.streams[0]
            assert stream.codec_context.name == name
            assert stream.time_base == Fraction(1, track.timescale)
            if track.kind == "v":
                assert (stream.codec_context.width, stream.codec_context.height) == (640, 360)  # type: ignore[attr-defined]
                assert stream.codec_context.extradata == VIDEO.config
            else:
                assert stream.codec_context.channels == track.channels  # type: ignore[attr-defined]


def test_a_fragments_numbers() -> None:
    units = video_units()
    data = fmp4.fragment(VIDEO, 9, units, [3_600] * 4)
    found = dict(boxes(data))
    assert struct.unpack(">4xI", found[b"mfhd"]) == (9,)
    assert struct.unpack(">IQ", found[b"tfdt"]) == (1 << 24, 0)
    assert int.from_bytes(found[b"tfhd"][:4], "big") == 0x020000
    flags, count, offset = struct.unpack_from(">IIi", found[b"trun"])
    assert (flags, count) == (1 << 24 | 0xF01, 4)
    rows = [struct.unpack_from(">IIIi", found[b"trun"], 12 + 16 * index) for index in range(4)]
    assert [row[0] for row in rows] == [3_600] * 4
    assert [row[2] for row in rows] == [fmp4.SAMPLE_KEY, *[fmp4.SAMPLE_DELTA] * 3]
    assert [row[3] for row in rows] == [7_200, 14_400, 3_600, 3_600]
    assert data[offset:] == b"".join(unit.payload for unit in units)


def test_a_composition_offset_may_be_negative() -> None:
    units = [Unit("v", 3_600, 0, True, h264.to_avcc([b"\x65"]))]
    trun = dict(boxes(fmp4.fragment(VIDEO, 1, units, [3_600])))[b"trun"]
    assert trun[0] == 1  # version 1: the offset is signed
    assert struct.unpack_from(">i", trun, 24) == (-3_600,)


def test_decode_times_past_32_bits() -> None:
    late = 2**33 + 12_345
    units = [Unit("v", late, late, True, h264.to_avcc([b"\x65"]))]
    data = fmp4.init_segment(VIDEO) + fmp4.fragment(VIDEO, 1, units, [3_600])
    (sample,) = samples(data, "video")
    assert sample.dts == Fraction(late, 90_000)


def test_a_segment_starts_with_its_type() -> None:
    data = fmp4.segment(VIDEO, 1, video_units(), [3_600] * 4)
    kinds = [kind for kind, _ in boxes(data)]
    assert kinds == [b"styp", b"moof", b"mfhd", b"traf", b"tfhd", b"tfdt", b"trun", b"mdat"]
    assert len(samples(fmp4.init_segment(VIDEO) + data, "video")) == 4


def test_a_long_audio_configuration_keeps_its_descriptor_sizes() -> None:
    config = bytes.fromhex("1190") + bytes(200)
    track = Track("a", "mp4a.40.2", 48_000, config, sample_rate=48_000, channels=2)
    data = fmp4.init_segment(track)
    with av.open(io.BytesIO(data)) as container:
        assert container.streams.audio[0].codec_context.extradata == config


def test_units_and_durations_must_pair() -> None:
    with pytest.raises(ValueError, match="argument"):
        fmp4.fragment(VIDEO, 1, video_units(), [3_600])
