from __future__ import annotations

import asyncio
from typing import cast

from streamd.web.gate import Gate


class Heard(asyncio.Protocol):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.data = b""
        self.told: list[str] = []

    def data_received(self, data: bytes) -> None:
        self.data += data

    def eof_received(self) -> bool:
        self.told.append("eof")
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.told.append(f"lost {exc}")

    def pause_writing(self) -> None:
        self.told.append("pause")

    def resume_writing(self) -> None:
        self.told.append("resume")


class Line:
    """A transport that only remembers whether it is read."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        self.protocol: asyncio.BaseProtocol = protocol
        self.reads = True

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self.protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True

    def is_closing(self) -> bool:
        return False


def gated(limit: int) -> tuple[Gate, Line, Heard, list[str]]:
    heard = Heard()
    line = Line(heard)
    full: list[str] = []
    gate = Gate(cast(asyncio.Transport, line), limit, lambda: full.append("full"))
    assert line.protocol is gate
    return gate, line, heard, full


def test_the_limit_passes_and_the_rest_waits_until_it_opens() -> None:
    gate, line, heard, full = gated(5)
    gate.data_received(b"abc")
    assert (heard.data, line.reads, full) == (b"abc", True, [])
    gate.data_received(b"defg")
    gate.data_received(b"hi")
    assert (heard.data, line.reads, full) == (b"abcde", False, ["full"])
    gate.open()
    assert (heard.data, line.reads) == (b"abcdefghi", True)
    assert line.protocol is heard
    gate.open()
    assert heard.data == b"abcdefghi"


def test_a_gate_that_was_never_full_just_stands_aside() -> None:
    gate, line, heard, full = gated(5)
    gate.data_received(b"abcde")
    gate.open()
    assert (heard.data, line.reads, full) == (b"abcde", True, [])


def test_everything_else_passes() -> None:
    gate, _, heard, _ = gated(1)
    assert gate.eof_received()
    gate.pause_writing()
    gate.resume_writing()
    gate.connection_lost(None)
    assert heard.told == ["eof", "pause", "resume", "lost None"]
