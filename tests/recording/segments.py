"""Segments and journals without a broadcast."""

from __future__ import annotations

from streamd.media.units import Kind
from streamd.recording.journal import Header, Journal, MapLine, SegmentLine
from streamd.relay.segmenter import Segment

ORIGIN = 1_800_000_000.0


def segment(
    kind: Kind = "v",
    at: float = 0.0,
    *,
    seconds: float = 2.0,
    gen: int = 1,
    independent: bool = True,
    discontinuity: bool = False,
    body: bytes = b"segment",
) -> Segment:
    """A segment that begins ``at`` seconds after ORIGIN."""
    return Segment(
        kind=kind,
        gen=gen,
        version=0,
        begins=ORIGIN + at,
        seconds=seconds,
        independent=independent,
        units=50,
        body=body,
        discontinuity=discontinuity,
    )


def line(
    kind: Kind, n: int, *, map: int = 0, run: int = 0, at: float | None = None, seconds: float = 2.0
) -> SegmentLine:
    """A journal's line; without ``at`` segments follow one another."""
    begins = ORIGIN + (n * seconds if at is None else at)
    return SegmentLine(kind, n, map, run, begins, seconds, True, 50, 1_000)


def journal(*lines: SegmentLine, maps: int = 1) -> Journal:
    """A journal with ``maps`` maps a track: 1280×720, then half of it."""
    made = Journal()
    made.add(Header("r", "mina"))
    for n in range(maps):
        made.add(MapLine("v", n, "avc1.42e01f", width=1280 >> n, height=720 >> n))
        made.add(MapLine("a", n, "mp4a.40.2", channels=2))
    for one in lines:
        made.add(one)
    return made
