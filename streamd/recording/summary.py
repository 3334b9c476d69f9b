"""What is kept of a finished recording beside its playlists: ``recording.json``. Pure."""

from __future__ import annotations

import msgspec

from streamd.media.units import Kind
from streamd.recording.captions import language
from streamd.recording.journal import Header, Journal, SegmentLine
from streamd.recording.lifecycle import RecordingState

SUMMARY = "recording.json"
JOURNAL = "journal.jsonl"
POSTER = "poster.jpg"


class Chapter(msgspec.Struct, frozen=True):
    """A stretch of one configuration: one MP4 file. Runs from ``first_run`` to ``last_run``."""

    n: int
    first_run: int
    last_run: int
    seconds: float
    bytes: int
    width: int = 0
    height: int = 0


class Summary(msgspec.Struct, frozen=True):
    """One recording. Times in Unix seconds; ``seconds`` is how long it plays.

    ``interrupted``: the process that recorded it ended in the middle. ``poster``: None before it
    was tried to make one, False where no picture was good enough.
    """

    header: Header
    state: RecordingState
    started_at: float
    ended_at: float
    seconds: float
    missed_seconds: float
    bytes: int
    chapters: tuple[Chapter, ...] = ()
    interrupted: bool = False
    captions: str = ""
    """The captions' language, a BCP 47 tag; empty where there are none."""
    poster: bool | None = None


def summarize(
    journal: Journal, header: Header, state: RecordingState, *, interrupted: bool = False
) -> Summary:
    """The summary of all segments so far; of none, an empty one."""
    has_any = bool(journal.kinds)
    return Summary(
        header=header,
        state=state,
        started_at=journal.started_at if has_any else 0.0,
        ended_at=journal.ended_at if has_any else 0.0,
        seconds=round(journal.seconds, 3),
        missed_seconds=round(journal.missed_seconds, 3),
        bytes=journal.bytes,
        chapters=chapters(journal),
        interrupted=interrupted,
        captions=language(journal),
    )


def chapters(journal: Journal) -> tuple[Chapter, ...]:
    """The recording cut where the configuration changes, in order.

    An MP4 file describes each of its tracks once, so a new resolution begins a new file.
    """
    runs: dict[int, _Run] = {}
    for kind in journal.kinds:
        for line in journal.segments[kind]:
            runs.setdefault(line.run, _Run()).add(line)
    found: list[Chapter] = []
    previous: tuple[int | None, int | None] | None = None
    for number, run in sorted(runs.items()):
        config = run.maps.get("v"), run.maps.get("a")
        seconds = run.seconds.get("v") or run.seconds.get("a", 0.0)
        if found and config == previous:
            found[-1] = msgspec.structs.replace(
                found[-1],
                last_run=number,
                seconds=found[-1].seconds + seconds,
                bytes=found[-1].bytes + run.bytes,
            )
            continue
        previous = config
        size = (0, 0)
        if config[0] is not None:
            picture = journal.maps["v", config[0]]
            size = picture.width, picture.height
        found.append(Chapter(len(found) + 1, number, number, seconds, run.bytes, *size))
    return tuple(found)


def chapter_lines(journal: Journal, chapter: Chapter, kind: Kind) -> list[SegmentLine]:
    """A track's segments within the chapter."""
    return [
        line for line in journal.segments[kind] if chapter.first_run <= line.run <= chapter.last_run
    ]


def download_name(n: int) -> str:
    """The file of the chapter's MP4."""
    return f"download-{n}.mp4"


class _Run:
    """What stands between two discontinuities."""

    def __init__(self) -> None:
        self.maps: dict[Kind, int] = {}
        self.seconds: dict[Kind, float] = {}
        self.bytes = 0

    def add(self, line: SegmentLine) -> None:
        self.maps.setdefault(line.kind, line.map)
        self.seconds[line.kind] = self.seconds.get(line.kind, 0.0) + line.seconds
        self.bytes += line.bytes
