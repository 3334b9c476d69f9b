"""The journal: what is written is read, and whatever was torn is left out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamd.recording.journal import (
    CandidateNote,
    CaptionLine,
    Header,
    Line,
    MapLine,
    decode,
    encode,
    map_name,
    segment_name,
)
from tests.recording.segments import ORIGIN, journal, line

NOTE = CandidateNote(12, {"en": "Mina", "fa": "مینا"}, {"en": "Teacher"})
LINES: list[Line] = [
    Header("mina-1", "mina", NOTE, simulated=True, delay_seconds=5.0),
    MapLine("v", 0, "avc1.42e01f", width=1280, height=720),
    MapLine("a", 0, "mp4a.40.2", channels=2),
    line("v", 0),
    line("a", 0),
    CaptionLine(1, "fa", ORIGIN, ORIGIN + 2, "سلام\nبه همه"),
    line("v", 1),
    line("a", 1),
]
TEXT = encode(LINES)


def test_what_is_written_is_read() -> None:
    read = decode(TEXT)
    assert read.header == LINES[0]
    assert read.segments == {"v": [line("v", 0), line("v", 1)], "a": [line("a", 0), line("a", 1)]}
    assert read.captions == LINES[5:6]
    assert read.bytes == 4_000


@given(st.integers(0, len(TEXT)))
def test_cut_off_anywhere_the_whole_lines_are_there(length: int) -> None:
    whole = TEXT[:length].count(b"\n")
    complete = whole + (TEXT[length : length + 1] == b"\n")
    read = decode(TEXT[:length])
    expected = decode(encode(LINES[:complete]))
    assert read == expected


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_an_error(garbage: bytes) -> None:
    decode(garbage)
    assert decode(TEXT + garbage).header == LINES[0] or b'"type"' in garbage


def test_a_torn_line_in_the_middle_takes_nothing_else_with_it() -> None:
    torn = encode([line("v", 2)])[:20]
    read = decode(TEXT + torn + b"\n" + encode([line("v", 3)]))
    assert [one.n for one in read.segments["v"]] == [0, 1, 3]


def test_a_segment_without_its_map_is_left_out() -> None:
    assert decode(encode([LINES[0], line("v", 0)])).kinds == ()


def test_times() -> None:
    made = journal(line("v", 0), line("v", 1), line("v", 2, at=14.0, run=1), line("a", 0))
    assert made.started_at == ORIGIN
    assert made.ended_at == ORIGIN + 16
    assert made.seconds == 6
    assert made.missed_seconds == 10
    assert made.kinds == ("v", "a")


def test_an_empty_one_has_no_times() -> None:
    made = journal()
    assert made.seconds == made.missed_seconds == 0
    with pytest.raises(ValueError, match="empty"):
        _ = made.started_at


def test_sound_alone_leads() -> None:
    made = journal(line("a", 0), line("a", 1))
    assert made.seconds == 4
    assert list(made.lead) == made.segments["a"]


def test_names() -> None:
    assert (segment_name("v", 3), map_name("a", 0)) == ("v-3.m4s", "a-0.mp4")
    assert (line("v", 3).name, MapLine("a", 0, "").name) == ("v-3.m4s", "a-0.mp4")


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_a_segment_of_no_length_is_left_out(seconds: float) -> None:
    read = decode(TEXT + encode([line("v", 2, at=4.0, seconds=seconds), line("v", 3)]))
    assert [one.n for one in read.segments["v"]] == [0, 1, 3]
