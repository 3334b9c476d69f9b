"""Recordings on a disk before a streamd starts on it, made on the real path in no time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from streamd import config
from streamd.clips import BIG_BUCK_BUNNY
from streamd.recording.catalogue import Entry
from streamd.recording.recordings import Recordings
from streamd.relay.captions import Captions
from streamd.relay.demux import FileReader
from streamd.relay.stream import Stream
from tests.recording.broadcast import card, finished, until


@dataclass(frozen=True)
class Past:
    """A broadcast that was. ``picture``: "clip" or "card"; ``turned``: the picture's size changed
    in the middle; ``captions``: lines, one every two seconds."""

    stream: str
    begins: float
    seconds: int = 12
    picture: str = "card"
    turned: bool = False
    captions: tuple[str, ...] = ()


def seed(home: Path, event: config.Event, pasts: Sequence[Past]) -> list[str]:
    """Makes the recordings, posters included; their ids in the order of ``pasts``."""
    return asyncio.run(_seed(home, event, pasts))


async def _seed(home: Path, event: config.Event, pasts: Sequence[Past]) -> list[str]:
    kept = Recordings(config.Recording(free_bytes=0, keep_days=0), home, event)
    running = asyncio.create_task(kept.run())
    ids: list[str] = []
    for past in pasts:
        stream = Stream(past.stream, config.Relay())
        captions = Captions(past.stream)
        kept.watch(stream, captions)
        _broadcast(stream, captions, past)
        ids.append((await _begun(kept, len(ids) + 1)).id)
        kept.unwatch(stream.id)
        stream.close()
    await finished(kept, len(pasts))
    await until(lambda: all(entry.kept.poster is not None for entry in kept.catalogue), 60)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await kept.stop()
    return ids


async def _begun(kept: Recordings, count: int) -> Entry:
    await until(lambda: len(list(kept.catalogue)) == count)
    return list(kept.catalogue)[-1]


def _broadcast(stream: Stream, captions: Captions, past: Past) -> None:
    publisher = stream.publish("test")
    if past.picture == "clip":
        reader = FileReader(BIG_BUCK_BUNNY, loop=True)
        publisher.announce(reader.tracks, past.begins)
        scales = {track.kind: track.timescale for track in reader.tracks}
        at = 0.0
        while at < past.seconds:
            for unit in reader.read(0.5):
                publisher.write(unit)
                at = unit.dts / scales[unit.kind]
        reader.close()
    else:
        begins = int(past.begins)
        for width, height in ((640, 360), (480, 270)) if past.turned else ((640, 360),):
            tracks, units = card(past.seconds, width, height, begins)
            publisher.announce(tracks, float(begins))
            for unit in units:
                publisher.write(unit)
            begins += past.seconds
    for place, text in enumerate(past.captions):
        at = past.begins + 1 + 2 * place
        captions.say(text, "en", at=at, edge=at)
    publisher.close()
