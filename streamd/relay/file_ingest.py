"""A file as a broadcast: read in a thread, relayed at the pace of its own decode times."""

from __future__ import annotations

import asyncio
from pathlib import Path

from streamd.relay.demux import FileReader
from streamd.relay.stream import Stream

BATCH_SECONDS = 0.5
"""Media read at once; one batch is played while the next is read."""


async def play(path: Path | str, stream: Stream, *, loop: bool = True, speed: float = 1.0) -> None:
    """Publishes the file until its end, for ever where ``loop`` is set, or until cancelled.

    ``speed`` is media seconds a second; infinity plays as fast as the machine can. Returns early
    where the relay ends the publication. Raises AlreadyPublishing, MalformedMedia or
    UnsupportedMedia. Cancelled, it has closed its publication and the file.
    """
    reader = await asyncio.to_thread(FileReader, path, loop=loop)
    try:
        publisher = stream.publish("file")
        try:
            publisher.announce(reader.tracks)
            scales = {track.kind: track.timescale for track in reader.tracks}
            clock = asyncio.get_running_loop().time
            started: float | None = None
            reading = asyncio.create_task(asyncio.to_thread(reader.read, BATCH_SECONDS))
            try:
                while units := await reading:
                    reading = asyncio.create_task(asyncio.to_thread(reader.read, BATCH_SECONDS))
                    if started is None:
                        started = clock()
                    for unit in units:
                        due = started + unit.dts / scales[unit.kind] / speed
                        if (delay := due - clock()) > 0:
                            await asyncio.sleep(delay)
                        if publisher.closed:
                            return
                        publisher.write(unit)
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
        finally:
            publisher.close()
    finally:
        await asyncio.to_thread(reader.close)
