"""Centrifuge's client protocol in two encodings: commands in, replies and pushes out. Pure.

The shapes are those of centrifugal/protocol `definitions/client.proto`; fields that streamd never
reads are left out and ignored. JSON: text frames, several commands separated by newlines in one
frame. MessagePack (subprotocol ``streamd.msgpack``): binary frames, one map, or an array of maps.
In both the empty map is the server's ping and the client's pong. A reply carries its command's
``id``, a push carries none; a field with its zero value is absent, as in Protobuf.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal

import msgspec

from streamd.feeds.frames import Opcode, frame, header, medium_header

CHANNEL_LENGTH: Final = 255
"""Longest channel name, in characters (Centrifugo's own default)."""
COMMANDS_PER_FRAME: Final = 256
"""Most commands in one frame; a stock client batches one subscribe per channel."""
DEPTH: Final = 32
"""Deepest nesting of a command."""


class ConnectRequest(msgspec.Struct):
    """``token`` is the connect token, or empty for an anonymous connection."""

    token: str = ""
    name: str = ""
    version: str = ""


class SubscribeRequest(msgspec.Struct):
    """``data`` is the channel's own, such as ``{audio: "opus"}`` on ``media:{id}``."""

    channel: str = ""
    recover: bool = False
    epoch: str = ""
    offset: int = 0
    data: Any = None


class UnsubscribeRequest(msgspec.Struct):
    """Ends a subscription."""

    channel: str = ""


class RpcRequest(msgspec.Struct):
    """Calls ``method`` with ``data``."""

    method: str = ""
    data: Any = None


class RefreshRequest(msgspec.Struct):
    """Carries a new connect token before the old one expires."""

    token: str = ""


class Unserved(msgspec.Struct):
    """A command of the protocol that streamd answers with an error, whatever it holds."""


class Command(msgspec.Struct):
    """One command; exactly one of the request fields is set. With none and no id it is a pong."""

    id: Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFFFF)] = 0
    connect: ConnectRequest | None = None
    subscribe: SubscribeRequest | None = None
    unsubscribe: UnsubscribeRequest | None = None
    rpc: RpcRequest | None = None
    refresh: RefreshRequest | None = None
    ping: Unserved | None = None
    send: Unserved | None = None
    publish: Unserved | None = None
    presence: Unserved | None = None
    presence_stats: Unserved | None = None
    history: Unserved | None = None
    sub_refresh: Unserved | None = None


PONG: Final = Command()
"""What the empty map decodes to."""


Prompt = Callable[[bytes], tuple[int, Any] | None]
_Id = Annotated[int, msgspec.Meta(ge=1, le=0xFFFFFFFF)]


class _RpcResult(msgspec.Struct, gc=False):
    data: Any


class _RpcReply(msgspec.Struct, gc=False):
    id: int
    rpc: _RpcResult


class Malformed(Exception):
    """The frame is not a sequence of commands in its encoding."""


class Encoding:
    """One encoding of the protocol: how its frames are read and written.

    ``name`` is for metrics; ``opcode`` is that of its frames; ``binary`` says whether values may
    hold bytes; ``ping`` is the server's ping as a whole frame, ``pong`` the answer's payload.
    """

    __slots__ = ("_medium", "_pack", "_split", "_typed", "binary", "name", "opcode", "ping", "pong")

    def __init__(
        self,
        name: str,
        opcode: Opcode,
        pack: Callable[[Any], bytes],
        split: Callable[[bytes], list[Command]],
        typed: Callable[[type[msgspec.Struct]], Callable[[bytes], Any]],
    ) -> None:
        self.name = name
        self.opcode = opcode
        self.binary = opcode is Opcode.BINARY
        self._pack = pack
        self._split = split
        self._medium = medium_header(opcode)
        self._typed = typed
        self.ping = self.frame({})
        self.pong = pack({})

    def decode(self, payload: bytes) -> list[Command]:
        """The commands in one message's ``payload``, in order.

        Raises Malformed where it is not this encoding, a field has the wrong type, it nests
        deeper than DEPTH, or it holds more than COMMANDS_PER_FRAME commands.
        """
        try:
            commands = self._split(payload)
        except (msgspec.DecodeError, RecursionError, ValueError, TypeError, OverflowError) as error:
            raise Malformed(str(error)) from error
        if len(commands) > COMMANDS_PER_FRAME:
            raise Malformed(f"more than {COMMANDS_PER_FRAME} commands in one frame")
        for command in commands:
            value = command.rpc or command.subscribe
            if value is not None and value.data is not None and _depth(value.data) > DEPTH:
                raise Malformed(f"nested deeper than {DEPTH}")
        return commands

    def prompt(self, method: str, kind: type[msgspec.Struct]) -> Prompt:
        """A reader of messages that are one RPC ``method`` with data of ``kind`` and nothing else.

        It gives the command's id and the data, or None for every other message: ``decode`` that.
        """
        rpc = msgspec.defstruct("_Rpc", [("method", Literal[method]), ("data", kind)])
        command = msgspec.defstruct(
            "_PromptCommand", [("id", _Id), ("rpc", rpc)], forbid_unknown_fields=True
        )
        decode = self._typed(command)

        def read(payload: bytes) -> tuple[int, Any] | None:
            try:
                found = decode(payload)
            except (msgspec.DecodeError, RecursionError, ValueError):
                return None
            return found.id, found.rpc.data

        return read

    def rpc_frame(self, command_id: int, result: object) -> bytes:
        """The reply to an RPC, as one whole frame."""
        payload = self._pack(_RpcReply(command_id, _RpcResult(result)))
        length = len(payload)
        if 125 < length < 65_536:
            # As ``header`` has it, for the crowd's receipts.
            return self._medium(length) + payload
        return frame(self.opcode, payload)

    def pack(self, value: object) -> bytes:
        """``value`` in this encoding, without a frame header."""
        return self._pack(value)

    def frame(self, value: object) -> bytes:
        """``value`` as one whole server frame."""
        return frame(self.opcode, self._pack(value))

    def reply_frame(self, command_id: int, kind: str, result: bytes) -> tuple[bytes, ...]:
        """A reply whose ``result`` is packed already, as one frame in one or more pieces.

        A large result is not copied, so that many joiners can share one replay.
        """
        if self.binary:
            head = b"\x82\xa2id" + self._pack(command_id) + self._pack(kind)
            tail = b""
        else:
            head, tail = f'{{"id":{command_id},"{kind}":'.encode(), b"}"
        head = header(self.opcode, len(head) + len(result) + len(tail)) + head
        if len(result) < 16_384:
            return (head + result + tail,)
        return (head, result, tail) if tail else (head, result)


def reply(command_id: int, kind: str, result: Mapping[str, object]) -> dict[str, object]:
    """The reply to a command: ``{id, kind: result}``."""
    return {"id": command_id, kind: result}


def error(
    command_id: int, code: int, message: str, temporary: bool, why: str = ""
) -> dict[str, object]:
    """The refusal of a command: ``{id, error: {code, message, temporary?, why?}}``.

    ``why`` is not Centrifuge's: its clients pass it over.
    """
    body: dict[str, object] = {"code": int(code), "message": message}
    if temporary:
        body["temporary"] = True
    if why:
        body["why"] = why
    return {"id": command_id, "error": body}


def publication(channel: str, payload: object, offset: int = 0) -> dict[str, object]:
    """A publication: ``{push: {channel, pub: {data, offset?}}}``."""
    pub: dict[str, object] = {"data": payload}
    if offset:
        pub["offset"] = offset
    return {"push": {"channel": channel, "pub": pub}}


def unsubscribed(channel: str, code: int, reason: str) -> dict[str, object]:
    """The server ends a subscription: ``{push: {channel, unsubscribe: {code, reason}}}``."""
    return {"push": {"channel": channel, "unsubscribe": {"code": int(code), "reason": reason}}}


def _depth(value: object) -> int:
    """How deep ``value`` nests; stops counting past DEPTH."""
    level: list[object] = [value]
    for depth in range(DEPTH + 2):
        inner: list[object] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, (list, tuple)):
                inner.extend(item)
        if not inner:
            return depth
        level = inner
    return DEPTH + 1


_json_decoder = msgspec.json.Decoder(Command)
_msgpack_one = msgspec.msgpack.Decoder(Command)
_msgpack_many = msgspec.msgpack.Decoder(list[Command])


def _split_json(payload: bytes) -> list[Command]:
    if b"\n" not in payload:
        return [_json_decoder.decode(payload)]
    if payload.count(b"\n") > 4 * COMMANDS_PER_FRAME:
        raise ValueError("too many lines in one frame")
    # A newline inside a JSON string is always escaped, so every newline here ends a command or
    # stands between tokens of a pretty-printed one; the protocol allows only the former.
    return [_json_decoder.decode(line) for line in payload.split(b"\n") if line.strip()]


def _split_msgpack(payload: bytes) -> list[Command]:
    if not payload:
        raise ValueError("empty frame")
    first = payload[0]
    if 0x90 <= first <= 0x9F or first in (0xDC, 0xDD):
        return _msgpack_many.decode(payload)
    return [_msgpack_one.decode(payload)]


def _json_reader(kind: type[msgspec.Struct]) -> Callable[[bytes], Any]:
    return msgspec.json.Decoder(kind).decode


def _msgpack_reader(kind: type[msgspec.Struct]) -> Callable[[bytes], Any]:
    return msgspec.msgpack.Decoder(kind).decode


JSON: Final = Encoding("json", Opcode.TEXT, msgspec.json.encode, _split_json, _json_reader)
MSGPACK: Final = Encoding(
    "msgpack", Opcode.BINARY, msgspec.msgpack.encode, _split_msgpack, _msgpack_reader
)
