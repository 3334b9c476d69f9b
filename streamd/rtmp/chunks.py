"""Chunk streams (section 5.3): messages cut into chunks, and put together again. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from streamd.rtmp.errors import (
    BadChunkSize,
    MessageCutShort,
    MessageTooLarge,
    MissingHeader,
    TooManyChunkStreams,
    TooMuchUnfinished,
)

DEFAULT_CHUNK = 128
"""The chunk size both sides begin with (section 5.4.1)."""

LEAST_CHUNK = 128
"""The least a publisher may set: below, headers outweigh media and cost more than they are worth
(section 5.3.1: "should be at least 128 bytes")."""

MOST_CHUNK_STREAMS = 32
UNFINISHED_MESSAGES = 2
"""Unfinished messages together may hold this many times the largest message."""

_EXTENDED = 0xFFFFFF
_HEADER_SIZES = (11, 7, 3, 0)


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its type (section 5.4, 7.1), 32-bit timestamp in ms, stream and payload."""

    type: int
    timestamp: int
    stream: int
    payload: bytes


@dataclass(slots=True)
class _ChunkStream:
    """The newest header of a chunk stream, and the message that is being put together."""

    timestamp: int = 0
    step: int = 0
    extended: bool = False
    length: int = 0
    type: int = 0
    stream: int = 0
    body: bytearray = field(default_factory=bytearray)
    open: bool = False


class ChunkReader:
    """Bytes of a connection into messages. ``message_bytes`` bounds one message's length.

    Memory held: at most UNFINISHED_MESSAGES × ``message_bytes`` and one header.
    """

    def __init__(self, message_bytes: int, least_chunk: int = LEAST_CHUNK) -> None:
        self.message_bytes = message_bytes
        self._least_chunk = least_chunk
        self._chunk_size = DEFAULT_CHUNK
        self._buffer = bytearray()
        self._streams: dict[int, _ChunkStream] = {}
        self._current: _ChunkStream | None = None
        self._chunk_left = 0
        self._unfinished = 0

    @property
    def held(self) -> int:
        """Bytes kept of what is not complete yet."""
        return self._unfinished + len(self._buffer)

    def set_chunk_size(self, size: int) -> None:
        """The publisher's Set Chunk Size (section 5.4.1). Raises BadChunkSize."""
        if not self._least_chunk <= size <= 0x7FFFFFFF:
            raise BadChunkSize(f"A chunk size of {size} bytes; {self._least_chunk} are the least.")
        self._chunk_size = size

    def abort(self, chunk_stream: int) -> None:
        """The publisher's Abort Message (section 5.4.2): what came of it is dropped."""
        found = self._streams.get(chunk_stream)
        if found is not None and found.open:
            self._unfinished -= len(found.body)
            found.body = bytearray()
            found.open = False

    def receive(self, data: bytes) -> None:
        """Takes bytes; ``next`` gives the messages they complete."""
        self._buffer += data

    def next(self) -> Message | None:
        """The next whole message, or None until more bytes come. Raises ProtocolError.

        One at a time, since a message may change how the bytes after it are read.
        """
        at = 0
        try:
            while True:
                if self._current is None:
                    size = self._begin_chunk(at)
                    if not size:
                        return None
                    at += size
                current = self._current
                assert current is not None
                taken = min(self._chunk_left, len(self._buffer) - at)
                current.body += self._buffer[at : at + taken]
                at += taken
                self._chunk_left -= taken
                self._unfinished += taken
                if self._chunk_left:
                    return None
                self._current = None
                if len(current.body) == current.length:
                    return self._finish(current)
        finally:
            del self._buffer[:at]

    def _finish(self, chunk_stream: _ChunkStream) -> Message:
        payload = bytes(chunk_stream.body)
        self._unfinished -= len(payload)
        chunk_stream.body = bytearray()
        chunk_stream.open = False
        return Message(chunk_stream.type, chunk_stream.timestamp, chunk_stream.stream, payload)

    def _begin_chunk(self, at: int) -> int:
        """Reads the chunk header at ``at``; returns its size, 0 where it is not all there."""
        basic = self._basic_header(at)
        if basic is None:
            return 0
        kind, number, size = basic
        fields = self._buffer[at + size : at + size + _HEADER_SIZES[kind]]
        if len(fields) < _HEADER_SIZES[kind]:
            return 0
        size += len(fields)
        known = self._streams.get(number)
        if known is None:
            known = self._new_stream(kind, number)
        elif known.open and kind != 3:
            raise MessageCutShort(
                f"A message of {known.length} bytes was cut short after {len(known.body)}."
            )
        extended = fields[:3] == b"\xff\xff\xff" if kind < 3 else known.extended
        stamp: int | None = None
        if extended:
            raw = self._buffer[at + size : at + size + 4]
            if len(raw) < 4:
                return 0
            stamp = int.from_bytes(raw, "big")
            # Some encoders leave the extended timestamp out of a message's later chunks, though
            # section 5.3.1.3 asks for it; there it is taken only where it repeats the first one's.
            if known.open and stamp != known.step:
                stamp = None
            else:
                size += 4
        elif kind < 3:
            stamp = int.from_bytes(fields[:3], "big")
        self._streams[number] = known
        if not known.open:
            self._open_message(known, kind, bytes(fields), stamp, extended)
        self._chunk_left = min(self._chunk_size, known.length - len(known.body))
        if self._unfinished + self._chunk_left > UNFINISHED_MESSAGES * self.message_bytes:
            raise TooMuchUnfinished("Too many messages are begun and not finished.")
        self._current = known
        return size

    def _basic_header(self, at: int) -> tuple[int, int, int] | None:
        """Chunk type, chunk stream id and bytes of the basic header (section 5.3.1.1)."""
        raw = self._buffer[at : at + 3]
        if not raw:
            return None
        kind, number = raw[0] >> 6, raw[0] & 0x3F
        if number > 1:
            return kind, number, 1
        if len(raw) < 2 + number:
            return None
        if number == 0:
            return kind, 64 + raw[1], 2
        return kind, 64 + raw[1] + 256 * raw[2], 3

    def _new_stream(self, kind: int, number: int) -> _ChunkStream:
        if kind:
            raise MissingHeader(
                f"Chunk stream {number} begins with a type {kind} chunk, which repeats a header "
                "that never came."
            )
        if len(self._streams) >= MOST_CHUNK_STREAMS:
            raise TooManyChunkStreams(f"More than {MOST_CHUNK_STREAMS} chunk streams.")
        return _ChunkStream()

    def _open_message(
        self, known: _ChunkStream, kind: int, fields: bytes, stamp: int | None, extended: bool
    ) -> None:
        """A new message begins: its header's fields over those of the last one."""
        if kind < 2:
            length = int.from_bytes(fields[3:6], "big")
            if length > self.message_bytes:
                raise MessageTooLarge(length, self.message_bytes)
            known.length, known.type = length, fields[6]
        elif known.length > self.message_bytes:
            raise MessageTooLarge(known.length, self.message_bytes)
        if kind == 0:
            known.stream = int.from_bytes(fields[7:11], "little")
        if stamp is not None:
            known.step = stamp
        known.extended = extended
        # Type 0 carries the time, the others the step from the message before. A type 3 message
        # after type 0 repeats that time as its step (section 5.3.1.2.4).
        before = 0 if kind == 0 else known.timestamp
        known.timestamp = (before + known.step) & 0xFFFFFFFF
        known.open = True


class ChunkWriter:
    """Messages into chunks, each with the shortest header that tells it."""

    def __init__(self) -> None:
        self.chunk_size = DEFAULT_CHUNK
        self._last: dict[int, tuple[Message, int]] = {}

    def write(self, chunk_stream: int, message: Message) -> bytes:
        """The message's chunks on ``chunk_stream`` (2 to 65,599; 2 is for control messages)."""
        kind, step = self._header_of(chunk_stream, message)
        self._last[chunk_stream] = message, step
        field = min(step, _EXTENDED).to_bytes(3, "big")
        extended = step.to_bytes(4, "big") if step >= _EXTENDED else b""
        length = len(message.payload).to_bytes(3, "big")
        header = (
            field + length + bytes((message.type,)) + message.stream.to_bytes(4, "little"),
            field + length + bytes((message.type,)),
            field,
            b"",
        )[kind]
        out = bytearray(_basic(kind, chunk_stream) + header + extended)
        out += message.payload[: self.chunk_size]
        for at in range(self.chunk_size, len(message.payload), self.chunk_size):
            out += _basic(3, chunk_stream) + extended
            out += message.payload[at : at + self.chunk_size]
        return bytes(out)

    def _header_of(self, chunk_stream: int, message: Message) -> tuple[int, int]:
        """The chunk type and its timestamp or step."""
        last, last_step = self._last.get(chunk_stream, (None, 0))
        if last is None or message.stream != last.stream or message.timestamp < last.timestamp:
            return 0, message.timestamp
        step = message.timestamp - last.timestamp
        if message.type != last.type or len(message.payload) != len(last.payload):
            return 1, step
        return (2, step) if step != last_step else (3, step)


def _basic(kind: int, number: int) -> bytes:
    if number < 64:
        return bytes((kind << 6 | number,))
    if number < 320:
        return bytes((kind << 6, number - 64))
    return bytes((kind << 6 | 1, (number - 64) & 0xFF, (number - 64) >> 8))
