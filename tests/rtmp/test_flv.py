"""FLV tag bodies, legacy and enhanced, byte by byte; aggregates; cut-off tags."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamd.rtmp.chunks import Message
from streamd.rtmp.errors import AggregateLies, TagError, TruncatedTag
from streamd.rtmp.flv import Packet, Tag, audio_tag, codec_name, split_aggregate, video_tag

NANO_85 = b"\x02\x00\x00\x55\x00"
"""ModEx data of three bytes, 85 ns; its type, and the packet type that follows (0 here)."""


@pytest.mark.parametrize(
    ("body", "tag"),
    [
        (b"\x17\x00\0\0\0cfg", Tag("avc1", Packet.CONFIG, b"cfg", True)),
        (b"\x17\x01\0\0\x50nal", Tag("avc1", Packet.FRAME, b"nal", True, 80)),
        (b"\x27\x01\xff\xff\xd8nal", Tag("avc1", Packet.FRAME, b"nal", False, -40)),
        (b"\x17\x02\0\0\0", Tag("avc1", Packet.END, b"", True)),
        (b"\x57\x00", Tag("avc1", Packet.OTHER)),
        (b"\x1cbody", Tag("H.265", Packet.FRAME)),
        (b"\x12body", Tag("Sorenson H.263", Packet.FRAME)),
    ],
)
def test_legacy_video(body: bytes, tag: Tag) -> None:
    assert video_tag(body) == tag


@pytest.mark.parametrize(
    ("body", "tag"),
    [
        # 1 | frame type 1 | packet type: 0x90 SequenceStart, 0x91 CodedFrames, 0x93 CodedFramesX.
        (b"\x90avc1cfg", Tag("avc1", Packet.CONFIG, b"cfg")),
        (b"\x91avc1\0\0\x50nal", Tag("avc1", Packet.FRAME, b"nal", True, 80)),
        (b"\xa1avc1\0\0\x28nal", Tag("avc1", Packet.FRAME, b"nal", False, 40)),
        (b"\xa3avc1nal", Tag("avc1", Packet.FRAME, b"nal", False)),
        (b"\x92avc1", Tag("avc1", Packet.END)),
        (b"\x94avc1amf", Tag("avc1", Packet.OTHER)),
        (b"\xd3\x00", Tag("avc1", Packet.OTHER)),
        (b"\x90hvc1cfg", Tag("hvc1", Packet.CONFIG, b"cfg")),
        (b"\x93av01obu", Tag("av01", Packet.FRAME, b"obu", True)),
        # ModEx with 85 ns, then CodedFramesX.
        (
            b"\xa7" + NANO_85[:4] + b"\x03avc1nal",
            Tag("avc1", Packet.FRAME, b"nal", False, 0, 85),
        ),
        # ModEx of an unknown type with 256 bytes and more of it is passed over.
        (
            b"\xa7\xff\x01\x00" + bytes(257) + b"\x13avc1nal",
            Tag("avc1", Packet.FRAME, b"nal"),
        ),
        # Multitrack, one track: id 0 is taken, id 1 is not.
        (b"\x96\x01avc1\x00\0\0\0nal", Tag("avc1", Packet.FRAME, b"nal", True)),
        (b"\x96\x01avc1\x01\0\0\0nal", Tag("avc1", Packet.OTHER)),
        # Many tracks of one codec, then of many: the second one has id 0.
        (
            b"\x96\x13avc1\x01\0\0\x03one\x00\0\0\x03two",
            Tag("avc1", Packet.FRAME, b"two", True),
        ),
        (
            b"\x96\x23hvc1\x01\0\0\x03oneavc1\x00\0\0\x03two",
            Tag("avc1", Packet.FRAME, b"two", True),
        ),
    ],
)
def test_enhanced_video(body: bytes, tag: Tag) -> None:
    """ "Enhanced Video", tables ExVideoTagHeader and ExVideoTagBody."""
    assert video_tag(body) == tag


@pytest.mark.parametrize(
    ("body", "tag"),
    [
        (b"\xaf\x00cfg", Tag("mp4a", Packet.CONFIG, b"cfg", True)),
        (b"\xaf\x01aac", Tag("mp4a", Packet.FRAME, b"aac", True)),
        (b"\x2fmp3", Tag("MP3", Packet.FRAME)),
        (b"\xb6speex", Tag("Speex", Packet.FRAME)),
        (b"\x90mp4acfg", Tag("mp4a", Packet.CONFIG, b"cfg")),
        (b"\x91mp4aaac", Tag("mp4a", Packet.FRAME, b"aac", True)),
        (b"\x90OpusOpusHead", Tag("Opus", Packet.CONFIG, b"OpusHead")),
        (b"\x91Opuspkt", Tag("Opus", Packet.FRAME, b"pkt", True)),
        (b"\x92Opus", Tag("Opus", Packet.END)),
        (b"\x94Opus\x01\x02\0\0\0\x03", Tag("Opus", Packet.OTHER)),
        (b"\x95\x01mp4a\x00aac", Tag("mp4a", Packet.FRAME, b"aac", True)),
        (b"\x95\x01mp4a\x01aac", Tag("mp4a", Packet.OTHER)),
        (b"\x91.mp3mp3", Tag(".mp3", Packet.FRAME, b"mp3", True)),
    ],
)
def test_audio(body: bytes, tag: Tag) -> None:
    assert audio_tag(body) == tag


@pytest.mark.parametrize(
    "body", [b"", b"\x17", b"\x17\x01\0\0", b"\x91avc", b"\x91avc1\0\0", b"\xa7\x10ab", b"\x96"]
)
def test_cut_off_video(body: bytes) -> None:
    with pytest.raises(TruncatedTag, match="ends within its header"):
        video_tag(body)


@pytest.mark.parametrize("body", [b"", b"\xaf", b"\x91Opu", b"\x95\x11mp4a\x00\0\0\x09aac"])
def test_cut_off_audio(body: bytes) -> None:
    with pytest.raises(TruncatedTag):
        audio_tag(body)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_tag_or_an_error_of_ours(body: bytes) -> None:
    with contextlib.suppress(TagError):
        video_tag(body)
    with contextlib.suppress(TagError):
        audio_tag(body)


def tag_in_aggregate(kind: int, stamp: int, body: bytes) -> bytes:
    head = bytes((kind,)) + len(body).to_bytes(3, "big") + (stamp & 0xFFFFFF).to_bytes(3, "big")
    head += bytes((stamp >> 24,)) + bytes(3)
    return head + body + (11 + len(body)).to_bytes(4, "big")


def test_an_aggregates_messages_are_moved_to_its_time() -> None:
    payload = tag_in_aggregate(9, 0xFFFFFFF0, b"v") + tag_in_aggregate(8, 0x10, b"a")
    parts = list(split_aggregate(Message(22, 1_000, 1, payload)))
    assert parts == [Message(9, 1_000, 1, b"v"), Message(8, 1_032, 1, b"a")]


def test_an_aggregate_that_lies_gives_what_was_before_the_lie() -> None:
    good = tag_in_aggregate(9, 0, b"v")
    long = bytearray(tag_in_aggregate(8, 0, b"a"))
    long[1:4] = b"\xff\xff\xff"
    parts = split_aggregate(Message(22, 0, 1, good + bytes(long)))
    assert next(parts).payload == b"v"
    with pytest.raises(AggregateLies, match="longer than the aggregate"):
        next(parts)
    parts = split_aggregate(Message(22, 0, 1, good + b"\x08\0\0"))
    next(parts)
    with pytest.raises(AggregateLies, match="within a tag's header"):
        next(parts)


def test_aggregates_do_not_nest() -> None:
    inner = tag_in_aggregate(22, 0, tag_in_aggregate(9, 0, b"v"))
    assert [part.type for part in split_aggregate(Message(22, 0, 1, inner))] == [22]


def test_names_for_people() -> None:
    assert codec_name("hvc1") == "H.265"
    assert codec_name("MP3") == "MP3"
