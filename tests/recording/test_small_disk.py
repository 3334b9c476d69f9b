"""A real file system of a few megabytes fills up: the recording stops, the broadcast does not."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamd.recording.counters import Trouble
from streamd.relay.notices import NoticeCode
from tests.recording.broadcast import (
    finished,
    frames,
    publish,
    recordings,
    until,
    watched,
)

MEGABYTE = 1_048_576


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of four megabytes."""
    place = tmp_path / "small"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"mounting is refused here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def played(folder: Path) -> int:
    """Pictures in all segments, each decoded by itself: they all begin with a keyframe."""
    init = (folder / "v-0.mp4").read_bytes()
    return sum(len(frames(init + path.read_bytes())) for path in folder.glob("v-*.m4s"))


async def test_the_guard_keeps_its_megabyte(small: Path) -> None:
    kept = recordings(small, free_bytes=MEGABYTE)
    stream = watched(kept)
    ballast = small / "ballast"
    ballast.write_bytes(bytes(2 * MEGABYTE))
    publisher = publish(stream, 60)
    seen = stream.window.gaps
    await until(lambda: kept.counters.missed[Trouble.DISK_FULL] > 0)
    assert NoticeCode.RECORDING_STOPPED in [one.code for one in stream.notices]
    assert stream.state.value == "live"
    assert stream.window.gaps == seen
    usage = os.statvfs(small)
    assert usage.f_bavail * usage.f_frsize >= MEGABYTE - 65_536
    ballast.unlink()
    publisher.lose()
    publish(stream, 6, origin=1_800_000_070).close()
    (entry,) = await finished(kept)
    assert NoticeCode.RECORDING_STOPPED not in [one.code for one in stream.notices]
    assert played(small / "recordings" / entry.id) == round(entry.kept.seconds * 25)
    assert entry.kept.missed_seconds > 5
    await kept.stop()


async def test_without_a_guard_the_full_disk_itself_stops_it(small: Path) -> None:
    kept = recordings(small, free_bytes=0)
    stream = watched(kept)
    ballast = small / "ballast"
    ballast.write_bytes(bytes(3 * MEGABYTE))
    publisher = publish(stream, 60)
    await until(lambda: kept.counters.failures > 0)
    ballast.unlink()
    publisher.close()
    (entry,) = await finished(kept)
    assert played(small / "recordings" / entry.id) >= round(entry.kept.seconds * 25) > 0
    await kept.stop()
