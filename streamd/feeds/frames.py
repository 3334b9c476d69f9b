"""A server's WebSocket frame, built once and written to many connections (RFC 6455 §5.2).

A server does not mask (§5.1) and streamd neither fragments nor compresses, so a frame is a short
header before the payload, and the same bytes suit every connection of one encoding.
"""

from __future__ import annotations

import struct
from enum import IntEnum

_FIN = 0x80


class Opcode(IntEnum):
    """The two data opcodes (RFC 6455 §5.2)."""

    TEXT = 0x1
    BINARY = 0x2


def header(opcode: Opcode, length: int) -> bytes:
    """The header of one unfragmented, unmasked frame whose payload has ``length`` bytes."""
    first = _FIN | opcode
    if length < 126:
        return bytes((first, length))
    if length < 65_536:
        return struct.pack("!BBH", first, 126, length)
    return struct.pack("!BBQ", first, 127, length)


def frame(opcode: Opcode, payload: bytes) -> bytes:
    """One whole frame with ``payload``."""
    return header(opcode, len(payload)) + payload
