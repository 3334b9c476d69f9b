"""Access codes: every single slip is found, every way of writing one is read, none is kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamd.errors import MistypedCode
from streamd.identity_codes import ALPHABET, CodeSeal, make, read, shown


def test_codes_are_random_and_unambiguous() -> None:
    codes = {make() for _ in range(500)}
    assert len(codes) == 500
    assert not set("ILOU") & set("".join(codes))
    assert {len(code) for code in codes} == {12}


def test_a_code_is_read_however_it_is_written() -> None:
    code = make()
    assert len(shown(code).split("-")) == 3
    for written in (
        shown(code),
        shown(code).lower(),
        f" {code[:4]} {code[4:8]} {code[8:]} ",
        shown(code).replace("-", "–"),
        code.replace("0", "O").replace("1", "l"),
        code.replace("1", "i").replace("0", "o"),
        code.translate({48 + digit: 0x6F0 + digit for digit in range(10)}),
        code.translate({48 + digit: 0x660 + digit for digit in range(10)}),
    ):
        assert read(written) == code


@given(st.data())
def test_one_wrong_character_or_two_swapped_are_found(data: st.DataObject) -> None:
    code = make()
    place = data.draw(st.integers(0, 11))
    other = data.draw(st.sampled_from(ALPHABET.replace(code[place], "")))
    with pytest.raises(MistypedCode):
        read(code[:place] + other + code[place + 1 :])
    swap = data.draw(st.integers(0, 10))
    if code[swap] != code[swap + 1]:
        with pytest.raises(MistypedCode):
            read(code[:swap] + code[swap + 1] + code[swap] + code[swap + 2 :])


@pytest.mark.parametrize("entered", ["", "-", "ABCD", "ABCD-EFGH-JKMN-PQRS", "????-????-????"])
def test_what_is_no_code_is_told_so(entered: str) -> None:
    with pytest.raises(MistypedCode, match="sheet"):
        read(entered)


def test_a_seal_depends_on_key_scope_and_code() -> None:
    seal = CodeSeal(b"k" * 32)
    made = seal.seal("poll:a", "X")
    assert made == seal.seal("poll:a", "X")
    assert len(bytes.fromhex(made)) == 16
    others = {
        seal.seal("poll:b", "X"),
        seal.seal("poll:a", "Y"),
        CodeSeal(b"l" * 32).seal("poll:a", "X"),
    }
    assert len(others | {made}) == 4
