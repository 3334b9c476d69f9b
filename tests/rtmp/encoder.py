"""A publisher for tests that can also misbehave: chunks by hand over a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from streamd.rtmp import amf0
from streamd.rtmp.amf0 import EcmaArray
from streamd.rtmp.chunks import ChunkReader, ChunkWriter, Message
from streamd.rtmp.commands import MessageType, command, parse_command

DEADLINE = 20.0


def greeting() -> bytes:
    """C0 and C1, then C2 as careless encoders fill it: all at once."""
    return b"\x03" + bytes(8) + os.urandom(1528) + bytes(1536)


def connect(app: str = "live", **more: Any) -> Message:
    return command("connect", 1.0, {"app": app, "tcUrl": f"rtmp://localhost/{app}", **more})


def publish(name: str) -> Message:
    return command("publish", 5.0, None, name, "live", stream=1)


def metadata(**values: Any) -> Message:
    payload = amf0.encode("@setDataFrame", "onMetaData", EcmaArray(values))
    return Message(MessageType.DATA, 0, 1, payload)


def video(timestamp: int, body: bytes) -> Message:
    return Message(MessageType.VIDEO, timestamp, 1, body)


def audio(timestamp: int, body: bytes) -> Message:
    return Message(MessageType.AUDIO, timestamp, 1, body)


class Encoder:
    """One connection. ``statuses`` are the onStatus objects that came back."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.chunks = ChunkWriter()
        self.statuses: list[dict[str, Any]] = []
        self.answers: list[Any] = []
        self.acknowledgements: list[int] = []
        self._received = ChunkReader(1 << 20)
        self._greeted = False

    def send(self, *messages: Message) -> None:
        for message in messages:
            chunk_stream = 4 if message.type in (MessageType.AUDIO, MessageType.VIDEO) else 3
            self.writer.write(self.chunks.write(chunk_stream, message))

    async def read(self) -> bool:
        """Takes what the server sent next; False once it has closed."""
        async with asyncio.timeout(DEADLINE):
            if not self._greeted:
                await self.reader.readexactly(3073)
                self._greeted = True
            data = await self.reader.read(65_536)
        self._received.receive(data)
        while (message := self._received.next()) is not None:
            if message.type == MessageType.SET_CHUNK_SIZE:
                self._received.set_chunk_size(int.from_bytes(message.payload, "big"))
            elif message.type == MessageType.ACKNOWLEDGEMENT:
                self.acknowledgements.append(int.from_bytes(message.payload, "big"))
            elif message.type == MessageType.COMMAND:
                answer = parse_command(message)
                self.answers.append(answer)
                if answer.name == "onStatus":
                    self.statuses.append(answer.properties(1))
        return bool(data)

    async def status(self) -> dict[str, Any]:
        """The next onStatus."""
        while not self.statuses:
            assert await self.read(), "the server closed without a word"
        return self.statuses.pop(0)

    async def ends(self) -> None:
        """Waits until the server has closed."""
        while await self.read():
            pass


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Encoder]:
    """An encoder that has greeted and sent nothing else."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    encoder = Encoder(reader, writer)
    writer.write(greeting())
    try:
        yield encoder
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@asynccontextmanager
async def publishing(port: int, name: str) -> AsyncIterator[Encoder]:
    """An encoder that has been told that it is on air."""
    async with connected(port) as encoder:
        encoder.send(connect(), command("createStream", 2.0, None), publish(name))
        assert (await encoder.status())["code"] == "NetStream.Publish.Start"
        yield encoder
