"""A broadcast from its first segment to a VOD that plays, in a folder and in an object store."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from streamd.recording.errors import (
    DownloadRefused,
    DownloadUnready,
    IllegalRecordingMove,
    UnknownRecording,
)
from streamd.recording.recordings import Recordings
from tests.recording.broadcast import (
    finished,
    frames,
    publish,
    recordings,
    track_file,
    until,
    watched,
)
from tests.recording.s3 import S3


@contextlib.asynccontextmanager
async def cared_for(kept: Recordings) -> AsyncIterator[None]:
    """With its caretaker and its workshop at work; stopped at the end."""
    task = asyncio.create_task(kept.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await kept.stop()


async def fetched(kept: Recordings, recording: str, chapter: int = 1) -> str:
    """Asks for the MP4 until it is there."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await kept.download(recording, chapter)
            except DownloadUnready:
                await asyncio.sleep(0.05)


@pytest.fixture(params=["folder", "s3"])
def url(request: pytest.FixtureRequest) -> str:
    """Where recordings lie: nothing, for the folder, or an object store."""
    if request.param == "folder":
        return ""
    s3: S3 = request.getfixturevalue("s3")
    return s3.url.replace("/live?", f"/{secrets.token_hex(4)}?")


async def test_from_the_first_segment_to_the_last_file(tmp_path: Path, url: str) -> None:
    kept = recordings(tmp_path, url=url)
    async with cared_for(kept):
        publish(watched(kept), 8).close()
        (entry,) = await finished(kept)
        storage = kept.shelf.storage
        for kind, medium, least in (("v", "video", 200), ("a", "audio", 370)):
            listed = storage.read(f"{entry.id}/{kind}.m3u8").decode().split()
            names = [one for one in listed if one.startswith(f"{kind}-")]
            file = b"".join(storage.read(f"{entry.id}/{one}") for one in (f"{kind}-0.mp4", *names))
            assert len(frames(file, medium)) >= least
        await until(lambda: entry.kept.poster)
        poster = storage.read(f"{entry.id}/poster.jpg")
        assert poster.startswith(b"\xff\xd8\xff")
        path = await fetched(kept, entry.id)
        film = storage.read(path)
        assert film.find(b"moov") < film.find(b"mdat")
        assert len(frames(film)) == 200
        await kept.delete(entry.id)
        assert storage.recordings() == []
        with pytest.raises(UnknownRecording):
            kept.catalogue.get(entry.id)


async def test_what_is_on_air_can_be_played_from_its_beginning(tmp_path: Path) -> None:
    kept = recordings(tmp_path)
    stream = watched(kept)
    publisher = publish(stream, 6)
    await until(lambda: (running := kept.catalogue.running("mina")) and running.summary.seconds > 4)
    entry = kept.catalogue.running("mina")
    assert entry is not None
    assert entry.live is not None
    text = entry.live.playlists["v"].text(target_seconds=6, ended=False)
    assert "v-0.m4s" in text
    assert len(frames(track_file(tmp_path / "recordings" / entry.id, "v"))) >= 100
    with pytest.raises(IllegalRecordingMove, match="is recording and cannot be deleted"):
        await kept.delete(entry.id)
    with pytest.raises(UnknownRecording):
        await kept.download(entry.id, 1)
    publisher.close()
    await finished(kept)
    assert kept.catalogue.running("mina") is None
    await kept.stop()


async def test_the_end_of_the_process_ends_recordings_whole(tmp_path: Path) -> None:
    kept = recordings(tmp_path)
    stream = watched(kept)
    publish(stream, 6)
    stream.close()
    await kept.stop()
    (entry,) = kept.catalogue
    assert (tmp_path / "recordings" / entry.id / "recording.json").exists()
    assert entry.kept.seconds == 6


async def test_a_new_size_is_a_file_of_its_own(tmp_path: Path) -> None:
    kept = recordings(tmp_path)
    async with cared_for(kept):
        stream = watched(kept)
        publish(stream, 3).lose()
        publish(stream, 4, width=480, height=270, origin=1_800_000_010).close()
        (entry,) = await finished(kept)
        storage = kept.shelf.storage
        for chapter, count in ((1, 75), (2, 100)):
            film = storage.read(await fetched(kept, entry.id, chapter))
            assert len(frames(film)) == count
        with pytest.raises(UnknownRecording):
            await kept.download(entry.id, 3)


async def test_no_room_no_mp4(tmp_path: Path) -> None:
    kept = recordings(tmp_path, free_bytes=1 << 60)
    stream = watched(kept)
    publish(stream, 2).close()
    await asyncio.sleep(0.1)
    assert kept.counters.segments == 0
    roomy = recordings(tmp_path)
    publish(watched(roomy), 2).close()
    (entry,) = await finished(roomy)
    kept.catalogue.put(entry)
    with pytest.raises(DownloadRefused, match="no room"):
        await kept.download(entry.id, 1)
    await kept.stop()
    await roomy.stop()


async def test_the_guard_asks_the_function_it_was_given(tmp_path: Path) -> None:
    free = [5_000]
    kept = recordings(tmp_path, free_bytes=1_000, free=lambda: free[0])
    stream = watched(kept)
    publisher = publish(stream, 3)
    await until(lambda: kept.counters.segments == 0 and kept.counters.missed["disk_full"] > 0)  # type: ignore[index]
    free[0] = 1 << 40
    publisher.close()
    await kept.stop()


async def test_a_caretaker_that_stumbles_is_set_going_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamd.recording.recordings.RESTART_SECONDS", 0.01)
    kept = recordings(tmp_path)
    runs = []

    async def stumbling() -> None:
        runs.append(1)
        raise RuntimeError("nobody thought of this")

    monkeypatch.setattr(kept.caretaker, "run", stumbling)
    async with cared_for(kept):
        await until(lambda: len(runs) > 2)
