"""AMF0: what is written is read again, by hand-made bytes too, and lies are named."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamd.rtmp import amf0
from streamd.rtmp.amf0 import UNDEFINED, Date, EcmaArray
from streamd.rtmp.errors import (
    AmfError,
    AmfTooDeep,
    AmfTooLarge,
    AmfTruncated,
    AmfUnknown,
)

finite = st.floats(allow_nan=False)
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
# An empty name before an object-end marker is how an object ends; AMF0 cannot tell them apart.
names = text.filter(bool)
values: st.SearchStrategy[Any] = st.recursive(
    finite | st.booleans() | text | st.none() | st.just(UNDEFINED) | finite.map(Date),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(names, inner, max_size=5),
    max_leaves=30,
)


@given(st.lists(values, max_size=5))
def test_what_is_written_is_read_again(written: list[Any]) -> None:
    assert amf0.decode(amf0.encode(*written)) == written


@given(st.lists(values, max_size=3), st.integers(0, 200))
def test_a_cut_message_is_an_error_of_ours_or_a_shorter_list(written: list[Any], at: int) -> None:
    try:
        read = amf0.decode(amf0.encode(*written)[:at])
    except AmfError:
        return
    assert len(read) <= len(written)


@given(st.binary(max_size=400))
def test_any_bytes_are_values_or_an_error_of_ours(data: bytes) -> None:
    try:
        amf0.decode(data)
    except AmfError:
        return


def test_a_command_as_the_specification_writes_it() -> None:
    """The first bytes of a connect command (RTMP 1.0, section 7.2.1.1; AMF0 section 2)."""
    wire = (
        b"\x02\x00\x07connect"
        b"\x00\x3f\xf0\0\0\0\0\0\0"
        b"\x03\x00\x03app\x02\x00\x04live\x00\x04fpad\x01\x00\x00\x00\x09"
    )
    assert amf0.decode(wire) == ["connect", 1.0, {"app": "live", "fpad": False}]
    assert amf0.encode("connect", 1, {"app": "live", "fpad": False}) == wire


def test_metadata_is_an_ecma_array_whatever_count_it_tells() -> None:
    wire = amf0.encode(EcmaArray(width=640.0))
    assert wire[:5] == b"\x08\0\0\0\x01"
    assert amf0.decode(b"\x08\0\0\0\0" + wire[5:]) == [{"width": 640.0}]


def test_long_strings_xml_typed_objects_and_unsupported() -> None:
    long = "x" * 70_000
    assert amf0.encode(long)[0] == 12
    assert amf0.decode(amf0.encode(long)) == [long]
    assert amf0.decode(b"\x0f\0\0\0\x03<a>") == ["<a>"]
    assert amf0.decode(b"\x10\0\x01C\0\x01a\x05\0\0\x09") == [{"a": None}]
    assert amf0.decode(b"\x0d") == [UNDEFINED]


@pytest.mark.parametrize(
    ("wire", "error"),
    [
        (b"\x02\xff\xffshort", AmfTruncated),
        (b"\x0c\xff\xff\xff\xffshort", AmfTruncated),
        (b"\x00\x00", AmfTruncated),
        (b"\x03\0\x01a", AmfTruncated),
        (b"\x0a\xff\xff\xff\xff", AmfTruncated),
        (b"\x0a\0\0\0\x01" * 20, AmfTooDeep),
        (b"\x05" * 1_025, AmfTooLarge),
        (b"\x0a\x00\x00\x08\x00" + b"\x05" * 2_048, AmfTooLarge),
        (b"\x07\0\0", AmfUnknown),
        (b"\x11", AmfUnknown),
        (b"\xff", AmfUnknown),
    ],
)
def test_lies_have_names(wire: bytes, error: type[AmfError]) -> None:
    with pytest.raises(error):
        amf0.decode(wire)


def test_text_that_is_not_utf8_is_read_all_the_same() -> None:
    assert amf0.decode(b"\x02\0\x01\xff") == ["�"]


def test_a_name_longer_than_the_format_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="longer"):
        amf0.encode({"x" * 65_536: None})


def test_numbers_are_doubles() -> None:
    assert amf0.encode(5) == b"\0" + struct.pack(">d", 5.0)
