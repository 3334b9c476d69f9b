"""A process is killed (SIGKILL) while it records: every whole segment plays afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from streamd.media.units import Kind
from streamd.recording.journal import decode
from streamd.recording.recordings import Recordings
from streamd.recording.storage import Storage
from tests.recording.broadcast import finished, frames, recordings
from tests.recording.s3 import KEYS, S3

ROOT = Path(__file__).parent.parent.parent
LEAST_SEGMENTS = 3
PATIENCE_SECONDS = 60


def record_and_kill(home: Path, url: str, storage: Storage) -> None:
    """Records some segments, then dies at a random moment, most likely amid a write."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.recording.recording_process", str(home), url],
        cwd=ROOT,
        env={**os.environ, **KEYS},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while _segments(storage) < LEAST_SEGMENTS:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(random.uniform(0, 1.5))
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _segments(storage: Storage) -> int:
    found = storage.recordings()
    names = storage.names(found[0]) if found else []
    return sum(name.startswith("v-") and name.endswith(".m4s") for name in names)


@contextlib.asynccontextmanager
async def restarted(home: Path, url: str) -> AsyncIterator[Recordings]:
    kept = recordings(home, url=url, clock=lambda: time.time() + 600)
    task = asyncio.create_task(kept.caretaker.run())
    yield kept
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await kept.stop()


@pytest.mark.parametrize("kind", ["folder", "s3"])
async def test_every_whole_segment_plays(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    url = ""
    if kind == "s3":
        s3: S3 = request.getfixturevalue("s3")
        url = s3.url.replace("/live?", f"/{secrets.token_hex(4)}?")
    storage = recordings(tmp_path, url=url).shelf.storage
    await asyncio.to_thread(record_and_kill, tmp_path, url, storage)
    async with restarted(tmp_path, url) as kept:
        (entry,) = await finished(kept)
        assert entry.kept.interrupted
        journal = decode(storage.read_log(f"{entry.id}/journal.jsonl"))
        assert len(journal.segments["v"]) >= LEAST_SEGMENTS - 1
        tracks: tuple[tuple[Kind, str], ...] = (("v", "video"), ("a", "audio"))
        for track, medium in tracks:
            playlist = storage.read(f"{entry.id}/{track}.m3u8").decode()
            assert playlist.endswith("#EXT-X-ENDLIST\n")
            listed = [one for one in playlist.split() if one.startswith(f"{track}-")]
            lines = journal.segments[track]
            assert listed == [line.name for line in lines]
            names = (f"{track}-0.mp4", *listed)
            file = b"".join(storage.read(f"{entry.id}/{one}") for one in names)
            played = frames(file, medium)
            units = sum(line.units for line in lines)
            assert len(played) == units
            assert played == sorted(played)
