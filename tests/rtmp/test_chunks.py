"""Chunk streams: every way of cutting gives the messages back; lies about sizes have names."""

from __future__ import annotations

import contextlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamd.rtmp.chunks import (
    MOST_CHUNK_STREAMS,
    UNFINISHED_MESSAGES,
    ChunkReader,
    ChunkWriter,
    Message,
)
from streamd.rtmp.errors import (
    BadChunkSize,
    MessageCutShort,
    MessageTooLarge,
    MissingHeader,
    ProtocolError,
    TooManyChunkStreams,
    TooMuchUnfinished,
)

LIMIT = 4_096
stamps = st.sampled_from([0, 1, 40, 80, 0xFFFFFE, 0xFFFFFF, 0x1000000, 0x7FFFFFFF, 0xFFFFFFFF])
messages = st.builds(
    Message,
    type=st.sampled_from([8, 9, 18, 20]),
    timestamp=stamps | st.integers(0, 0xFFFFFFFF),
    stream=st.sampled_from([0, 1, 0xFFFFFFFF]),
    payload=st.sampled_from([b"", b"x" * 300]) | st.binary(max_size=LIMIT),
)
ids = st.sampled_from([2, 3, 4, 63, 64, 319, 320, 65_599])


def read_all(reader: ChunkReader, wire: bytes, sizes: list[int]) -> list[Message]:
    """Feeds ``wire`` in pieces of ``sizes``, repeated."""
    found, at, turn = [], 0, 0
    while at < len(wire):
        size = sizes[turn % len(sizes)] if sizes else len(wire)
        reader.receive(wire[at : at + size])
        at += size
        turn += 1
        while (message := reader.next()) is not None:
            found.append(message)
    return found


@given(
    st.lists(st.tuples(ids, messages), max_size=8),
    st.integers(1, 5_000),
    st.lists(st.integers(1, 700), max_size=6),
)
def test_any_chunk_size_and_any_pieces(
    sent: list[tuple[int, Message]], chunk_size: int, sizes: list[int]
) -> None:
    writer, reader = ChunkWriter(), ChunkReader(LIMIT, least_chunk=1)
    writer.chunk_size = chunk_size
    reader.set_chunk_size(chunk_size)
    wire = b"".join(writer.write(number, message) for number, message in sent)
    assert read_all(reader, wire, sizes) == [message for _, message in sent]
    assert reader.held == 0


@given(st.lists(messages, min_size=2, max_size=4), st.integers(1, 600), st.randoms())
def test_interleaved_chunk_streams(
    sent: list[Message], chunk_size: int, chance: random.Random
) -> None:
    """Chunks of several messages in any order, each on a chunk stream of its own."""
    queues = []
    for number, message in enumerate(sent):
        writer = ChunkWriter()
        writer.chunk_size = chunk_size
        wire = writer.write(3 + number, message)
        first = 12 + (4 if message.timestamp >= 0xFFFFFF else 0)
        later = 1 + (4 if message.timestamp >= 0xFFFFFF else 0)
        cut = first + min(chunk_size, len(message.payload))
        pieces, at = [wire[:cut]], cut
        while at < len(wire):
            pieces.append(wire[at : at + later + chunk_size])
            at += later + chunk_size
        queues.append(pieces)
    reader = ChunkReader(LIMIT * 4, least_chunk=1)
    reader.set_chunk_size(chunk_size)
    found = []
    while any(queues):
        queue = chance.choice([queue for queue in queues if queue])
        reader.receive(queue.pop(0))
        while (whole := reader.next()) is not None:
            found.append(whole)
    assert sorted(found, key=repr) == sorted(sent, key=repr)


def test_the_four_headers_byte_by_byte() -> None:
    """Section 5.3.2.1's example: audio of 32 bytes, 20 ms apart, on chunk stream 3."""
    writer = ChunkWriter()
    sizes = [
        len(writer.write(3, Message(8, stamp, 12345, bytes(32))))
        for stamp in (1000, 1020, 1040, 1060)
    ]
    assert sizes == [44, 36, 33, 33]


def test_one_large_message_is_cut_as_in_the_specification() -> None:
    """Section 5.3.2.2: 307 bytes at a chunk size of 128 are 140, 129 and 52 bytes."""
    wire = ChunkWriter().write(4, Message(9, 1000, 12346, bytes(307)))
    assert len(wire) == 140 + 129 + 52
    assert (wire[0], wire[140], wire[269]) == (0x04, 0xC4, 0xC4)


def test_a_type_3_message_after_type_0_repeats_its_timestamp_as_step() -> None:
    """Section 5.3.1.2.4."""
    reader = ChunkReader(LIMIT)
    reader.receive(b"\x03\0\0\x28\0\0\x01\x08\x01\0\0\0a" + b"\xc3b" + b"\xc3c")
    assert [reader.next(), reader.next(), reader.next()] == [
        Message(8, 40, 1, b"a"),
        Message(8, 80, 1, b"b"),
        Message(8, 120, 1, b"c"),
    ]


@pytest.mark.parametrize("repeated", [True, False], ids=["repeated", "left out"])
def test_extended_timestamps_on_later_chunks(repeated: bool) -> None:
    stamp = b"\x01\x00\x00\x00"
    payload = bytes(range(200))
    wire = b"\x04\xff\xff\xff\0\0\xc8\x09\x01\0\0\0" + stamp + payload[:128]
    wire += b"\xc4" + (stamp if repeated else b"") + payload[128:]
    reader = ChunkReader(LIMIT)
    assert read_all(reader, wire, [7]) == [Message(9, 0x01000000, 1, payload)]


def test_an_abort_forgets_what_came() -> None:
    reader = ChunkReader(LIMIT)
    reader.receive(b"\x04\0\0\0\0\x01\x2c\x09\x01\0\0\0" + bytes(128))
    assert reader.next() is None
    assert reader.held == 128
    reader.abort(4)
    reader.abort(77)
    assert reader.held == 0
    reader.receive(b"\x04\0\0\0\0\0\x02\x09\x01\0\0\0ok")
    assert reader.next() == Message(9, 0, 1, b"ok")


def test_a_message_that_says_it_is_too_long() -> None:
    reader = ChunkReader(LIMIT)
    reader.receive(b"\x04\0\0\0\xff\xff\xff\x09\x01\0\0\0")
    with pytest.raises(MessageTooLarge) as raised:
        reader.next()
    assert (raised.value.length, raised.value.limit) == (0xFFFFFF, LIMIT)


def test_a_limit_that_was_lowered_holds_for_repeated_headers_too() -> None:
    reader = ChunkReader(LIMIT)
    reader.receive(b"\x04\0\0\0\0\0\x64\x09\x01\0\0\0" + bytes(100))
    assert reader.next() is not None
    reader.message_bytes = 50
    reader.receive(b"\xc4" + bytes(100))
    with pytest.raises(MessageTooLarge):
        reader.next()


def test_a_message_that_is_cut_short_by_the_next_one() -> None:
    """It said 300 bytes and sent 128."""
    reader = ChunkReader(LIMIT)
    reader.receive(b"\x04\0\0\0\0\x01\x2c\x09\x01\0\0\0" + bytes(128))
    reader.receive(b"\x04\0\0\0\0\x01\x2c\x09\x01\0\0\0" + bytes(128))
    with pytest.raises(MessageCutShort, match="300 bytes was cut short after 128"):
        reader.next()


def test_more_bytes_than_a_message_said_are_read_as_chunks_and_fail() -> None:
    reader = ChunkReader(LIMIT)
    reader.receive(b"\x04\0\0\0\0\0\x02\x09\x01\0\0\0ok" + b"\xffsurplus")
    assert reader.next() == Message(9, 0, 1, b"ok")
    with pytest.raises(MissingHeader):
        reader.next()


def test_a_header_that_repeats_nothing() -> None:
    reader = ChunkReader(LIMIT)
    reader.receive(b"\xc5")
    with pytest.raises(MissingHeader, match="stream 5"):
        reader.next()


def test_too_many_chunk_streams() -> None:
    reader, writer = ChunkReader(LIMIT), ChunkWriter()
    for number in range(MOST_CHUNK_STREAMS):
        reader.receive(writer.write(3 + number, Message(8, 0, 1, b"a")))
        assert reader.next() is not None
    reader.receive(writer.write(500, Message(8, 0, 1, b"a")))
    with pytest.raises(TooManyChunkStreams):
        reader.next()


@pytest.mark.parametrize("size", [0, 1, 127, 0x80000000, 0xFFFFFFFF])
def test_chunk_sizes_that_are_not_taken(size: int) -> None:
    with pytest.raises(BadChunkSize):
        ChunkReader(LIMIT).set_chunk_size(size)


def test_unfinished_messages_are_bounded_together() -> None:
    reader = ChunkReader(LIMIT)
    reader.set_chunk_size(LIMIT - 1)
    for number in (3, 4):
        reader.receive(bytes((number,)) + b"\0\0\0\0\x10\0\x09\x01\0\0\0" + bytes(LIMIT - 1))
        assert reader.next() is None
    assert reader.held <= UNFINISHED_MESSAGES * LIMIT
    reader.receive(b"\x05\0\0\0\0\x10\0\x09\x01\0\0\0" + bytes(LIMIT - 1))
    with pytest.raises(TooMuchUnfinished):
        reader.next()


@given(st.binary(max_size=600), st.lists(st.integers(1, 50), max_size=4))
def test_any_bytes_are_messages_or_an_error_of_ours(data: bytes, sizes: list[int]) -> None:
    reader = ChunkReader(LIMIT)
    with contextlib.suppress(ProtocolError):
        read_all(reader, data, sizes)
    assert reader.held <= UNFINISHED_MESSAGES * LIMIT + 18


def test_chunk_streams_outside_one_byte() -> None:
    writer = ChunkWriter()
    message = Message(8, 0, 1, b"a")
    assert writer.write(64, message)[:2] == b"\x00\x00"
    assert writer.write(319, message)[:2] == b"\x00\xff"
    assert writer.write(320, message)[:3] == b"\x01\x00\x01"
