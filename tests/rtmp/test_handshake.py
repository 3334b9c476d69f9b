"""The handshake in any pieces, plain and with Flash's digest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamd.rtmp.errors import BadHandshake
from streamd.rtmp.handshake import SIZE, Handshake

RANDOM = bytes(range(256)) * 5 + bytes(248)
C1 = b"\x00\x00\x12\x34" + b"\x09\x00\x7c\x02" + b"r" * (SIZE - 8)
"""With a client version, as those who sign it send."""


@given(st.lists(st.integers(1, 1_600), max_size=12))
def test_in_any_pieces(cuts: list[int]) -> None:
    handshake = Handshake(RANDOM)
    wire = b"\x03" + C1 + bytes(SIZE) + b"rest"
    out, rest, at = b"", b"", 0
    for size in [*cuts, len(wire)]:
        rest += handshake.receive(wire[at : at + size])
        out += handshake.data_to_send()
        at += size
        if handshake.done:
            break
    rest += wire[at:]
    assert rest == b"rest"
    assert len(out) == 1 + 2 * SIZE
    assert out[0] == 3
    assert out[5:9] == bytes(4), "no server version: do not expect a signature"
    assert out[9 : 1 + SIZE] == RANDOM
    assert out[1 + SIZE :] == C1, "librtmp compares all of it"


def test_the_answer_comes_before_c2() -> None:
    handshake = Handshake(RANDOM)
    handshake.receive(b"\x03" + C1)
    assert len(handshake.data_to_send()) == 1 + 2 * SIZE
    assert not handshake.done
    assert handshake.data_to_send() == b""


@pytest.mark.parametrize("first", [b"\x06", b"GET / HTTP/1.1", b"\x16\x03\x01"])
def test_other_protocols_are_told_apart_by_their_first_byte(first: bytes) -> None:
    with pytest.raises(BadHandshake, match="rtmp://"):
        Handshake(RANDOM).receive(first)


def test_the_filling_has_its_length() -> None:
    with pytest.raises(ValueError, match="1528"):
        Handshake(b"short")
