"""A full ICE agent by hand, on a socket of its own, and an open mux to try it on."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from aioice.stun import Class, parse_message

from streamd import config
from streamd.webrtc.mux import Mux
from streamd.webrtc.mux_connection import MuxConnection
from streamd.webrtc.stun import binding_request
from tests.webrtc.whip_server import until

USE_CANDIDATE = struct.pack("!HH", 0x0025, 0)
MEDIA = b"\x80\x60" + bytes(30)


@asynccontextmanager
async def open_mux(**settings: object) -> AsyncIterator[Mux]:
    mux = Mux(config.WebRtc(port=0, **settings))  # type: ignore[arg-type]
    mux.open()
    try:
        yield mux
    finally:
        mux.close()


class Client:
    """A full agent by hand, on a socket of its own."""

    def __init__(self, mux: Mux, family: int = socket.AF_INET, host: str = "127.0.0.1") -> None:
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.socket.connect((host, mux.port))
        self.socket.setblocking(False)

    def check(self, connection: MuxConnection, attributes: bytes = b"", password: str = "") -> None:
        username = f"{connection.local_username}:theirs"
        signed = password or connection.local_password
        self.send(binding_request(os.urandom(12), username, signed, attributes=attributes))

    def send(self, datagram: bytes) -> None:
        self.socket.send(datagram)

    async def recv(self) -> bytes:
        async with asyncio.timeout(10):
            return await asyncio.get_running_loop().sock_recv(self.socket, 2_000)

    async def nominate(self, connection: MuxConnection) -> None:
        self.check(connection, USE_CANDIDATE)
        assert parse_message(await self.recv()).message_class is Class.RESPONSE
        await until(lambda: connection.address is not None)


@contextmanager
def client(mux: Mux, *arguments: object) -> Iterator[Client]:
    made = Client(mux, *arguments)  # type: ignore[arg-type]
    try:
        yield made
    finally:
        made.socket.close()
