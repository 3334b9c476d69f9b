"""The server's side of one RTMP connection, without I/O: bytes in, events and bytes out.

    receive(data)      what the socket gave
    next_event()       what it means, one event at a time, until None
    data_to_send()     what the socket is to be given now
    accept, refuse     the answer to PublishRequested; nothing more is read before it

A ProtocolError or AmfError from ``next_event`` ends the connection; ``fail`` tells the encoder.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from streamd.media.units import Kind
from streamd.rtmp import commands
from streamd.rtmp.amf0 import Value
from streamd.rtmp.chunks import ChunkReader, ChunkWriter, Message
from streamd.rtmp.commands import Command, MessageType
from streamd.rtmp.errors import AmfError, OutOfOrder, TagError, TooMuchBeforePublish
from streamd.rtmp.flv import split_aggregate
from streamd.rtmp.handshake import Handshake
from streamd.rtmp.states import Move, SessionState, after

WINDOW_BYTES = 2_500_000
CHUNK_BYTES = 4_096
BEFORE_PUBLISH_BYTES = 65_536
"""All of a connection's bytes up to ``publish`` after the handshake, and its longest command."""

BEFORE_PUBLISH_MESSAGES = 256
"""All of a connection's messages up to ``publish``: a message may be a single byte."""

MESSAGES_AT_ONCE = 64
"""After this many, empty ones too, ``next_event`` hands control back with Breath."""

_CONTROL, _COMMANDS, _STATUS = 2, 3, 5
"""Chunk streams that streamd writes on."""


@dataclass(frozen=True, slots=True)
class PublishRequested:
    """``publish``: the application and address of ``connect``, and the stream's name, as sent.

    They may hold the key: not for logs.
    """

    application: str = field(repr=False)
    address: str = field(repr=False)
    name: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Media:
    """An audio or video message: 32-bit milliseconds, and an FLV tag body."""

    kind: Kind
    timestamp: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Metadata:
    """``onMetaData``."""

    values: dict[str, Value]


@dataclass(frozen=True, slots=True)
class Broken:
    """A message could not be read; the connection goes on."""

    error: TagError | AmfError


@dataclass(frozen=True, slots=True)
class Unpublished:
    """The encoder ended its broadcast in good order."""


@dataclass(frozen=True, slots=True)
class Breath:
    """More may have come already; it is the others' turn first."""


Event = PublishRequested | Media | Metadata | Broken | Unpublished | Breath


class Connection:
    """One publisher's connection. ``random`` fills the handshake, 1,528 bytes."""

    def __init__(self, random: bytes, message_bytes: int) -> None:
        self.state = SessionState.GREETING
        self.reason: str | None = None
        """Why ``next_event`` ended the session where no error was raised."""
        self.acknowledged = 0
        """The publisher's newest Acknowledgement: how much of ours it has read."""
        self._message_bytes = message_bytes
        self._handshake = Handshake(random)
        self._reader = ChunkReader(min(message_bytes, BEFORE_PUBLISH_BYTES))
        self._writer = ChunkWriter()
        self._out = bytearray()
        self._parts: Iterator[Message] = iter(())
        self._received = self._told = self._opening = 0
        self._opening_messages = self._at_once = 0
        self._window = WINDOW_BYTES
        self._application = self._address = ""

    @property
    def held(self) -> int:
        """Bytes kept of what is not complete yet."""
        return self._reader.held

    def receive(self, data: bytes) -> None:
        """Takes bytes. Raises BadHandshake, TooMuchBeforePublish."""
        if self.state is SessionState.GREETING:
            data = self._handshake.receive(data)
            self._out += self._handshake.data_to_send()
            if not self._handshake.done:
                return
            self._move(Move.GREET)
        self._received += len(data)
        if self.state is not SessionState.PUBLISHING:
            self._opening += len(data)
            if self._opening > 2 * BEFORE_PUBLISH_BYTES:
                raise TooMuchBeforePublish("Too much was sent before publishing.")
        self._reader.receive(data)
        if self._received - self._told >= self._window:
            self._told = self._received
            told = self._received & 0xFFFFFFFF
            self._send(_CONTROL, commands.control(MessageType.ACKNOWLEDGEMENT, told))

    def next_event(self) -> Event | None:
        """The next event, or None until more bytes, or an answer, come.

        Raises ProtocolError or AmfError.
        """
        while self.state not in _SILENT:
            if self._at_once >= MESSAGES_AT_ONCE:
                self._at_once = 0
                return Breath()
            self._at_once += 1
            try:
                message = next(self._parts, None)
            except TagError as error:
                self._parts = iter(())
                return Broken(error)
            event = None
            if message is not None:
                event = self._media_event(message)
            else:
                message = self._reader.next()
                if message is None:
                    break
                self._count()
                event = self._take(message)
            if event is not None:
                return event
        self._at_once = 0
        return None

    def data_to_send(self) -> bytes:
        """What is to be sent now."""
        out = bytes(self._out)
        self._out.clear()
        return out

    def accept(self, stream: str) -> None:
        """The publisher may send; ``stream`` is told to it."""
        self._move(Move.ACCEPT)
        self._reader.message_bytes = self._message_bytes
        self._send(_CONTROL, commands.stream_begin())
        started = commands.on_status(
            "status", "NetStream.Publish.Start", f"You are on air as “{stream}”."
        )
        self._send(_STATUS, started)

    def fail(self, code: str, description: str) -> None:
        """Tells the encoder why the connection ends; then nothing more is read."""
        if self.state is SessionState.ENDED:
            return
        if self.state not in (SessionState.GREETING, SessionState.CONNECTING):
            self._send(_STATUS, commands.on_status("error", code, description))
        self.state = after(self.state, Move.END)

    # -- within

    def _move(self, move: Move) -> None:
        self.state = after(self.state, move)

    def _count(self) -> None:
        if self.state is not SessionState.PUBLISHING:
            self._opening_messages += 1
            if self._opening_messages > BEFORE_PUBLISH_MESSAGES:
                raise TooMuchBeforePublish("Too many messages were sent before publishing.")

    def _send(self, chunk_stream: int, message: Message) -> None:
        self._out += self._writer.write(chunk_stream, message)

    def _take(self, message: Message) -> Event | None:
        match message.type:
            case MessageType.SET_CHUNK_SIZE:
                self._reader.set_chunk_size(commands.number(message))
            case MessageType.ABORT:
                self._reader.abort(commands.number(message))
            case MessageType.ACKNOWLEDGEMENT:
                self.acknowledged = commands.number(message)
            case MessageType.WINDOW:
                self._window = max(commands.number(message), 1)
            case MessageType.COMMAND | MessageType.COMMAND_AMF3:
                return self._obey(commands.parse_command(message))
            case MessageType.AGGREGATE if self.state is SessionState.PUBLISHING:
                self._parts = split_aggregate(message)
            case _ if self.state is SessionState.PUBLISHING:
                return self._media_event(message)
        return None

    def _media_event(self, message: Message) -> Event | None:
        match message.type:
            case MessageType.AUDIO:
                return Media("a", message.timestamp, message.payload)
            case MessageType.VIDEO:
                return Media("v", message.timestamp, message.payload)
            case MessageType.DATA | MessageType.DATA_AMF3:
                try:
                    values = commands.parse_metadata(message)
                except AmfError as error:
                    return Broken(error)
                return Metadata(values) if values is not None else None
        return None

    def _obey(self, command: Command) -> Event | None:
        if command.name == "publish":
            self._move(Move.ASK)
            return PublishRequested(self._application, self._address, command.text(1))
        if command.name in _UNPUBLISHING:
            return self._unpublish(command)
        if command.name == "connect":
            self._connect(command)
            return None
        if self.state is SessionState.CONNECTING:
            raise OutOfOrder(f"“{command.name}” came before connect.")
        self._answer(command)
        return None

    def _answer(self, command: Command) -> None:
        """Commands that change nothing but want a reply."""
        if command.name == "createStream":
            number = commands.PUBLISH_STREAM
            self._send(_COMMANDS, commands.result(command.transaction, number))
        elif command.name in ("releaseStream", "FCPublish"):
            self._send(_COMMANDS, commands.result(command.transaction))
            if command.name == "FCPublish":
                self._send(_COMMANDS, commands.on_fc_publish())
        elif command.name in _PLAYING:
            refusal = "streamd takes broadcasts over RTMP. Watch on the stream's page or over HLS."
            self._send(_STATUS, commands.on_status("error", "NetStream.Play.Failed", refusal))
        elif command.transaction and command.name not in _ANSWERS:
            self._send(_COMMANDS, commands.failed(command.transaction, command.name))

    def _connect(self, command: Command) -> None:
        self._move(Move.CONNECT)
        properties = command.properties(0)
        application, address = properties.get("app"), properties.get("tcUrl")
        self._application = application if isinstance(application, str) else ""
        self._address = address if isinstance(address, str) else ""
        if self._application.partition("?")[0].strip("/").partition("/")[0] != "live":
            self.reason = "another application than “live”"
            refusal = "The address is rtmp://HOST/live with the stream key of your studio."
            self._send(_COMMANDS, commands.not_connected(command.transaction, refusal))
            self._move(Move.END)
            return
        self._send(_CONTROL, commands.control(MessageType.WINDOW, WINDOW_BYTES))
        self._send(_CONTROL, commands.peer_bandwidth(WINDOW_BYTES))
        self._send(_CONTROL, commands.control(MessageType.SET_CHUNK_SIZE, CHUNK_BYTES))
        self._writer.chunk_size = CHUNK_BYTES
        self._send(_COMMANDS, commands.connected(command.transaction))

    def _unpublish(self, command: Command) -> Event | None:
        if command.transaction:
            self._send(_COMMANDS, commands.result(command.transaction))
        if self.state is not SessionState.PUBLISHING:
            return None
        self._move(Move.UNPUBLISH)
        self._reader.message_bytes = min(self._message_bytes, BEFORE_PUBLISH_BYTES)
        self._opening = self._opening_messages = 0
        ended = commands.on_status(
            "status", "NetStream.Unpublish.Success", "The broadcast has ended."
        )
        self._send(_STATUS, ended)
        return Unpublished()


_SILENT = frozenset((SessionState.GREETING, SessionState.ASKING, SessionState.ENDED))
"""States in which no message is read."""

_UNPUBLISHING = frozenset({"FCUnpublish", "closeStream", "deleteStream"})
_PLAYING = frozenset({"play", "play2", "FCSubscribe"})
_ANSWERS = frozenset({"_result", "_error", "onStatus"})
