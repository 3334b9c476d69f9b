"""Commands and control messages: what a publisher asks and what it is answered. Pure.

Message types are those of sections 5.4 and 7.1; status codes those of section 7.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from streamd.rtmp import amf0
from streamd.rtmp.amf0 import UNDEFINED, EcmaArray, Value
from streamd.rtmp.chunks import Message
from streamd.rtmp.errors import AmfError, BadControl


class MessageType(IntEnum):
    """Message types that streamd reads or writes."""

    SET_CHUNK_SIZE = 1
    ABORT = 2
    ACKNOWLEDGEMENT = 3
    USER_CONTROL = 4
    WINDOW = 5
    PEER_BANDWIDTH = 6
    AUDIO = 8
    VIDEO = 9
    DATA_AMF3 = 15
    COMMAND_AMF3 = 17
    DATA = 18
    COMMAND = 20
    AGGREGATE = 22


AVC, AAC, OPUS = "avc1", "mp4a", "Opus"
CAN_FORWARD = 4
"""FourCcInfoMask of Enhanced RTMP v2, "Enhancing NetConnection connect Command"."""
MODEX, TIMESTAMP_NANO = 4, 8
"""CapsExMask bits, the same section: ModEx is parsed, and its timestamp offset used."""

PUBLISH_STREAM = 1
"""The message stream that ``createStream`` gives."""

_DYNAMIC = 2
_STREAM_BEGIN = 0


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its name, its transaction id and what follows (section 7)."""

    name: str
    transaction: float
    arguments: tuple[Value, ...]

    def text(self, index: int) -> str:
        """The argument at ``index`` where it is a string, else empty."""
        value = self.arguments[index] if index < len(self.arguments) else None
        return value if isinstance(value, str) else ""

    def properties(self, index: int) -> dict[str, Value]:
        """The argument at ``index`` where it is an object, else empty."""
        value = self.arguments[index] if index < len(self.arguments) else None
        return value if isinstance(value, dict) else {}


def parse_command(message: Message) -> Command:
    """A command message, AMF0 or the AMF3 wrapper around AMF0 (type 17). Raises AmfError."""
    values = amf0.decode(_plain(message, MessageType.COMMAND_AMF3))
    if not values or not isinstance(values[0], str):
        raise AmfError("A command does not begin with its name.")
    transaction = values[1] if len(values) > 1 else 0.0
    if isinstance(transaction, bool) or not isinstance(transaction, int | float):
        transaction = 0.0
    return Command(values[0], transaction, tuple(values[2:]))


def parse_metadata(message: Message) -> dict[str, Value] | None:
    """The values of ``@setDataFrame onMetaData``; None for another data message.

    Raises AmfError.
    """
    values = amf0.decode(_plain(message, MessageType.DATA_AMF3))
    if values and values[0] == "@setDataFrame":
        values = values[1:]
    if len(values) > 1 and values[0] == "onMetaData" and isinstance(values[1], dict):
        return values[1]
    return None


def _plain(message: Message, wrapped: MessageType) -> bytes:
    """AMF3 messages of encoders are one byte of 0, then AMF0."""
    return message.payload[1:] if message.type == wrapped else message.payload


def number(message: Message) -> int:
    """The 32-bit number a control message begins with. Raises BadControl."""
    if len(message.payload) < 4:
        raise BadControl(f"A control message of type {message.type} is cut off.")
    return int.from_bytes(message.payload[:4], "big")


def control(kind: MessageType, value: int, suffix: bytes = b"") -> Message:
    """A protocol control message (section 5.4)."""
    return Message(kind, 0, 0, value.to_bytes(4, "big") + suffix)


def peer_bandwidth(window: int) -> Message:
    """Set Peer Bandwidth of the dynamic kind (section 5.4.5)."""
    return control(MessageType.PEER_BANDWIDTH, window, bytes((_DYNAMIC,)))


def stream_begin() -> Message:
    """User Control: the message stream is usable (section 7.1.7)."""
    payload = _STREAM_BEGIN.to_bytes(2, "big") + PUBLISH_STREAM.to_bytes(4, "big")
    return Message(MessageType.USER_CONTROL, 0, 0, payload)


def command(name: str, transaction: float, *arguments: Value | int, stream: int = 0) -> Message:
    """A command message in AMF0."""
    payload = amf0.encode(name, transaction, *arguments)
    return Message(MessageType.COMMAND, 0, stream, payload)


def connected(transaction: float) -> Message:
    """``_result`` of connect, with what Enhanced RTMP lets a server say of itself."""
    enhanced: dict[str, Value] = {
        "fourCcList": [AVC, AAC, OPUS],
        "videoFourCcInfoMap": {AVC: float(CAN_FORWARD)},
        "audioFourCcInfoMap": {AAC: float(CAN_FORWARD), OPUS: float(CAN_FORWARD)},
        "capsEx": float(MODEX | TIMESTAMP_NANO),
    }
    properties: dict[str, Value] = {
        "fmsVer": "FMS/3,5,7,7009",
        "capabilities": 31.0,
        "mode": 1.0,
        **enhanced,
    }
    # The specification leaves open which of the two objects holds them; encoders look in either.
    told: dict[str, Value] = {
        "level": "status",
        "code": "NetConnection.Connect.Success",
        "description": "Connected. Publish to the stream you have a key for.",
        "objectEncoding": 0.0,
        **enhanced,
        "data": EcmaArray(version="3,5,7,7009"),
    }
    return command("_result", transaction, properties, told)


def not_connected(transaction: float, description: str) -> Message:
    """``_error`` of connect."""
    told = _status("error", "NetConnection.Connect.Rejected", description)
    return command("_error", transaction, None, told)


def result(transaction: float, value: Value | int = UNDEFINED) -> Message:
    """``_result`` of any other command."""
    return command("_result", transaction, None, value)


def failed(transaction: float, name: str) -> Message:
    """``_error`` of a command that streamd does not have."""
    told = _status("error", "NetConnection.Call.Failed", f"streamd has no command “{name}”.")
    return command("_error", transaction, None, told)


def on_status(level: str, code: str, description: str) -> Message:
    """``onStatus`` on the publishing stream; encoders show ``description`` to people."""
    return command("onStatus", 0.0, None, _status(level, code, description), stream=PUBLISH_STREAM)


def on_fc_publish() -> Message:
    """``onFCPublish``, which older Flash encoders wait for."""
    told: dict[str, Value] = {
        "code": "NetStream.Publish.Start",
        "description": "Send publish to begin.",
    }
    return command("onFCPublish", 0.0, None, told)


def _status(level: str, code: str, description: str) -> dict[str, Value]:
    return {"level": level, "code": code, "description": description}
