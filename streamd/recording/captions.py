"""A recording's captions as one WebVTT file, in the time that its player shows. Pure."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from streamd.media import webvtt
from streamd.media.units import Kind
from streamd.recording.journal import CaptionLine, Journal, SegmentLine

CAPTIONS = "captions.vtt"


def document(journal: Journal) -> str:
    """WebVTT whose second 0 is the recording's first picture; what fell into a gap is left out."""
    return webvtt.document(PlacedCaptions(journal).cues)


@dataclass(frozen=True, slots=True)
class Stretch:
    """One run of the leading track: ``played`` seconds of the recording are before it."""

    run: int
    first: SegmentLine
    played: float
    seconds: float

    @property
    def name(self) -> str:
        """The file of its captions."""
        return f"captions-{self.run}.vtt"


def stretches(journal: Journal) -> list[Stretch]:
    """The recording from discontinuity to discontinuity: media time runs through within each."""
    found: list[Stretch] = []
    played = 0.0
    for run, group in groupby(journal.lead, key=lambda line: line.run):
        lines = list(group)
        seconds = sum(line.seconds for line in lines)
        found.append(Stretch(run, lines[0], played, seconds))
        played += seconds
    return found


def segment(cues: Iterable[webvtt.Cue], stretch: Stretch, media_begins: float) -> str:
    """A stretch's captions for HLS, its cues in media time; it begins at ``media_begins``."""
    shift = media_begins - stretch.played
    moved = (webvtt.Cue(cue.id, cue.start + shift, cue.end + shift, cue.text) for cue in cues)
    return webvtt.segment(moved, media_begins, media_begins + stretch.seconds)


def language(journal: Journal) -> str:
    """What the captions are in: a BCP 47 tag, empty where there are none."""
    return journal.captions[-1].language if journal.captions else ""


@dataclass
class PlayingTime:
    """How far into a growing recording a moment stands: lines are taken once each."""

    seconds: float = 0.0
    _lines: int = 0
    _spans: list[tuple[float, float, float]] = field(default_factory=list)
    """Where a segment begins and ends in Unix time, and how far in that is; by beginning."""

    def take(self, lines: Sequence[SegmentLine]) -> None:
        """Takes what of all the lines it has not seen yet."""
        for line in lines[self._lines :]:
            insort(self._spans, (line.begins, line.begins + line.seconds, self.seconds))
            self.seconds += line.seconds
        self._lines = len(lines)

    def at(self, unix: float) -> float | None:
        """None where the moment was not recorded."""
        place = bisect_right(self._spans, (unix, float("inf"), 0.0)) - 1
        if place < 0:
            return None
        begins, ends, played = self._spans[place]
        return played + unix - begins if unix < ends else None


class PlacedCaptions:
    """A growing recording's cues. A caption that is said ahead of its picture waits for it."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._kind: Kind | None = None
        self._time = PlayingTime()
        self._taken = 0
        self._waiting: list[CaptionLine] = []
        self._cues: list[webvtt.Cue] = []

    @property
    def cues(self) -> list[webvtt.Cue]:
        """All that can be shown by now. It only grows, unless pictures come after sound alone."""
        lead = self._journal.lead
        if lead and lead[0].kind != self._kind:
            self._kind = lead[0].kind
            self._time = PlayingTime()
            self._taken = 0
            self._waiting, self._cues = [], []
        self._time.take(lead)
        said = self._journal.captions
        waiting = [*self._waiting, *said[self._taken :]]
        self._waiting = []
        self._taken = len(said)
        newest = lead[-1].begins + lead[-1].seconds if lead else 0.0
        for caption in waiting:
            start = self._time.at(caption.begins)
            if start is not None:
                lasts = caption.ends - caption.begins
                cue = webvtt.Cue(str(caption.number), start, start + lasts, caption.text)
                self._cues.append(cue)
            elif caption.begins >= newest:
                self._waiting.append(caption)
        return self._cues
