"""A recording's captions as one WebVTT file, in the time that its player shows. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from streamd.media import webvtt
from streamd.recording.journal import Journal, SegmentLine

CAPTIONS = "captions.vtt"


def document(journal: Journal) -> str:
    """WebVTT whose second 0 is the recording's first picture; what fell into a gap is left out."""
    return webvtt.document(_cues(journal))


def language(journal: Journal) -> str:
    """What the captions are in: a BCP 47 tag, empty where there are none."""
    return journal.captions[-1].language if journal.captions else ""


def _cues(journal: Journal) -> Iterator[webvtt.Cue]:
    for caption in journal.captions:
        start = playing_time(journal.lead, caption.begins)
        if start is not None:
            lasts = caption.ends - caption.begins
            yield webvtt.Cue(str(caption.number), start, start + lasts, caption.text)


def playing_time(lines: Sequence[SegmentLine], unix: float) -> float | None:
    """How far into the recording the moment stands; None where it was not recorded."""
    played = 0.0
    for line in lines:
        if line.begins <= unix < line.begins + line.seconds:
            return played + unix - line.begins
        played += line.seconds
    return None
