"""H.264: NAL units, the sequence parameter set, and the avcC record.

ITU-T H.264 (clause 7.3 syntax, Annex B byte stream) and ISO/IEC 14496-15 clause 5.3 (AVCC).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from streamd.errors import MalformedMedia
from streamd.media.bits import BitReader
from streamd.media.units import MEDIA_TIMESCALE, Track

SLICE = 1
IDR = 5
SEI = 6
SPS = 7
PPS = 8
AUD = 9
END_OF_SEQUENCE = 10
FILLER = 12

_START_CODE = re.compile(rb"\x00\x00\x01")
_EMULATION = re.compile(rb"\x00\x00\x03")
_CHROMA_PROFILES = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244})


@dataclass(frozen=True, slots=True)
class Sps:
    """What streamd reads from a sequence parameter set.

    ``profile``, ``constraints`` and ``level`` are profile_idc, the constraint_set byte and
    level_idc. ``width`` and ``height`` are pixels after cropping.
    """

    profile: int
    constraints: int
    level: int
    width: int
    height: int
    chroma_format: int = 1
    bit_depth_luma: int = 8
    bit_depth_chroma: int = 8


@dataclass(frozen=True, slots=True)
class AvcConfig:
    """An avcC record: the parameter sets and the bytes of each NAL length."""

    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]
    length_size: int = 4


def nal_type(nal: bytes) -> int:
    """nal_unit_type of a NAL unit (clause 7.4.1); 0 (unspecified) for an empty one."""
    return nal[0] & 0x1F if nal else 0


def split_annexb(data: bytes) -> list[bytes]:
    """NAL units of an Annex B byte stream, without start codes; bytes before the first are left.

    A NAL unit never ends in a zero byte (clause 7.4.1), so trailing zeros are padding.
    """
    starts = [match.end() for match in _START_CODE.finditer(data)]
    nals = []
    for index, start in enumerate(starts):
        end = starts[index + 1] - 3 if index + 1 < len(starts) else len(data)
        nal = data[start:end].rstrip(b"\0")
        if nal:
            nals.append(nal)
    return nals


MOST_NALS = 4_096
"""NAL units of a picture: far more slices than any level allows (H.264 Annex A), and few enough
that a picture made of empty ones costs no noticeable time."""


def split_avcc(data: bytes, length_size: int = 4) -> list[bytes]:
    """NAL units of a length-prefixed access unit. Raises MalformedMedia where lengths lie."""
    nals = []
    position, end = 0, len(data)
    while position < end:
        start = position + length_size
        if start > end:
            raise MalformedMedia("A NAL unit's length field is cut off.")
        position = start + int.from_bytes(data[position:start], "big")
        if position > end:
            raise MalformedMedia("A NAL unit is longer than the access unit that holds it.")
        if position > start:
            nals.append(data[start:position])
            if len(nals) > MOST_NALS:
                raise MalformedMedia(f"A picture of more than {MOST_NALS} NAL units is none.")
    return nals


def to_avcc(nals: Iterable[bytes]) -> bytes:
    """An access unit as MP4 stores it: every NAL unit behind its 4-byte big-endian length."""
    return b"".join(len(nal).to_bytes(4, "big") + nal for nal in nals)


def is_key(nals: Iterable[bytes]) -> bool:
    """True where the access unit is an IDR picture: a decoder can start with it."""
    return any(nal_type(nal) == IDR for nal in nals)


def parameter_sets(nals: Iterable[bytes]) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """The SPS and the PPS NAL units of an access unit, each in their order."""
    sps: list[bytes] = []
    pps: list[bytes] = []
    for nal in nals:
        kind = nal_type(nal)
        if kind == SPS:
            sps.append(nal)
        elif kind == PPS:
            pps.append(nal)
    return tuple(sps), tuple(pps)


def unescape(nal: bytes) -> bytes:
    """The raw byte sequence payload: emulation prevention bytes removed (clause 7.4.1)."""
    return _EMULATION.sub(b"\0\0", nal)


def parse_sps(sps: bytes) -> Sps:
    """Reads a sequence parameter set NAL unit (clause 7.3.2.1.1), header byte included.

    Raises MalformedMedia.
    """
    if len(sps) < 5 or nal_type(sps) != SPS:
        raise MalformedMedia("This is not a sequence parameter set.")
    profile, constraints, level = sps[1], sps[2], sps[3]
    reader = BitReader(unescape(sps[4:]))
    reader.ue()  # seq_parameter_set_id
    chroma, separate, luma_depth, chroma_depth = 1, False, 8, 8
    if profile in _CHROMA_PROFILES:
        chroma = reader.ue()
        if chroma > 3:
            raise MalformedMedia(f"chroma_format_idc is {chroma}; the standard ends at 3.")
        separate = chroma == 3 and reader.flag()
        luma_depth, chroma_depth = 8 + reader.ue(), 8 + reader.ue()
        reader.flag()  # qpprime_y_zero_transform_bypass_flag
        if reader.flag():
            _skip_scaling_lists(reader, 12 if chroma == 3 else 8)
    _skip_picture_order(reader)
    reader.ue()  # max_num_ref_frames
    reader.flag()  # gaps_in_frame_num_value_allowed_flag
    width = (reader.ue() + 1) * 16
    map_units = reader.ue() + 1
    frames_only = reader.flag()
    height = map_units * 16 * (1 if frames_only else 2)
    if not frames_only:
        reader.flag()  # mb_adaptive_frame_field_flag
    reader.flag()  # direct_8x8_inference_flag
    if reader.flag():
        array_type = 0 if separate else chroma
        crop_x, crop_y = _crop_units(array_type, frames_only)
        left, right, top, bottom = (reader.ue() for _ in range(4))
        width -= (left + right) * crop_x
        height -= (top + bottom) * crop_y
    if not (0 < width <= 16_384 and 0 < height <= 16_384):
        raise MalformedMedia(f"The picture would be {width} × {height} pixels.")
    return Sps(profile, constraints, level, width, height, chroma, luma_depth, chroma_depth)


def _crop_units(array_type: int, frames_only: bool) -> tuple[int, int]:
    """CropUnitX and CropUnitY (equations 7-19 to 7-22)."""
    sub_width = 2 if array_type in (1, 2) else 1
    sub_height = 2 if array_type == 1 else 1
    return sub_width, sub_height * (1 if frames_only else 2)


def _skip_scaling_lists(reader: BitReader, count: int) -> None:
    """scaling_list() (clause 7.3.2.1.1.1), read for its length alone."""
    for index in range(count):
        if not reader.flag():
            continue
        last = following = 8
        for _ in range(16 if index < 6 else 64):
            if following:
                following = (last + reader.se()) % 256
            last = following or last


def _skip_picture_order(reader: BitReader) -> None:
    reader.ue()  # log2_max_frame_num_minus4
    order_type = reader.ue()
    if order_type == 0:
        reader.ue()  # log2_max_pic_order_cnt_lsb_minus4
    elif order_type == 1:
        reader.flag()  # delta_pic_order_always_zero_flag
        reader.se()  # offset_for_non_ref_pic
        reader.se()  # offset_for_top_to_bottom_field
        cycle = reader.ue()
        if cycle > 255:
            raise MalformedMedia(f"A picture order cycle of {cycle} frames; the most is 255.")
        for _ in range(cycle):
            reader.se()
    elif order_type > 2:
        raise MalformedMedia(f"pic_order_cnt_type is {order_type}; the standard ends at 2.")


def codec_string(sps: bytes) -> str:
    """RFC 6381 ``codecs`` value, e.g. ``avc1.42e01f`` (section 3.3)."""
    if len(sps) < 4 or nal_type(sps) != SPS:
        raise MalformedMedia("This is not a sequence parameter set.")
    return f"avc1.{sps[1]:02x}{sps[2]:02x}{sps[3]:02x}"


def build_avcc(sps: Sequence[bytes], pps: Sequence[bytes]) -> bytes:
    """AVCDecoderConfigurationRecord (14496-15 clause 5.3.3.1), NAL lengths of 4 bytes."""
    if not sps or not pps:
        raise MalformedMedia("H.264 needs a sequence and a picture parameter set to start.")
    first = parse_sps(sps[0])
    record = bytearray((1, *sps[0][1:4], 0xFF, 0xE0 | len(sps)))
    for nal in sps:
        record += len(nal).to_bytes(2, "big") + nal
    record.append(len(pps))
    for nal in pps:
        record += len(nal).to_bytes(2, "big") + nal
    if first.profile in (100, 110, 122, 144):
        record += bytes(
            (
                0xFC | first.chroma_format,
                0xF8 | (first.bit_depth_luma - 8),
                0xF8 | (first.bit_depth_chroma - 8),
                0,
            )
        )
    return bytes(record)


def parse_avcc(config: bytes) -> AvcConfig:
    """Reads an avcC record. Raises MalformedMedia."""
    if len(config) < 7 or config[0] != 1:
        raise MalformedMedia("This is not an avcC record of version 1.")
    sps, position = _read_sets(config, 6, config[5] & 0x1F)
    if position >= len(config):
        raise MalformedMedia("The avcC record ends before its picture parameter sets.")
    pps, _ = _read_sets(config, position + 1, config[position])
    return AvcConfig(sps, pps, (config[4] & 3) + 1)


def _read_sets(config: bytes, position: int, count: int) -> tuple[tuple[bytes, ...], int]:
    sets = []
    for _ in range(count):
        start = position + 2
        position = start + int.from_bytes(config[position:start], "big")
        if start > len(config) or position > len(config):
            raise MalformedMedia("A parameter set is longer than the avcC record.")
        sets.append(config[start:position])
    return tuple(sets), position


def video_track(sps: bytes | Sequence[bytes], pps: bytes | Sequence[bytes]) -> Track:
    """A video track from its parameter sets (NAL units without start code or length).

    Raises MalformedMedia.
    """
    all_sps = (sps,) if isinstance(sps, bytes) else tuple(sps)
    all_pps = (pps,) if isinstance(pps, bytes) else tuple(pps)
    record = build_avcc(all_sps, all_pps)
    size = parse_sps(all_sps[0])
    return Track(
        kind="v",
        codec=codec_string(all_sps[0]),
        timescale=MEDIA_TIMESCALE,
        config=record,
        width=size.width,
        height=size.height,
    )


def track_from_avcc(config: bytes) -> Track:
    """A video track from an avcC record, kept byte for byte. Raises MalformedMedia."""
    sets = parse_avcc(config)
    if not sets.sps:
        raise MalformedMedia("The avcC record holds no sequence parameter set.")
    size = parse_sps(sets.sps[0])
    return Track(
        kind="v",
        codec=codec_string(sets.sps[0]),
        timescale=MEDIA_TIMESCALE,
        config=config,
        width=size.width,
        height=size.height,
    )
