"""Action Message Format 0: the values of commands and metadata, bounded in depth and number.

    number ↔ float   boolean ↔ bool   string, long string ↔ str   null ↔ None
    undefined ↔ UNDEFINED   object ↔ dict   strict array ↔ list   date ↔ Date
    ECMA array → dict (EcmaArray writes one)   XML → str   typed object → dict

References (marker 7) and the switch to AMF3 (marker 17) are refused: no encoder sends them to a
server that answers in AMF0.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from streamd.rtmp.errors import AmfTooDeep, AmfTooLarge, AmfTruncated, AmfUnknown

MOST_DEPTH = 16
MOST_VALUES = 1_024
"""Values in one message, those within objects and arrays counted."""

_NUMBER, _BOOLEAN, _STRING, _OBJECT = 0, 1, 2, 3
_NULL, _UNDEFINED, _ECMA, _END, _STRICT, _DATE = 5, 6, 8, 9, 10, 11
_LONG, _UNSUPPORTED, _XML, _TYPED = 12, 13, 15, 16

_OBJECT_END: Final = b"\0\0\x09"


class Undefined(Enum):
    """AMF0's undefined, which is not null."""

    UNDEFINED = "undefined"


UNDEFINED: Final = Undefined.UNDEFINED


@dataclass(frozen=True, slots=True)
class Date:
    """A date: milliseconds since 1970, UTC. The wire's time zone is reserved and 0."""

    milliseconds: float


class EcmaArray(dict[str, "Value"]):
    """An object that is written as an ECMA array, as metadata is."""


Value = float | bool | str | None | Undefined | Date | dict[str, Any] | list[Any]


def decode(data: bytes) -> list[Value]:
    """All values of a message, in their order. Raises AmfError."""
    reader = _Reader(data)
    values = []
    while reader.left:
        values.append(reader.value(0))
    return values


def encode(*values: Value | int) -> bytes:
    """The values one after another. Raises ValueError for what AMF0 cannot hold."""
    out = bytearray()
    for value in values:
        _write(out, value)
    return bytes(out)


class _Reader:
    """A position in the bytes, and how many values were read."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._count = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def value(self, depth: int) -> Value:
        self._count += 1
        if self._count > MOST_VALUES:
            raise AmfTooLarge(f"More than {MOST_VALUES} values in one message.")
        if depth > MOST_DEPTH:
            raise AmfTooDeep(f"Objects are nested more than {MOST_DEPTH} deep.")
        marker = self._take(1)[0]
        if marker in (_OBJECT, _ECMA, _STRICT, _TYPED):
            return self._compound(marker, depth)
        return self._simple(marker)

    def _simple(self, marker: int) -> Value:
        match marker:
            case 0:
                return float(struct.unpack(">d", self._take(8))[0])
            case 1:
                return self._take(1) != b"\0"
            case 2:
                return self._text(2)
            case 5:
                return None
            case 6 | 13:
                return UNDEFINED
            case 11:
                moment = struct.unpack(">dh", self._take(10))[0]
                return Date(float(moment))
            case 12 | 15:
                return self._text(4)
        raise AmfUnknown(f"AMF0 type {marker} is not one that a publisher may send.")

    def _compound(self, marker: int, depth: int) -> Value:
        if marker == _STRICT:
            count = self._number(4)
            if count > self.left:
                raise AmfTruncated("An array says it holds more values than the message has bytes.")
            return [self.value(depth + 1) for _ in range(count)]
        if marker == _ECMA:
            self._take(4)  # a count that some encoders leave at 0; the end marker tells
        elif marker == _TYPED:
            self._text(2)  # the class name
        return self._properties(depth)

    def _properties(self, depth: int) -> dict[str, Value]:
        found: dict[str, Value] = {}
        while True:
            if self._data[self._at : self._at + 3] == _OBJECT_END:
                self._at += 3
                return found
            name = self._text(2)
            found[name] = self.value(depth + 1)

    def _number(self, size: int) -> int:
        return int.from_bytes(self._take(size), "big")

    def _text(self, size: int) -> str:
        return self._take(self._number(size)).decode("utf-8", "replace")

    def _take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._data):
            raise AmfTruncated("A value is longer than the message that holds it.")
        taken = self._data[self._at : end]
        self._at = end
        return taken


def _write(out: bytearray, value: Value | int) -> None:
    if value is None:
        out.append(_NULL)
    elif value is UNDEFINED:
        out.append(_UNDEFINED)
    elif isinstance(value, bool):
        out += bytes((_BOOLEAN, value))
    elif isinstance(value, int | float):
        out.append(_NUMBER)
        out += struct.pack(">d", value)
    elif isinstance(value, str):
        _write_string(out, value)
    elif isinstance(value, Date):
        out.append(_DATE)
        out += struct.pack(">dh", value.milliseconds, 0)
    elif isinstance(value, list):
        out.append(_STRICT)
        out += len(value).to_bytes(4, "big")
        for one in value:
            _write(out, one)
    else:
        _write_properties(out, value)


def _write_string(out: bytearray, value: str) -> None:
    raw = value.encode()
    if len(raw) < 65_536:
        out.append(_STRING)
        out += len(raw).to_bytes(2, "big") + raw
    else:
        out.append(_LONG)
        out += len(raw).to_bytes(4, "big") + raw


def _write_properties(out: bytearray, properties: dict[str, Any]) -> None:
    if isinstance(properties, EcmaArray):
        out.append(_ECMA)
        out += len(properties).to_bytes(4, "big")
    else:
        out.append(_OBJECT)
    for name, value in properties.items():
        raw = name.encode()
        if len(raw) > 65_535:
            raise ValueError("a property's name is longer than 65,535 bytes")
        out += len(raw).to_bytes(2, "big") + raw
        _write(out, value)
    out += _OBJECT_END
