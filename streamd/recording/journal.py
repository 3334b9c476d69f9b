"""What a recording holds, one JSON line each: the header, maps, segments, captions, polls. Pure.

The journal is appended to after the files it names are on the storage, so that whatever it says
is there, whenever the process ends. A line that was torn by that end is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from streamd.media.units import Kind

KINDS: tuple[Kind, Kind] = ("v", "a")


class CandidateNote(msgspec.Struct, frozen=True):
    """Who spoke, as it stood at the time: texts by language."""

    number: int
    name: dict[str, str]
    about: dict[str, str] = {}
    portrait: str = ""


class Header(msgspec.Struct, frozen=True, tag="recording", tag_field="type"):
    """A journal's first line. ``delay_seconds``: how much later viewers saw the broadcast."""

    id: str
    stream: str
    candidate: CandidateNote | None = None
    simulated: bool = False
    delay_seconds: float = 0.0


class MapLine(msgspec.Struct, frozen=True, tag="map", tag_field="type"):
    """An initialisation segment (EXT-X-MAP). Pixels for video, channels for audio."""

    kind: Kind
    n: int
    codec: str
    width: int = 0
    height: int = 0
    channels: int = 0

    @property
    def name(self) -> str:
        """Its file."""
        return map_name(self.kind, self.n)


class SegmentLine(msgspec.Struct, frozen=True, tag="segment", tag_field="type"):
    """One segment. ``begins`` in Unix seconds, ``seconds`` its real length.

    ``run`` counts the recording's discontinuities before it: tracks of the same run belong to the
    same time. ``n`` rises by one a track, but for segments that could not be kept. ``media``:
    its first decode time in seconds; None where it is not known, as in older journals.
    """

    kind: Kind
    n: int
    map: int
    run: int
    begins: float
    seconds: float
    independent: bool
    units: int
    bytes: int
    media: float | None = None

    @property
    def name(self) -> str:
        """Its file."""
        return segment_name(self.kind, self.n)


class CaptionLine(msgspec.Struct, frozen=True, tag="caption", tag_field="type"):
    """What a captioner typed, shown from ``begins`` to ``ends``, Unix times of the broadcast."""

    number: int
    language: str
    begins: float
    ends: float
    text: str


class PollLine(msgspec.Struct, frozen=True, tag="poll", tag_field="type"):
    """A poll as everybody was told of it (``Poll.to_dict``), when it opened or changed."""

    id: str
    row: dict[str, Any]


class CueLine(msgspec.Struct, frozen=True, tag="cue", tag_field="type"):
    """A cue as it was told within the media. ``at`` and ``rev``: see ``relay.cues.Cue``."""

    poll: str
    action: Literal["open", "close", "show"]
    at: float
    rev: int = 0


class TallyLine(msgspec.Struct, frozen=True, tag="tally", tag_field="type"):
    """A poll's numbers as everybody saw them at ``at``, a Unix time on the broadcast's clock.

    ``counts`` None: the poll's rules hid them. ``words``: of approved open answers, by question.
    """

    poll: str
    at: float
    total: int
    counts: dict[str, int] | None
    words: dict[str, list[tuple[str, int]]] | None = None


PollNote = PollLine | CueLine | TallyLine
Line = Header | MapLine | SegmentLine | CaptionLine | PollNote
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Line)


def segment_name(kind: Kind, n: int) -> str:
    """The file name of a track's segment."""
    return f"{kind}-{n}.m4s"


def map_name(kind: Kind, n: int) -> str:
    """The file name of a track's initialisation segment."""
    return f"{kind}-{n}.mp4"


@dataclass
class Journal:
    """All lines of one recording, in order."""

    header: Header | None = None
    maps: dict[tuple[Kind, int], MapLine] = field(default_factory=dict)
    segments: dict[Kind, list[SegmentLine]] = field(default_factory=lambda: {"v": [], "a": []})
    captions: list[CaptionLine] = field(default_factory=list)
    polls: list[PollNote] = field(default_factory=list)
    bytes: int = 0

    def add(self, line: Line) -> None:
        """Takes the next line.

        A segment whose map is unknown is left out: nothing decodes it; so is one of no length.
        """
        if isinstance(line, Header):
            self.header = line
        elif isinstance(line, MapLine):
            self.maps[line.kind, line.n] = line
        elif isinstance(line, CaptionLine):
            self.captions.append(line)
        elif isinstance(line, PollNote):
            self.polls.append(line)
        elif (line.kind, line.map) in self.maps and line.seconds > 0:
            self.segments[line.kind].append(line)
            self.bytes += line.bytes

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The tracks that have segments, video first."""
        return tuple(kind for kind in KINDS if self.segments[kind])

    @property
    def lead(self) -> Sequence[SegmentLine]:
        """The track that says how long the recording is: video, else audio; may be empty."""
        return self.segments["v"] or self.segments["a"]

    @property
    def started_at(self) -> float:
        """Unix time of the first picture or sound. ValueError where there is none."""
        return min(self.segments[kind][0].begins for kind in self.kinds)

    @property
    def ended_at(self) -> float:
        """Unix time of the end of the last segment. ValueError where there is none."""
        last = (self.segments[kind][-1] for kind in self.kinds)
        return max(line.begins + line.seconds for line in last)

    @property
    def seconds(self) -> float:
        """How long it plays: gaps do not count."""
        return sum(line.seconds for line in self.lead)

    @property
    def missed_seconds(self) -> float:
        """Time within the recording that was not kept, or not sent."""
        return max(self.ended_at - self.started_at - self.seconds, 0.0) if self.lead else 0.0

    @property
    def last_run(self) -> int:
        """The highest run; -1 where there is no segment."""
        return max((self.segments[kind][-1].run for kind in self.kinds), default=-1)

    def map_of(self, line: SegmentLine) -> MapLine:
        """What the segment is decoded with."""
        return self.maps[line.kind, line.map]


def encode(lines: Sequence[Line]) -> bytes:
    """The lines as they are appended, each ended by a line feed."""
    return b"".join(_ENCODER.encode(line) + b"\n" for line in lines)


def decode(text: bytes) -> Journal:
    """The journal that ``text`` holds; torn lines are left out."""
    journal = Journal()
    for line in lines(text):
        journal.add(line)
    return journal


def lines(text: bytes) -> Iterator[Line]:
    """Its lines one by one; torn ones are left out."""
    for raw in text.split(b"\n"):
        if raw.strip():
            try:
                yield _DECODER.decode(raw)
            except msgspec.MsgspecError:
                continue
