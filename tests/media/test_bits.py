from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamd.errors import MalformedMedia
from streamd.media.bits import BitReader


def exp_golomb(value: int) -> str:
    """Clause 9.1, written the other way round from the reader."""
    digits = f"{value + 1:b}"
    return "0" * (len(digits) - 1) + digits


def packed(bits: str) -> bytes:
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))


@given(st.lists(st.integers(0, 2**32 - 2), min_size=1, max_size=20))
def test_unsigned_codes_come_back(values: list[int]) -> None:
    reader = BitReader(packed("".join(map(exp_golomb, values))))
    assert [reader.ue() for _ in values] == values


@pytest.mark.parametrize(("code", "value"), [(0, 0), (1, 1), (2, -1), (3, 2), (4, -2)])
def test_signed_codes_follow_the_table(code: int, value: int) -> None:
    assert BitReader(packed(exp_golomb(code))).se() == value


def test_reading_past_the_end_is_malformed() -> None:
    reader = BitReader(b"\xff")
    assert reader.bits(8) == 255
    with pytest.raises(MalformedMedia):
        reader.flag()


def test_an_endless_code_is_malformed() -> None:
    with pytest.raises(MalformedMedia):
        BitReader(bytes(20)).ue()
