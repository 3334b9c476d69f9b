"""An RTMP publisher: sends units as they are to any RTMP server.

Not libavformat's: PyAV holds the interpreter's lock while that connects, so that a server which
says nothing would stop the progress line, and Ctrl-C, for minutes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from streamd.errors import PlaceTaken, PublishError, PublishLost, PublishRefused
from streamd.media.units import Kind, Track, Unit
from streamd.rtmp import amf0, commands
from streamd.rtmp.amf0 import EcmaArray, Value
from streamd.rtmp.chunks import ChunkReader, ChunkWriter, Message
from streamd.rtmp.commands import Command, MessageType
from streamd.rtmp.errors import RtmpError
from streamd.rtmp.flv_bodies import config_body, frame_body, milliseconds
from streamd.rtmp.handshake import SIZE, VERSION

ANSWER_SECONDS = 10.0
STALLED_SECONDS = 10.0
"""A server that takes nothing for this long is taken for gone."""

CHUNK_BYTES = 4_096
REPLY_BYTES = 65_536
_PORTS = {"rtmp": 1935, "rtmps": 443}
_CONTROL, _COMMANDS, _AUDIO, _VIDEO = 2, 3, 4, 6
_LEAVING = frozenset({"NetConnection.Connect.AppShutdown", "NetConnection.Connect.Closed"})
_PING_REQUEST, _PING_RESPONSE = b"\0\x06", b"\0\x07"


class RtmpPublisher:
    """One broadcast. ``open`` connects, ``send`` sends, ``close`` must be awaited.

    Raises PublishRefused with the server's own sentence where it gave one, PublishLost where
    there is no line.
    """

    def __init__(self, url: str, tracks: Sequence[Track]) -> None:
        self._url = urlsplit(url)
        self._tracks: dict[Kind, Track] = {track.kind: track for track in tracks}
        self._chunks = ChunkWriter()
        self._replies = ChunkReader(REPLY_BYTES, least_chunk=1)
        self._answers: asyncio.Queue[Command] = asyncio.Queue(64)
        self._failure: PublishError | None = None
        self._stream = 1
        self._received = self._told = 0
        self._window = 0
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connects, publishes, and sends what decoders need first."""
        with _lost():
            async with asyncio.timeout(ANSWER_SECONDS):
                reader = await self._connect()
        self._reading = asyncio.create_task(self._read(reader))
        application, _, name = self._url.path.lstrip("/").partition("/")
        if self._url.query:
            name += f"?{self._url.query}"
        self._send(_CONTROL, commands.control(MessageType.SET_CHUNK_SIZE, CHUNK_BYTES))
        self._chunks.chunk_size = CHUNK_BYTES
        address = f"{self._url.scheme}://{self._url.netloc}/{application}"
        asked: dict[str, Value] = {
            "app": application,
            "type": "nonprivate",
            "flashVer": "FMLE/3.0 (compatible; streamd)",
            "tcUrl": address,
        }
        await self._ask(commands.command("connect", 1, asked), 1)
        self._send(_COMMANDS, commands.command("releaseStream", 2, None, name))
        self._send(_COMMANDS, commands.command("FCPublish", 3, None, name))
        made = await self._ask(commands.command("createStream", 4, None), 4)
        number = made.arguments[1] if len(made.arguments) > 1 else 1.0
        self._stream = int(number) if isinstance(number, float) else 1
        publish = commands.command("publish", 5, None, name, "live", stream=self._stream)
        await self._ask(publish, None)
        self._send(_AUDIO, self._metadata())
        for track in self._tracks.values():
            self._send_media(track.kind, 0, config_body(track))
        await self._flush()

    async def send(self, unit: Unit) -> None:
        """Sends one unit, in decoding order; waits while the server takes nothing."""
        track = self._tracks[unit.kind]
        stamp = milliseconds(unit.dts, track.timescale) & 0xFFFFFFFF
        if unit.track is not None and unit.track != track:
            track = self._tracks[unit.kind] = unit.track
            self._send_media(unit.kind, stamp, config_body(track))
        self._send_media(unit.kind, stamp, frame_body(unit, track))
        await self._flush()

    async def close(self) -> None:
        """Ends the broadcast, in good order where the line still stands."""
        writer, reading = self._writer, self._reading
        if writer is not None:
            with contextlib.suppress(PublishError):
                name = self._url.path.lstrip("/").partition("/")[2]
                self._send(_COMMANDS, commands.command("FCUnpublish", 6, None, name))
                stop = commands.command("deleteStream", 7, None, self._stream)
                self._send(_COMMANDS, stop)
                await self._flush()
            writer.close()
            with contextlib.suppress(OSError):
                async with asyncio.timeout(1.0):
                    await writer.wait_closed()
        if reading is not None:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    # -- within

    async def _connect(self) -> asyncio.StreamReader:
        """A greeted connection (section 5.2)."""
        port = self._url.port or _PORTS[self._url.scheme]
        secure = ssl.create_default_context() if self._url.scheme == "rtmps" else None
        reader, writer = await asyncio.open_connection(self._url.hostname, port, ssl=secure)
        self._writer = writer
        writer.write(bytes((VERSION,)) + bytes(8) + os.urandom(SIZE - 8))
        greeting = await reader.readexactly(1 + 2 * SIZE)
        if greeting[0] != VERSION:
            raise PublishRefused("What listens there does not speak RTMP.")
        writer.write(greeting[1 : 1 + SIZE])
        return reader

    def _send(self, chunk_stream: int, message: Message) -> None:
        assert self._writer is not None
        self._writer.write(self._chunks.write(chunk_stream, message))

    def _send_media(self, kind: Kind, stamp: int, body: bytes) -> None:
        chunk_stream = _VIDEO if kind == "v" else _AUDIO
        message_type = MessageType.VIDEO if kind == "v" else MessageType.AUDIO
        self._send(chunk_stream, Message(message_type, stamp, self._stream, body))

    def _metadata(self) -> Message:
        values = EcmaArray(encoder="streamd")
        video, audio = self._tracks.get("v"), self._tracks.get("a")
        if video is not None:
            values |= {
                "videocodecid": 7.0, "width": float(video.width), "height": float(video.height)
            }  # fmt: skip
        if audio is not None:
            # An enhanced codec is named by its FourCC as a number ("Opus").
            number = int.from_bytes(b"Opus", "big") if audio.codec == "opus" else 10
            values |= {"audiocodecid": float(number), "audiosamplerate": float(audio.sample_rate)}
        payload = amf0.encode("@setDataFrame", "onMetaData", values)
        return Message(MessageType.DATA, 0, self._stream, payload)

    async def _flush(self) -> None:
        assert self._writer is not None
        if self._failure is not None:
            raise self._failure
        try:
            with _lost():
                async with asyncio.timeout(STALLED_SECONDS):
                    await self._writer.drain()
        except PublishLost:
            # Its last words tell more than that the line is gone.
            await asyncio.sleep(0)
            raise self._failure or PublishLost("The server takes nothing any more.") from None

    async def _ask(self, message: Message, transaction: float | None) -> Command:
        """Sends a command and waits for its answer; None: for the status of ``publish``."""
        self._send(_COMMANDS, message)
        await self._flush()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                while True:
                    answer = await self._answers.get()
                    if self._failure is not None:
                        raise self._failure
                    if transaction is None and answer.name == "onStatus":
                        return answer
                    if answer.transaction == transaction:
                        return answer
        except TimeoutError:
            raise PublishLost("The server does not answer.") from None

    async def _read(self, reader: asyncio.StreamReader) -> None:
        """Takes what the server says until it closes; wakes whoever waits for an answer."""
        try:
            with _lost():
                while data := await reader.read(REPLY_BYTES):
                    self._replies.receive(data)
                    while (message := self._replies.next()) is not None:
                        self._take(message)
                    self._acknowledge(len(data))
            raise PublishLost("The server has closed the connection.")
        except RtmpError as error:
            self._fail(PublishLost(f"The server sent what is not RTMP: {error}"))
        except PublishError as error:
            self._fail(error)

    def _take(self, message: Message) -> None:
        match message.type:
            case MessageType.SET_CHUNK_SIZE:
                self._replies.set_chunk_size(commands.number(message))
            case MessageType.WINDOW:
                self._window = commands.number(message)
            case MessageType.USER_CONTROL if message.payload.startswith(_PING_REQUEST):
                pong = _PING_RESPONSE + message.payload[2:6]
                self._send(_CONTROL, Message(MessageType.USER_CONTROL, 0, 0, pong))
            case MessageType.COMMAND | MessageType.COMMAND_AMF3:
                self._answer(commands.parse_command(message))

    def _answer(self, answer: Command) -> None:
        told = answer.properties(1)
        # An unknown releaseStream or FCPublish is no failure: many servers have neither.
        failed = answer.name == "_error" and answer.transaction not in (2, 3)
        if failed or (answer.name == "onStatus" and told.get("level") == "error"):
            said = told.get("description") or told.get("code") or "no reason given"
            if told.get("code") in _LEAVING:
                self._fail(PublishLost(f"The server left: {said}"))
            elif told.get("code") == "NetStream.Publish.BadName":
                self._fail(PlaceTaken(f"The server refused: {said}"))
            else:
                self._fail(PublishRefused(f"The server refused: {said}"))
        elif not self._answers.full():
            self._answers.put_nowait(answer)

    def _fail(self, error: PublishError) -> None:
        """The first failure counts: it says most."""
        if self._failure is None:
            self._failure = error
        with contextlib.suppress(asyncio.QueueFull):
            self._answers.put_nowait(Command("", -1, ()))

    def _acknowledge(self, count: int) -> None:
        self._received += count
        if self._window and self._received - self._told >= self._window:
            self._told = self._received
            told = self._received & 0xFFFFFFFF
            self._send(_CONTROL, commands.control(MessageType.ACKNOWLEDGEMENT, told))


@contextlib.contextmanager
def _lost() -> Iterator[None]:
    """What the network says, as one of our errors."""
    try:
        yield
    except TimeoutError:
        raise PublishLost("The server does not answer.") from None
    except asyncio.IncompleteReadError:
        raise PublishLost("The server closed the connection at once.") from None
    except OSError as error:
        number = error.errno or 0
        reason = os.strerror(number) if number > 0 else type(error).__name__
        raise PublishLost(f"The server cannot be reached: {reason}.") from error
