"""A server's WebSocket frame, built once and written to many connections (RFC 6455 §5.2).

A server does not mask (§5.1) and streamd neither fragments nor compresses, so a frame is a short
header before the payload, and the same bytes suit every connection of one encoding.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable
from enum import IntEnum

_FIN = _MASKED = 0x80
# A whole text or binary frame's first byte; the least that a masked frame with a payload has.
_DATA = (0x81, 0x82)
_SMALLEST = 8


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


def medium_header(opcode: Opcode) -> Callable[[int], bytes]:
    """``header`` for payloads of 126 to 65,535 bytes alone, ready to be called often."""
    return functools.partial(struct.Struct("!BBH").pack, _FIN | opcode, 126)


def frame(opcode: Opcode, payload: bytes) -> bytes:
    """One whole frame with ``payload``."""
    return header(opcode, len(payload)) + payload


def small_frame(
    data: bytes, at: int, limit: int, unmask: Callable[[bytes, bytes], bytes]
) -> tuple[bytes, int] | None:
    """The whole masked data frame that begins at ``at``: its payload and where it ends.

    None for every other one: incomplete, a fragment, a control frame, reserved bits, no mask, or
    a payload past ``limit`` or 65,535 bytes. ``unmask`` is ``(payload, 4 bytes of mask)``.
    """
    if len(data) - at < _SMALLEST or data[at] not in _DATA or data[at + 1] < _MASKED:
        return None
    length, start = data[at + 1] - _MASKED, at + 6
    if length == 126:
        length, start = data[at + 2] << 8 | data[at + 3], at + 8
    elif length == 127:
        return None
    end = start + length
    if end > len(data) or length > limit:
        return None
    return unmask(data[start:end], data[start - 4 : start]), end
