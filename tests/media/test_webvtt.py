"""WebVTT: what is written is what the specification and other readers take."""

from __future__ import annotations

import io

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamd.media.webvtt import Cue, document, escape, segment, timestamp


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "00:00:00.000"),
        (-3.0, "00:00:00.000"),
        (59.9996, "00:01:00.000"),
        (3_661.25, "01:01:01.250"),
        (360_000.0, "100:00:00.000"),
    ],
)
def test_timestamps(seconds: float, text: str) -> None:
    assert timestamp(seconds) == text


def test_cues_stand_in_order_with_their_ids() -> None:
    text = document([Cue("2", 3.0, 5.0, "second"), Cue("1", 1.0, 2.5, "first")])
    assert text == (
        "WEBVTT\n"
        "\n1\n00:00:01.000 --> 00:00:02.500\nfirst\n"
        "\n2\n00:00:03.000 --> 00:00:05.000\nsecond\n"
    )


def test_a_file_without_cues_is_still_one() -> None:
    assert document([]) == "WEBVTT\n"


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a < b & c --> d", "a &lt; b &amp; c --&gt; d"),
        ("one\n\n\ntwo\r\nthree", "one\ntwo\nthree"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("nul\0", "nul\ufffd"),
    ],
)
def test_text_is_shown_as_it_is(text: str, escaped: str) -> None:
    assert escape(text) == escaped


@given(st.text(max_size=80))
def test_no_text_breaks_out_of_its_cue(text: str) -> None:
    made = document([Cue("1", 1.0, 2.0, text), Cue("2", 3.0, 4.0, "next")])
    assert made.count("-->") == 2
    assert made.count("\n\n") == 2 if escape(text) else made.count("\n\n") >= 2


def test_a_segment_holds_what_is_shown_in_it_on_the_medias_own_clock() -> None:
    cues = [Cue("1", 1.0, 2.0, "gone"), Cue("2", 3.0, 5.0, "over"), Cue("3", 6.0, 8.0, "later")]
    made = segment(cues, 4.0, 6.0)
    assert made.startswith("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\n2\n")
    assert "over" in made
    assert "gone" not in made
    assert "later" not in made


def test_libavformat_reads_the_cues() -> None:
    text = document([Cue("1", 1.0, 2.5, "سلام"), Cue("2", 3.0, 5.0, "a < b")])
    with av.open(io.BytesIO(text.encode()), "r", format="webvtt") as container:
        packets = [packet for packet in container.demux() if packet.size]
    times = [float((packet.pts or 0) * (packet.time_base or 0)) for packet in packets]
    assert times == [1.0, 3.0]
    assert bytes(packets[0]).decode() == "سلام"
