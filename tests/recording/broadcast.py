"""Broadcasts as fast as the machine can: the test card through a real Stream, into recordings."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av

from streamd import config
from streamd.media.units import Track, Unit
from streamd.recording.catalogue import Entry
from streamd.recording.lifecycle import RecordingState
from streamd.recording.recordings import Recordings
from streamd.recording.storage import Storage
from streamd.relay.captions import Captions
from streamd.relay.stream import Publisher, Stream
from streamd.relay.testcard import CardEncoder

FPS = 25
ORIGIN = 1_800_000_000
EVENT = config.Event(
    candidates=(
        config.Candidate(stream="mina", number=12, name={"en": "Mina Darvand", "fa": "مینا"}),
    )
)


@cache
def card(
    seconds: int, width: int = 384, height: int = 210, origin: int = ORIGIN
) -> tuple[tuple[Track, ...], tuple[Unit, ...]]:
    """The card's tracks and units, a keyframe a second, AAC."""
    encoder = CardEncoder(Fraction(origin), audio="aac", fps=FPS, width=width, height=height)
    units = [unit for number in range(seconds * FPS) for unit in encoder.encode(number)]
    return tuple(encoder.tracks), tuple(units)


def publish(stream: Stream, seconds: int, **picture: int) -> Publisher:
    """Writes ``seconds`` of the card at once and leaves the publisher open."""
    tracks, units = card(seconds, **picture)
    publisher = stream.publish("test")
    publisher.announce(tracks, float(picture.get("origin", ORIGIN)))
    for unit in units:
        publisher.write(unit)
    return publisher


def recordings(
    home: Path,
    *,
    storage: Storage | None = None,
    free: Callable[[], int | None] | None = None,
    clock: Callable[[], float] | None = None,
    **settings: Any,
) -> Recordings:
    """Recordings in ``home`` without a disk guard, unless ``settings`` say otherwise."""
    chosen = config.Recording(**{"free_bytes": 0, "keep_days": 0, **settings})
    more: dict[str, Any] = {} if clock is None else {"clock": clock}
    return Recordings(chosen, home, EVENT, storage=storage, free=free, **more)


def new_stream(name: str = "mina") -> Stream:
    """A stream without a delay."""
    return Stream(name, config.Relay())


def watched(kept: Recordings, name: str = "mina") -> Stream:
    """A new stream that is recorded."""
    stream = new_stream(name)
    kept.watch(stream, Captions(name))
    return stream


async def until(true: Callable[[], Any], seconds: float = 30.0) -> None:
    """Waits until ``true()`` holds; TimeoutError after ``seconds``."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)


async def finished(kept: Recordings, count: int = 1) -> list[Entry]:
    """Waits for ``count`` finished recordings; oldest first."""

    def done() -> list[Entry]:
        return [one for one in kept.catalogue if one.state is RecordingState.FINISHED]

    await until(lambda: len(done()) >= count)
    return sorted(done(), key=lambda one: one.kept.started_at)


def frames(source: Path | bytes, medium: str = "video") -> list[float]:
    """Decodes every frame of a file; their times in seconds."""
    opened: Any = io.BytesIO(source) if isinstance(source, bytes) else str(source)
    with av.open(opened) as container:
        stream: Any = next(one for one in container.streams if one.type == medium)
        stream.codec_context.thread_count = 1
        return [float(frame.time) for frame in container.decode(stream)]


def track_file(folder: Path, kind: str, init: int = 0) -> bytes:
    """A track's map and all its segments as one file."""
    paths = sorted(folder.glob(f"{kind}-*.m4s"), key=lambda path: int(path.stem.split("-")[1]))
    return b"".join(path.read_bytes() for path in (folder / f"{kind}-{init}.mp4", *paths))
