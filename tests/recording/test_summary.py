"""A recording's summary, and its chapters: one configuration each, everything in one of them."""

from __future__ import annotations

import msgspec

from streamd.recording.journal import CaptionLine, Header
from streamd.recording.lifecycle import RecordingState
from streamd.recording.summary import Summary, chapter_lines, chapters, download_name, summarize
from tests.recording.segments import ORIGIN, journal, line


def test_a_chapter_a_configuration() -> None:
    made = journal(
        line("v", 0),
        line("a", 0),
        line("v", 1, run=1, at=20.0),  # a gap, the same configuration
        line("a", 1, run=1, at=20.0),
        line("v", 2, run=2, map=1, at=22.0),
        line("a", 2, run=2, at=22.0),
        line("v", 3, run=3, at=24.0),
        maps=2,
    )
    found = chapters(made)
    assert [(one.n, one.first_run, one.last_run) for one in found] == [
        (1, 0, 1),
        (2, 2, 2),
        (3, 3, 3),
    ]
    assert [one.seconds for one in found] == [4, 2, 2]
    assert [(one.width, one.height) for one in found] == [(1280, 720), (640, 360), (1280, 720)]
    assert sum(one.bytes for one in found) == made.bytes
    kept = [one.n for chapter in found for one in chapter_lines(made, chapter, "v")]
    assert kept == [0, 1, 2, 3]


def test_a_summary_survives_the_disk() -> None:
    made = journal(line("v", 0), line("a", 0))
    made.add(CaptionLine(1, "fa", ORIGIN, ORIGIN + 1, "سلام"))
    summary = summarize(made, Header("r", "mina"), RecordingState.FINISHED, interrupted=True)
    assert msgspec.json.decode(msgspec.json.encode(summary), type=Summary) == summary
    assert summary.captions == "fa"
    assert summary.interrupted
    assert (summary.started_at, summary.ended_at) == (ORIGIN, ORIGIN + 2)


def test_an_empty_summary() -> None:
    summary = summarize(journal(), Header("r", "mina"), RecordingState.RECORDING)
    assert (summary.seconds, summary.bytes, summary.chapters) == (0, 0, ())


def test_names() -> None:
    assert download_name(2) == "download-2.mp4"
