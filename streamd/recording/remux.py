"""A chapter's segments as one MP4 file that plays anywhere: repacked, never encoded again.

Blocking, for a process of its own (offline.py). Memory: one segment a track at a time, and the
sample tables that libavformat keeps, some 100 bytes a picture.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from streamd.media.units import Kind
from streamd.recording.journal import Journal, SegmentLine
from streamd.recording.storage import Storage
from streamd.recording.summary import Chapter, chapter_lines

Progress = Callable[[float], None]


class _Joined:
    """A map and segments read one after the other, as one file that cannot be sought."""

    def __init__(
        self, storage: Storage, folder: str, names: Sequence[str], on_read: Callable[[int], None]
    ) -> None:
        self._storage = storage
        self._folder = folder
        self._names = iter(names)
        self._on_read = on_read
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes; empty at the end."""
        while not self._rest:
            name = next(self._names, None)
            if name is None:
                return b""
            self._rest = self._storage.read(f"{self._folder}/{name}")
            self._on_read(len(self._rest))
        size = len(self._rest) if size < 0 else size
        cut, self._rest = self._rest[:size], self._rest[size:]
        return cut


def to_mp4(
    storage: Storage,
    journal: Journal,
    chapter: Chapter,
    target: Path,
    on_progress: Progress = lambda _: None,
) -> None:
    """Writes the chapter to ``target``, its index at the front. Gaps close up.

    Raises StorageFailed, or what libavformat raises on bytes it cannot read.
    """
    read = 0

    def count(size: int) -> None:
        nonlocal read
        read += size
        on_progress(min(read / max(chapter.bytes, 1), 1.0))

    output: Any = av.open(str(target), "w", format="mp4", options={"movflags": "faststart"})
    with output:
        out: dict[Kind, Any] = {}
        start = Fraction(0)
        for run in range(chapter.first_run, chapter.last_run + 1):
            inputs = _opened(storage, journal, chapter, run, count)
            try:
                if inputs:
                    start = _append(output, out, inputs, start)
            finally:
                for opened in inputs.values():
                    opened.close()


def _opened(
    storage: Storage, journal: Journal, chapter: Chapter, run: int, on_read: Callable[[int], None]
) -> dict[Kind, Any]:
    """The run's tracks, each as a container to demux."""
    assert journal.header is not None
    opened: dict[Kind, Any] = {}
    for kind in journal.kinds:
        lines = [line for line in chapter_lines(journal, chapter, kind) if line.run == run]
        if lines:
            file: Any = _Joined(storage, journal.header.id, _names(journal, lines), on_read)
            opened[kind] = av.open(file, format="mp4")
    return opened


def _names(journal: Journal, lines: Sequence[SegmentLine]) -> list[str]:
    return [journal.map_of(lines[0]).name, *(line.name for line in lines)]


def _append(
    output: Any, out: dict[Kind, Any], inputs: dict[Kind, Any], start: Fraction
) -> Fraction:
    """Muxes one run from ``start`` on; returns where it ends."""
    for kind, opened in inputs.items():
        if kind not in out:
            out[kind] = output.add_stream_from_template(opened.streams[0])
    end, base = start, None
    for at, _, kind, packet in heapq.merge(*(_packets(kind, inputs[kind]) for kind in inputs)):
        if base is None:
            base = at
        shift = round((start - base) / packet.time_base)
        packet.dts += shift
        packet.pts += shift
        end = max(end, (packet.dts + (packet.duration or 0)) * packet.time_base)
        packet.stream = out[kind]
        output.mux(packet)
    return end


def _packets(kind: Kind, opened: Any) -> Iterator[tuple[Fraction, int, Kind, Any]]:
    """In decoding order, with the decode time in seconds first; then what keeps them apart."""
    place = 0 if kind == "v" else 1
    for packet in opened.demux(opened.streams[0]):
        if packet.dts is not None and packet.size:
            yield packet.dts * packet.time_base, place, kind, packet
