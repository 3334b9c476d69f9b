"""MP4 files never cost a recording its room."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from streamd.recording.errors import DownloadRefused, DownloadUnready, NoSuchFile
from streamd.recording.recordings import Recordings
from streamd.recording.workshop import MOST_MP4
from tests.recording.broadcast import finished, publish, recordings, watched

LEAST = 1_000_000


async def kept_one(home: Path, free: list[int]) -> tuple[Recordings, str]:
    """Recordings that believe in ``free``, and the one they have."""
    kept = recordings(home, free_bytes=LEAST, free=lambda: free[0])
    publish(watched(kept), 2).close()
    (entry,) = await finished(kept)
    return kept, entry.id


async def test_they_need_a_larger_reserve_than_recordings(tmp_path: Path) -> None:
    free = [1 << 40]
    kept, recording = await kept_one(tmp_path, free)
    wanted = kept.catalogue.get(recording).kept.chapters[0].bytes
    free[0] = 2 * LEAST + 2 * wanted - 1
    with pytest.raises(DownloadRefused, match="no room"):
        await kept.download(recording, 1)
    kept._guard.check(wanted)
    free[0] = 1 << 40
    with pytest.raises(DownloadUnready):
        await kept.download(recording, 1)
    await kept.stop()


async def test_asking_whether_it_is_there_makes_nothing(tmp_path: Path) -> None:
    kept, recording = await kept_one(tmp_path, [1 << 40])
    with pytest.raises(NoSuchFile):
        await kept.download(recording, 1, make=False)
    assert kept.workshop.share(recording, 1) is None
    await kept.stop()


async def test_what_is_promised_counts_and_is_bounded(tmp_path: Path) -> None:
    free = [1 << 40]
    kept, recording = await kept_one(tmp_path, free)
    for n in range(MOST_MP4):
        assert kept.workshop.ask_mp4(f"r-{n}", 1, 1_000)
    assert kept.workshop.ask_mp4("r-0", 1, 1_000)
    assert kept.workshop.promised == MOST_MP4 * 1_000
    with pytest.raises(DownloadRefused, match="right now"):
        await kept.download(recording, 1)
    kept.workshop.forget("r-0")
    wanted = kept.catalogue.get(recording).kept.chapters[0].bytes
    free[0] = 2 * LEAST + 2 * wanted + 5_999
    with pytest.raises(DownloadRefused, match="no room"):
        await kept.download(recording, 1)
    await kept.stop()


async def test_the_oldest_go_first_when_space_runs_short(tmp_path: Path) -> None:
    free = [1 << 40]
    kept, recording = await kept_one(tmp_path, free)
    stream = watched(kept, "be")
    publish(stream, 2, origin=1_800_000_100).close()
    _, other = await finished(kept, 2)
    files = [tmp_path / "recordings" / one / "download-1.mp4" for one in (recording, other.id)]
    for age, file in zip((500, 900), files, strict=True):
        file.write_bytes(bytes(5_000))
        os.utime(file, (1_800_000_000 - age,) * 2)
    await kept.caretaker._look()
    assert [file.exists() for file in files] == [True, True]
    free[0] = 2 * LEAST - 4_000
    await kept.caretaker._look()
    assert [file.exists() for file in files] == [True, False]
    assert kept.caretaker.free_bytes == 2 * LEAST + 1_000
    free[0] = LEAST
    await kept.caretaker._look()
    assert [file.exists() for file in files] == [False, False]
    await kept.stop()
