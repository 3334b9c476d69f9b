"""One voter's WebSocket, reduced to what a load generator needs; asyncio protocol, no library.

A vote is a frame made beforehand, an answer is looked through for its id, its position or its
error code. Votes that were not acknowledged go out again with the same ballot: after a temporary
error, and on a new connection where the old one was lost.
"""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import struct
import time
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

UPGRADE: Final = (
    b"GET /connection/websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n\r\n"
)
_TEXT: Final = 0x81
_CLOSE: Final = 0x88
_PONG: Final = b"\x81\x82\0\0\0\0{}"
_RECEIPT: Final = b'{"id":', b',"rpc":{"data":{"poll":'
_POSITION: Final = b',"shard":0,"seq":'
_RETRY_SECONDS: Final = (0.05, 0.25)


def client_frame(payload: bytes) -> bytes:
    """``payload`` as one masked text frame; the mask 0 leaves it readable (RFC 6455 §5.3)."""
    size = len(payload)
    head = (
        struct.pack("!BB", _TEXT, 0x80 | size)
        if size < 126
        else struct.pack("!BBH", _TEXT, 0xFE, size)
    )
    return head + b"\0\0\0\0" + payload


def _receipt(payload: bytes) -> tuple[int, int] | None:
    """The command's id and the position in a reply as streamd writes receipts, None for others:
    to read a whole one would make the generator slower than what it measures.
    """
    start, at = len(_RECEIPT[0]), payload.find(_RECEIPT[1])
    position = payload.find(_POSITION, at)
    if at < start or position < 0 or not payload.startswith(_RECEIPT[0]):
        return None
    position += len(_POSITION)
    return int(payload[start:at]), int(payload[position : payload.find(b",", position)])


@dataclass(slots=True)
class Cast:
    """One vote: its poll and frame, and what became of it. Times are CLOCK_MONOTONIC ns, 0: not.

    ``position`` is the receipt's ``seq``; ``refused`` the code of a final refusal.
    """

    poll: str
    frame: bytes
    sent: int = 0
    acknowledged: int = 0
    position: int = 0
    refused: int = 0
    retries: int = 0


def make_cast(command_id: int, poll: str, choice: str) -> Cast:
    """A vote with a random ballot id and nonce. ``command_id`` is its RPC's."""
    vote = {
        "poll": poll,
        "choices": [choice],
        "ballot_id": secrets.token_hex(16),
        "nonce": secrets.token_hex(16),
    }
    command = {"id": command_id, "rpc": {"method": "vote", "data": vote}}
    return Cast(poll, client_frame(json.dumps(command, separators=(",", ":")).encode()))


class Voter(asyncio.Protocol):
    """One identity on one connection. ``casts`` are its votes; command ids count from FIRST_ID.

    ``on_done(voter, number)`` is called when a vote is acknowledged or refused for good.
    """

    FIRST_ID: Final = 10

    def __init__(self, token: str, on_done: Callable[[Voter, int], None]) -> None:
        self._token = token
        self.casts: list[Cast] = []
        self._on_done = on_done
        self._transport: asyncio.Transport | None = None
        self._unread = b""
        self._under_way: set[int] = set()
        self._upgraded = False
        self.connected: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost = False
        self.closing = False

    def add(self, poll: str, choice: str) -> int:
        """Makes a vote for later; its number."""
        number = len(self.casts)
        self.casts.append(make_cast(self.FIRST_ID + number, poll, choice))
        return number

    def cast(self, number: int) -> None:
        """Sends vote ``number``, or sends it again."""
        vote = self.casts[number]
        if not vote.sent:
            vote.sent = time.monotonic_ns()
        self._under_way.add(number)
        if self._transport is not None and not self.lost and not self.closing:
            self._transport.write(vote.frame)

    def resend(self) -> None:
        """On a new connection: everything that had no answer yet."""
        for number in tuple(self._under_way):
            self.casts[number].retries += 1
            self.cast(number)

    def renew(self) -> None:
        """Makes the voter ready for a new connection."""
        self._unread, self._upgraded, self.lost = b"", False, False
        self.connected = asyncio.get_running_loop().create_future()

    def leave(self) -> None:
        """Closes the connection."""
        self.closing = True
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: asks for the upgrade and connects in one go."""
        # Not asserted: uvloop's transports are not instances of asyncio's.
        self._transport = typing.cast(asyncio.Transport, transport)
        connect = json.dumps({"id": 1, "connect": {"token": self._token}}).encode()
        self._transport.write(UPGRADE + client_frame(connect))

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the generator connects again."""
        self.lost = True
        if not self.connected.done():
            self.connected.set_exception(ConnectionError(f"refused: {self._unread[:60]!r}"))

    def data_received(self, data: bytes) -> None:
        """asyncio: takes whole frames, keeps the rest."""
        data = self._unread + data if self._unread else data
        at = 0
        if not self._upgraded:
            at = data.find(b"\r\n\r\n") + 4
            if at < 4:
                self._unread = data
                return
            if not data.startswith(b"HTTP/1.1 101"):
                self._unread = data
                self.leave()
                return
            self._upgraded = True
        while len(data) - at >= 2:
            size, head = data[at + 1], 2
            if size > 125:
                head = 4 if size == 126 else 10
                size = int.from_bytes(data[at + 2 : at + head], "big")
            if len(data) - at < head + size:
                break
            self._take(data[at], data[at + head : at + head + size])
            at += head + size
        self._unread = data[at:]

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == _CLOSE or self._transport is None:
            return
        if payload == b"{}":
            self._transport.write(_PONG)
            return
        if (receipt := _receipt(payload)) is not None:
            number = receipt[0] - self.FIRST_ID
            if number in self._under_way:
                self._under_way.discard(number)
                self._counted(number, receipt[1])
            return
        reply: dict[str, Any] = json.loads(payload)
        number = reply.get("id", 0) - self.FIRST_ID
        if number in self._under_way:
            self._answered(number, reply)
        elif reply.get("id") == 1 and not self.connected.done():
            if "error" in reply:
                self.connected.set_exception(ConnectionError(str(reply["error"])))
            else:
                self.connected.set_result(None)

    def _answered(self, number: int, reply: dict[str, Any]) -> None:
        vote = self.casts[number]
        error = reply.get("error")
        if error is not None and error.get("temporary"):
            vote.retries += 1
            delay = random.uniform(*_RETRY_SECONDS)
            asyncio.get_running_loop().call_later(delay, self.cast, number)
            return
        self._under_way.discard(number)
        if error is not None:
            vote.refused = error["code"]
            self._on_done(self, number)
        else:
            self._counted(number, reply["rpc"]["data"]["seq"])

    def _counted(self, number: int, position: int) -> None:
        vote = self.casts[number]
        if vote.acknowledged and vote.position != position:
            # Asked again on purpose: the receipt has to be the same.
            position = -1
        vote.position = position
        vote.acknowledged = vote.acknowledged or time.monotonic_ns()
        self._on_done(self, number)
