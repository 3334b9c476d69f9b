"""Reads HLS playlists and holds them to RFC 8216 and its low-latency draft ("bis").

Written from the standard, not from streamd's writer: each rule names its section.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"]*"|[^,]*)')
SLACK = 0.001
"""Durations are written with five decimals, and sums of them compared."""


@dataclass
class ListedPart:
    """An EXT-X-PART."""

    uri: str
    duration: float
    independent: bool


@dataclass
class ListedSegment:
    """A segment with its tags; ``uri`` is empty while it grows."""

    uri: str = ""
    duration: float = 0.0
    begins: float = 0.0
    map_uri: str = ""
    discontinuity: bool = False
    parts: list[ListedPart] = field(default_factory=list)


@dataclass
class Playlist:
    """A media playlist; ``segments`` holds the growing one last, ``skipped`` those left out."""

    version: int = 1
    target: int = 0
    part_target: float = 0.0
    control: dict[str, str] = field(default_factory=dict)
    first: int = 0
    discontinuity_sequence: int = 0
    skipped: int = 0
    independent: bool = False
    segments: list[ListedSegment] = field(default_factory=list)
    hints: list[dict[str, str]] = field(default_factory=list)
    reports: list[dict[str, str]] = field(default_factory=list)
    date_ranges: list[str] = field(default_factory=list)
    ended: bool = False

    @property
    def whole(self) -> dict[int, ListedSegment]:
        """Whole segments by media sequence number."""
        numbered = enumerate(self.segments, self.first + self.skipped)
        return {number: one for number, one in numbered if one.uri}

    @property
    def growing(self) -> list[ListedPart]:
        """The parts of the segment that grows."""
        last = self.segments[-1] if self.segments else None
        return last.parts if last is not None and not last.uri else []

    @property
    def next_sequence(self) -> int:
        """The number of the segment that grows."""
        return self.first + self.skipped + len(self.whole)

    @property
    def hint(self) -> str:
        """The next part's address."""
        return self.hints[0]["URI"]

    def parts(self) -> dict[tuple[int, int], ListedPart]:
        """All listed parts by sequence number and index."""
        numbered = enumerate(self.segments, self.first + self.skipped)
        return {
            (number, index): part
            for number, one in numbered
            for index, part in enumerate(one.parts)
        }


def attributes(text: str) -> dict[str, str]:
    """An attribute list (section 4.2), quotes taken off."""
    return {name: value.strip('"') for name, value in ATTRIBUTE.findall(text)}


def parse(text: str) -> Playlist:
    """Reads a media playlist; AssertionError for a line it does not know."""
    lines = text.splitlines()
    assert lines[0] == "#EXTM3U"
    found = Playlist()
    opened = ListedSegment()
    map_uri = ""
    for line in lines[1:]:
        tag, _, value = line.partition(":")
        match tag:
            case "#EXT-X-VERSION":
                found.version = int(value)
            case "#EXT-X-TARGETDURATION":
                found.target = int(value)
            case "#EXT-X-SERVER-CONTROL":
                found.control = attributes(value)
            case "#EXT-X-PART-INF":
                found.part_target = float(attributes(value)["PART-TARGET"])
            case "#EXT-X-MEDIA-SEQUENCE":
                found.first = int(value)
            case "#EXT-X-DISCONTINUITY-SEQUENCE":
                found.discontinuity_sequence = int(value)
            case "#EXT-X-INDEPENDENT-SEGMENTS":
                found.independent = True
            case "#EXT-X-SKIP":
                found.skipped = int(attributes(value)["SKIPPED-SEGMENTS"])
            case "#EXT-X-DISCONTINUITY":
                opened.discontinuity = True
            case "#EXT-X-MAP":
                map_uri = attributes(value)["URI"]
            case "#EXT-X-PROGRAM-DATE-TIME":
                opened.begins = datetime.fromisoformat(value).timestamp()
            case "#EXT-X-PART":
                named = attributes(value)
                independent = named.get("INDEPENDENT") == "YES"
                opened.parts.append(ListedPart(named["URI"], float(named["DURATION"]), independent))
            case "#EXTINF":
                opened.duration = float(value.rstrip(","))
            case "#EXT-X-PRELOAD-HINT":
                found.hints.append(attributes(value))
            case "#EXT-X-RENDITION-REPORT":
                found.reports.append(attributes(value))
            case "#EXT-X-DATERANGE":
                found.date_ranges.append(value)
            case "#EXT-X-ENDLIST":
                found.ended = True
            case _:
                assert not line.startswith("#"), f"unknown tag: {line}"
                opened.uri, opened.map_uri = line, map_uri
                found.segments.append(opened)
                opened = ListedSegment()
    if opened.parts:
        opened.map_uri = map_uri
        found.segments.append(opened)
    return found


def check(one: Playlist, *, regular: bool = True) -> None:
    """Every rule that a single low-latency playlist has to keep.

    ``regular``: no frame lasts so long that its part is told to be shorter than it is.
    """
    control, target, part_target = one.control, one.target, one.part_target
    assert one.version >= 9, "bis section 8: EXT-X-SKIP may come"
    assert control["CAN-BLOCK-RELOAD"] == "YES"
    assert float(control["PART-HOLD-BACK"]) >= 3 * part_target - SLACK, "bis 4.4.3.8, should"
    assert float(control["HOLD-BACK"]) >= 3 * target
    assert float(control["CAN-SKIP-UNTIL"]) >= 6 * target
    for segment in one.segments:
        assert round(segment.duration) <= target, "section 4.3.3.1"
        assert segment.begins > 0
        for index, part in enumerate(segment.parts):
            assert part.duration <= part_target + SLACK, "bis 4.4.3.7"
            is_last = bool(segment.uri) and index == len(segment.parts) - 1
            if not is_last:
                assert part.duration >= 0.85 * part_target - SLACK, "bis 4.4.4.9"
        if regular and segment.uri and segment.parts:
            assert abs(sum(p.duration for p in segment.parts) - segment.duration) < SLACK
    for before, after in zip(one.segments, one.segments[1:], strict=False):
        if not after.discontinuity:
            assert abs(before.begins + before.duration - after.begins) < 0.05, "one time line"
    _check_edge(one)


def _check_edge(one: Playlist) -> None:
    behind = 0.0
    for segment in reversed(one.segments):
        behind += segment.duration or sum(part.duration for part in segment.parts)
        if segment.parts:
            assert behind <= 3 * one.target + one.target, "bis 6.2.2: parts go after 3 targets"
    kinds = [hint["TYPE"] for hint in one.hints]
    assert len(kinds) == len(set(kinds)), "bis 4.4.5.3: one hint a type"
    assert bool(one.hints) != one.ended
    names = [part.uri for part in one.parts().values()]
    assert len(names) == len(set(names))
    assert not {hint["URI"] for hint in one.hints} & set(names), "what is hinted is not there yet"


def check_next(old: Playlist, new: Playlist) -> None:
    """What holds from one playlist to the next (section 6.2.1 and bis 6.2.2)."""
    assert new.target == old.target
    assert new.part_target == old.part_target
    assert new.first >= old.first
    assert new.discontinuity_sequence >= old.discontinuity_sequence
    for number in old.whole.keys() & new.whole.keys():
        before, after = old.whole[number], new.whole[number]
        assert (before.uri, before.duration, before.begins) == (
            after.uri, after.duration, after.begins
        )  # fmt: skip
        assert before.discontinuity == after.discontinuity
    before_parts, after_parts = old.parts(), new.parts()
    for place in before_parts.keys() & after_parts.keys():
        assert before_parts[place] == after_parts[place]
    fresh = sorted(after_parts.keys() - before_parts.keys())
    fresh = [place for place in fresh if not before_parts or place > max(before_parts)]
    if fresh and old.hints:
        assert after_parts[fresh[0]].uri == old.hint, "the hinted part is the next one"


def merged(old: Playlist, delta: Playlist) -> Playlist:
    """What a client makes of a delta update (bis section 6.3.7)."""
    kept = [old.whole[number] for number in range(delta.first, delta.first + delta.skipped)]
    full = Playlist(**{**vars(delta), "skipped": 0, "segments": [*kept, *delta.segments]})
    map_uri = ""
    for segment in full.segments:
        segment.map_uri = map_uri = segment.map_uri or map_uri
    return full
