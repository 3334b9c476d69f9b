"""A recording's captions stand where its player shows the picture they were said to."""

from __future__ import annotations

from streamd.recording.captions import document, language, playing_time
from streamd.recording.journal import CaptionLine
from tests.recording.segments import ORIGIN, journal, line


def test_times_are_the_player_s() -> None:
    made = journal(line("v", 0), line("v", 1), line("v", 2, run=1, at=60.0))
    for number, at in enumerate((1.0, 30.0, 61.0), 1):
        made.add(CaptionLine(number, "en", ORIGIN + at, ORIGIN + at + 2, f"said at {at}"))
    text = document(made)
    assert "00:00:01.000 --> 00:00:03.000\nsaid at 1.0" in text
    assert "said at 30.0" not in text
    assert "00:00:05.000 --> 00:00:07.000\nsaid at 61.0" in text
    assert language(made) == "en"
    assert language(journal()) == ""


def test_outside_there_is_no_time() -> None:
    lines = journal(line("v", 0)).lead
    assert playing_time(lines, ORIGIN - 1) is None
    assert playing_time(lines, ORIGIN + 2) is None
    assert playing_time(lines, ORIGIN + 1.5) == 1.5
