from __future__ import annotations

import contextlib
import json

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamd.feeds import protocol
from streamd.feeds.protocol import JSON, MSGPACK, PONG, Command, Encoding, Malformed

ENCODINGS = pytest.mark.parametrize("encoding", [JSON, MSGPACK], ids=lambda one: one.name)

kinds = st.sampled_from(["connect", "subscribe", "unsubscribe", "rpc", "refresh", "ping", "send"])
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=6,
)
commands = st.builds(
    lambda number, kind, request: {"id": number, kind: request},
    st.integers(1, 2**32 - 1),
    kinds,
    st.fixed_dictionaries({}, optional={"data": values, "unknown": values}),
)


def packed(encoding: Encoding, messages: list[object]) -> bytes:
    """Several commands in one frame, as a client writes them."""
    if encoding is JSON:
        return "\n".join(map(json.dumps, messages)).encode()
    return bytes(msgpack.packb(messages))


@ENCODINGS
@given(sent=st.lists(commands, min_size=1, max_size=3))
def test_commands_arrive_in_order_with_their_ids(encoding: Encoding, sent: list[object]) -> None:
    received = encoding.decode(packed(encoding, sent))
    assert [one.id for one in received] == [one["id"] for one in sent]  # type: ignore[index]
    for one, message in zip(received, sent, strict=True):
        kind = next(key for key in message if key != "id")  # type: ignore[attr-defined]
        assert getattr(one, kind) is not None


@ENCODINGS
@given(noise=st.binary(max_size=300))
def test_noise_is_malformed_or_commands_and_nothing_else(encoding: Encoding, noise: bytes) -> None:
    with contextlib.suppress(Malformed):
        assert all(isinstance(one, Command) for one in encoding.decode(noise))


@ENCODINGS
@given(message=commands, position=st.integers(0, 200), byte=st.integers(0, 255))
def test_one_changed_byte_does_no_harm(
    encoding: Encoding, message: object, position: int, byte: int
) -> None:
    frame = bytearray(packed(encoding, [message]))
    frame[position % len(frame)] = byte
    with contextlib.suppress(Malformed):
        encoding.decode(bytes(frame))


@ENCODINGS
@given(value=values)
def test_any_value_is_decoded_or_refused(encoding: Encoding, value: object) -> None:
    """Msgpack allows map keys, and JSON numbers, that no command has."""
    with contextlib.suppress(Malformed):
        encoding.decode(packed(encoding, [value]))


@pytest.mark.parametrize(
    ("encoding", "frame"),
    [
        (JSON, b""),
        (JSON, b"["),
        (JSON, b'[{"id":1}]'),
        (JSON, b'{"id":-1}'),
        (JSON, b'{"id":4294967296}'),
        (JSON, b'{"id":1.5}'),
        (JSON, b'{"id":"1"}'),
        (JSON, b'{"id":1,"subscribe":[]}'),
        (JSON, b'{"id":1,"subscribe":{"channel":5}}'),
        (JSON, b'{"id":1,"rpc":{"data":' + b"[" * 30_000 + b"]" * 30_000 + b"}}"),
        (JSON, b'{"id":1,"rpc":{"data":"\xff"}}'),
        (JSON, b"\n".join([b"{}"] * 300)),
        (JSON, b"\n" * 60_000),
        (MSGPACK, b""),
        (MSGPACK, b"\xc0"),
        (MSGPACK, b"\x81\xa2id"),
        (MSGPACK, b"\xdd\xff\xff\xff\xff"),
        (MSGPACK, b"\xdf\xff\xff\xff\xff"),
        (MSGPACK, b"\x81\xa3rpc\x81\xa4data" + b"\x91" * 60_000 + b"\xc0"),
        (MSGPACK, b"\x81\xa3rpc\x81\xa4data\xc6\xff\xff\xff\xff"),
        (MSGPACK, b"\x81\xa3rpc\x81\xa4data\xdd\x7f\xff\xff\xff"),
        (MSGPACK, msgpack.packb([{}] * 300)),
    ],
)
def test_malformed_frames(encoding: Encoding, frame: bytes) -> None:
    """Wrong types, lengths that lie, depth and number past the bounds."""
    with pytest.raises(Malformed):
        encoding.decode(frame)


@ENCODINGS
def test_nesting_is_bounded(encoding: Encoding) -> None:
    def command(depth: int) -> object:
        value: object = 1
        for _ in range(depth):
            value = {"a": [value]}
        return {"id": 1, "rpc": {"method": "m", "data": value}}

    assert encoding.decode(packed(encoding, [command(protocol.DEPTH // 2)]))
    with pytest.raises(Malformed):
        encoding.decode(packed(encoding, [command(protocol.DEPTH // 2 + 1)]))


@ENCODINGS
def test_the_empty_map_is_a_pong_and_one_map_needs_no_array(encoding: Encoding) -> None:
    one = b"{}" if encoding is JSON else b"\x80"
    assert encoding.decode(one) == [PONG]
    assert encoding.ping[2:] == one


@ENCODINGS
def test_unknown_commands_and_fields_are_not_malformed(encoding: Encoding) -> None:
    """A newer client's command gets an error reply with its id, not the end of the connection."""
    (command,) = encoding.decode(packed(encoding, [{"id": 7, "teleport": {"to": "x"}}]))
    assert command == Command(id=7)


@pytest.mark.parametrize("size", [10, 100, 20_000, 200_000])
@ENCODINGS
def test_a_prepacked_result_makes_the_same_frame(encoding: Encoding, size: int) -> None:
    result = {"data": {"x": "y" * size}}
    pieces = encoding.reply_frame(70_000, "subscribe", encoding.pack(result))
    assert b"".join(pieces) == encoding.frame(protocol.reply(70_000, "subscribe", result))


def test_shapes_match_the_protocols_definitions() -> None:
    """centrifugal/protocol client.proto; zero values are absent."""
    assert protocol.error(3, 105, "already", False) == {
        "id": 3,
        "error": {"code": 105, "message": "already"},
    }
    assert protocol.error(3, 1007, "not you", False, "region")["error"] == {
        "code": 1007,
        "message": "not you",
        "why": "region",
    }
    assert protocol.error(3, 100, "later", True)["error"] == {
        "code": 100,
        "message": "later",
        "temporary": True,
    }
    assert protocol.publication("poll:1", {"seq": 1}, 4) == {
        "push": {"channel": "poll:1", "pub": {"data": {"seq": 1}, "offset": 4}}
    }
    assert protocol.publication("poll:1", {"seq": 1}) == {
        "push": {"channel": "poll:1", "pub": {"data": {"seq": 1}}}
    }
    assert protocol.unsubscribed("media:a", 2500, "new generation") == {
        "push": {"channel": "media:a", "unsubscribe": {"code": 2500, "reason": "new generation"}}
    }
