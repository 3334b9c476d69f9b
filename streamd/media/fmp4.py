"""Fragmented MP4: one track a file, written by streamd itself.

ISO/IEC 14496-12 (boxes), 14496-14 (mp4a/esds), 14496-15 (avc1/avcC) and the Opus encapsulation.
An initialisation segment is ftyp + moov with an empty sample table and mvex/trex. A fragment is
moof + mdat with one traf: tfhd (default-base-is-moof), tfdt version 1 (64-bit decode time) and
trun version 1 (signed composition offsets). Timestamps are the units' own, in the
track's timescale.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from streamd.media.units import MEDIA_TIMESCALE, Kind, Track, Unit

TRACK_IDS: dict[Kind, int] = {"v": 1, "a": 2}
"""Fixed, so that the two files of a stream can be merged without renumbering."""

SAMPLE_KEY = 0x0200_0000
"""sample_depends_on = 2: decodable without any other sample (14496-12 clause 8.8.3.1)."""

SAMPLE_DELTA = 0x0101_0000
"""sample_depends_on = 1 and sample_is_non_sync_sample."""

_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x4000_0000)
_UND = 0x55C4  # the language code "und", packed as in clause 8.4.2.3
_TRUN_FLAGS = 0x000F01  # data offset; each sample's duration, size, flags, composition offset
_TFHD_DEFAULT_BASE_IS_MOOF = 0x020000


def box(kind: bytes, *body: bytes) -> bytes:
    """A box: 32-bit size, four-character type, body."""
    content = b"".join(body)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def full_box(kind: bytes, version: int, flags: int, *body: bytes) -> bytes:
    """A box with version and flags (clause 4.2)."""
    return box(kind, struct.pack(">I", version << 24 | flags), *body)


def init_segment(track: Track) -> bytes:
    """ftyp + moov for one track."""
    track_id = TRACK_IDS[track.kind]
    mvhd = full_box(
        b"mvhd",
        0,
        0,
        struct.pack(">IIIIIH10x", 0, 0, 1000, 0, 0x10000, 0x100),
        _MATRIX,
        bytes(24),
        struct.pack(">I", track_id + 1),
    )
    trex = full_box(b"trex", 0, 0, struct.pack(">5I", track_id, 1, 0, 0, 0))
    return box(b"ftyp", b"iso6", struct.pack(">I", 0), b"iso6cmfcmp41") + box(
        b"moov", mvhd, _trak(track, track_id), box(b"mvex", trex)
    )


def fragment(track: Track, sequence: int, units: Sequence[Unit], durations: Sequence[int]) -> bytes:
    """moof + mdat holding ``units``, each for its duration in ticks of the track's timescale.

    ``sequence`` is the moof's number, rising from 1 within a file.
    """
    samples = b"".join(
        struct.pack(
            ">IIIi",
            duration,
            len(unit.payload),
            SAMPLE_KEY if unit.key else SAMPLE_DELTA,
            unit.pts - unit.dts,
        )
        for unit, duration in zip(units, durations, strict=True)
    )
    mfhd = full_box(b"mfhd", 0, 0, struct.pack(">I", sequence))
    tfhd = full_box(
        b"tfhd", 0, _TFHD_DEFAULT_BASE_IS_MOOF, struct.pack(">I", TRACK_IDS[track.kind])
    )
    tfdt = full_box(b"tfdt", 1, 0, struct.pack(">Q", units[0].dts))
    trun_size = 20 + len(samples)
    moof_size = 8 + len(mfhd) + 8 + len(tfhd) + len(tfdt) + trun_size
    trun = full_box(b"trun", 1, _TRUN_FLAGS, struct.pack(">Ii", len(units), moof_size + 8), samples)
    return box(b"moof", mfhd, box(b"traf", tfhd, tfdt, trun)) + box(
        b"mdat", *(unit.payload for unit in units)
    )


def segment(track: Track, sequence: int, units: Sequence[Unit], durations: Sequence[int]) -> bytes:
    """A whole HLS segment: styp, then one fragment."""
    styp = box(b"styp", b"msdh", struct.pack(">I", 0), b"msdhmsixcmfs")
    return styp + fragment(track, sequence, units, durations)


def event_message(scheme: str, number: int, ticks: int, message: bytes) -> bytes:
    """An emsg box of version 1 (ISO/IEC 23009-1 clause 5.10.3.3): an event at media time ``ticks``,
    in 90,000ths of a second, of no told length. It stands before the moof of any part.
    """
    return full_box(
        b"emsg",
        1,
        0,
        struct.pack(">IQII", MEDIA_TIMESCALE, max(ticks, 0), 0xFFFF_FFFF, number),
        scheme.encode() + b"\0",
        b"\0",  # value
        message,
    )


def _trak(track: Track, track_id: int) -> bytes:
    video = track.kind == "v"
    tkhd = full_box(
        b"tkhd",
        0,
        7,  # enabled, in movie, in preview
        struct.pack(
            ">IIII4x8xHHHxx", 0, 0, track_id, 0, 0, 0 if video else 1, 0 if video else 0x100
        ),
        _MATRIX,
        struct.pack(">II", track.width << 16, track.height << 16),
    )
    mdhd = full_box(b"mdhd", 0, 0, struct.pack(">IIIIHH", 0, 0, track.timescale, 0, _UND, 0))
    handler = b"vide" if video else b"soun"
    hdlr = full_box(b"hdlr", 0, 0, bytes(4), handler, bytes(12), b"streamd\0")
    header = full_box(b"vmhd", 0, 1, bytes(8)) if video else full_box(b"smhd", 0, 0, bytes(4))
    dinf = box(b"dinf", full_box(b"dref", 0, 0, struct.pack(">I", 1), full_box(b"url ", 0, 1)))
    stbl = box(
        b"stbl",
        full_box(b"stsd", 0, 0, struct.pack(">I", 1), _sample_entry(track)),
        full_box(b"stts", 0, 0, bytes(4)),
        full_box(b"stsc", 0, 0, bytes(4)),
        full_box(b"stsz", 0, 0, bytes(8)),
        full_box(b"stco", 0, 0, bytes(4)),
    )
    return box(b"trak", tkhd, box(b"mdia", mdhd, hdlr, box(b"minf", header, dinf, stbl)))


def _sample_entry(track: Track) -> bytes:
    if track.kind == "v":
        return box(
            b"avc1",
            struct.pack(">6xH16xHHIIIH", 1, track.width, track.height, 72 << 16, 72 << 16, 0, 1),
            bytes(32),
            struct.pack(">Hh", 24, -1),
            box(b"avcC", track.config),
        )
    # samplerate is 16.16 fixed point, so rates of 65,536 Hz and more cannot stand here; readers
    # take the true one from the decoder configuration (14496-12 clause 12.2.3).
    rate = track.sample_rate if track.sample_rate < 1 << 16 else 0
    entry = struct.pack(">6xH8xHHHHI", 1, track.channels, 16, 0, 0, rate << 16)
    if track.codec == "opus":
        return box(b"Opus", entry, box(b"dOps", track.config))
    return box(b"mp4a", entry, _esds(track.config))


def _esds(audio_config: bytes) -> bytes:
    """ES_Descriptor around an AudioSpecificConfig (14496-1 clause 7.2.6, 14496-14 clause 5.6)."""
    specific = _descriptor(0x05, audio_config)
    # objectTypeIndication 0x40: MPEG-4 audio; streamType 5 (audio) with the reserved bit set.
    decoder = _descriptor(0x04, struct.pack(">BBBHII", 0x40, 0x15, 0, 0, 0, 0), specific)
    return full_box(
        b"esds",
        0,
        0,
        _descriptor(0x03, struct.pack(">HB", 0, 0), decoder, _descriptor(0x06, b"\x02")),
    )


def _descriptor(tag: int, *body: bytes) -> bytes:
    """A descriptor with a size of as many 7-bit groups as it needs (14496-1 clause 8.3.3)."""
    content = b"".join(body)
    groups = [len(content) & 0x7F]
    rest = len(content) >> 7
    while rest:
        groups.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes((tag, *reversed(groups))) + content
