"""What an earlier process left is found and finished; what is old goes; nothing else does."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streamd.recording import finishing
from streamd.recording.journal import Journal
from streamd.recording.lifecycle import RecordingState
from streamd.recording.object_store import open_store
from streamd.recording.recordings import Recordings
from streamd.recording.storage import Storage
from streamd.recording.summary import SUMMARY, Summary
from tests.recording.broadcast import finished, publish, recordings, until, watched
from tests.recording.s3 import S3
from tests.recording.storages import Moody


@contextlib.asynccontextmanager
async def caring(home: Path, **settings: Any) -> AsyncIterator[Recordings]:
    """A new process's recordings on what is there, with nothing but the caretaker at work."""
    kept = recordings(home, **settings)
    task = asyncio.create_task(kept.caretaker.run())
    try:
        yield kept
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await kept.stop()


async def left_behind(home: Path, seconds: int = 6, storage: Storage | None = None) -> str:
    """A recording without an end, as a process leaves it that is killed."""
    kept = recordings(home, storage=storage)
    publish(watched(kept), seconds)
    (entry,) = kept.catalogue
    await until(lambda: entry.live and entry.live.journal.seconds >= seconds - 2)
    kept.shelf.close()
    for task in tuple(kept._tasks):
        task.cancel()
    return entry.id


async def test_an_unfinished_recording_is_finished_and_listed(tmp_path: Path) -> None:
    recording = await left_behind(tmp_path)
    folder = tmp_path / "recordings" / recording
    with (folder / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"type":"segment","kind":"v","n":99')
    (folder / ".tmp-v-9.m4s-aaaa").write_bytes(b"half")
    async with caring(tmp_path) as kept:
        (entry,) = await finished(kept)
        assert entry.id == recording
        assert entry.kept.interrupted
        assert entry.kept.seconds >= 4
        assert not list(folder.glob(".tmp-*"))
        assert (folder / "v.m3u8").read_text().endswith("#EXT-X-ENDLIST\n")
        assert [one.header.id for one in kept.catalogue.shown("mina")] == [recording]
    async with caring(tmp_path) as again:
        (entry,) = await finished(again)
        assert entry.kept.interrupted


async def test_a_segment_that_is_named_and_not_there_is_left_out(tmp_path: Path) -> None:
    recording = await left_behind(tmp_path)
    (tmp_path / "recordings" / recording / "v-1.m4s").unlink()
    async with caring(tmp_path) as kept:
        await finished(kept)
        text = (tmp_path / "recordings" / recording / "v.m3u8").read_text()
        assert "v-0.m4s" in text
        assert "v-1.m4s" not in text


async def test_what_was_begun_and_never_named_is_cleared(tmp_path: Path) -> None:
    orphan = tmp_path / "recordings" / "mina-20260101-000000-00000000"
    orphan.mkdir(parents=True)
    for name in ("v-0.mp4", "v-0.m4s", ".tmp-v-1.m4s-00"):
        (orphan / name).write_bytes(b"x")
    foreign = tmp_path / "recordings" / "holiday"
    foreign.mkdir()
    (foreign / "beach.jpg").write_bytes(b"x")
    async with caring(tmp_path) as kept:
        await until(lambda: not orphan.exists())
        assert list(kept.catalogue) == []
        assert (foreign / "beach.jpg").exists()


async def test_a_deletion_that_was_cut_short_is_done(tmp_path: Path) -> None:
    recording = await left_behind(tmp_path)
    async with caring(tmp_path) as kept:
        (entry,) = await finished(kept)
        summary = msgspec.structs.replace(entry.kept, state=RecordingState.DELETING)
    finishing.write_summary(kept.shelf.storage, summary)
    async with caring(tmp_path) as again:
        await until(lambda: not (tmp_path / "recordings" / recording).exists())
        assert again.catalogue.shown() == []


async def test_old_ones_go_and_the_running_one_never(tmp_path: Path) -> None:
    done = recordings(tmp_path)
    for origin in (1_800_000_000, 1_800_100_000, 1_800_200_000):
        publish(watched(done, f"s-{origin}"), 2, origin=origin).close()
    await finished(done, 3)
    await done.stop()
    now = 1_800_100_000.0 + 86_400 + 60
    async with caring(tmp_path, keep_days=1, clock=lambda: now) as kept:
        publish(watched(kept), 4, origin=1_700_000_000)
        await until(lambda: kept.catalogue.running("mina"))
        await until(lambda: len(list(kept.catalogue)) == 2)
        names = {one.header.stream for one in kept.catalogue.shown()}
        assert names == {"s-1800200000", "mina"}
        assert len(list((tmp_path / "recordings").iterdir())) == 2


async def test_only_the_newest_of_each_stream(tmp_path: Path) -> None:
    async with caring(tmp_path, keep_newest=1) as kept:
        stream = watched(kept)
        publish(stream, 2, origin=1_800_000_000).close()
        await finished(kept)
        publish(stream, 2, origin=1_800_000_100).close()
        await until(lambda: len(list(kept.catalogue)) == 2)
        await until(lambda: len(list(kept.catalogue)) == 1)
        (entry,) = kept.catalogue
        assert entry.kept.started_at == 1_800_000_100


async def test_what_storage_refuses_is_tried_again(tmp_path: Path) -> None:
    storage = Moody(tmp_path / "recordings")
    kept = recordings(tmp_path, storage=storage)
    publisher = publish(watched(kept), 4)
    (entry,) = kept.catalogue
    await until(lambda: entry.live and entry.live.journal.seconds >= 2)
    storage.broken = True
    publisher.close()
    await until(lambda: entry.state is RecordingState.INCOMPLETE)
    assert kept.catalogue.get(entry.id) is entry
    await kept.caretaker._look()
    assert entry.state is RecordingState.INCOMPLETE
    storage.broken = False
    await kept.caretaker._look()
    assert entry.kept.state.value == "finished"
    assert not entry.kept.interrupted
    storage.broken = True
    with pytest.raises(Exception, match="on fire"):
        await kept.delete(entry.id)
    assert kept.catalogue.shown() == []
    storage.broken = False
    await kept.caretaker._look()
    assert storage.recordings() == []
    await kept.stop()


async def test_a_broken_summary_is_made_anew(tmp_path: Path) -> None:
    recording = await left_behind(tmp_path)
    path = tmp_path / "recordings" / recording / SUMMARY
    path.write_bytes(b'{"header":')
    async with caring(tmp_path) as kept:
        await finished(kept)
        assert msgspec.json.decode(path.read_bytes(), type=Summary).seconds >= 4


async def test_old_downloads_go(tmp_path: Path) -> None:
    recording = await left_behind(tmp_path)
    download = tmp_path / "recordings" / recording / "download-1.mp4"
    download.write_bytes(b"film")
    async with caring(tmp_path) as kept:
        await finished(kept)
        await kept._downloads.delete_old(time.time())
        assert download.exists()
        await kept._downloads.delete_old(time.time() + 90_000)
        assert not download.exists()


async def test_one_bad_recording_does_not_keep_the_others_from_care(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = await left_behind(tmp_path), await left_behind(tmp_path)
    really = finishing.finish

    def finish(storage: Storage, journal: Journal, *, interrupted: bool = False) -> Summary:
        if journal.header and journal.header.id == bad:
            raise ZeroDivisionError
        return really(storage, journal, interrupted=interrupted)

    monkeypatch.setattr(finishing, "finish", finish)
    async with caring(tmp_path) as kept:
        (entry,) = await finished(kept)
        assert entry.id == good
        await until(lambda: bad in kept.catalogue)
        await kept.caretaker._look()
        assert kept.catalogue.get(bad).state is RecordingState.INCOMPLETE


async def test_nothing_is_written_of_what_was_deleted(tmp_path: Path) -> None:
    recording = await left_behind(tmp_path)
    async with caring(tmp_path) as kept:
        (entry,) = await finished(kept)
        folder = tmp_path / "recordings" / recording
        async with entry.lock:
            deleting = asyncio.create_task(kept.delete(recording))
            await asyncio.sleep(0)
            others = [
                asyncio.create_task(kept.caretaker.remove(entry)),
                asyncio.create_task(kept.caretaker.finish(entry)),
            ]
            await asyncio.sleep(0)
        await asyncio.gather(deleting, *others)
        await kept.caretaker.note_poster(recording, True)
        assert not folder.exists()


async def test_deleted_while_it_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = await left_behind(tmp_path)
    gate, begun, really = threading.Event(), threading.Event(), finishing.finish

    def finish(storage: Storage, journal: Journal, *, interrupted: bool = False) -> Summary:
        begun.set()
        gate.wait(20)
        return really(storage, journal, interrupted=interrupted)

    monkeypatch.setattr(finishing, "finish", finish)
    async with caring(tmp_path) as kept:
        await until(begun.is_set)
        deleting = asyncio.create_task(kept.delete(recording))
        await asyncio.sleep(0.05)
        gate.set()
        await deleting
        assert not (tmp_path / "recordings" / recording).exists()
        assert list(kept.catalogue) == []


async def test_on_a_shared_storage_others_recordings_are_left_alone(tmp_path: Path, s3: S3) -> None:
    url = s3.url.replace("/live?", f"/{secrets.token_hex(4)}?")
    recording = await left_behind(tmp_path, storage=open_store(url))
    during, later = 1_800_000_010.0, 1_800_000_400.0
    now = [during]
    async with caring(tmp_path, url=url, clock=lambda: now[0]) as kept:
        await until(lambda: kept.caretaker._foreign == {recording})
        assert kept.catalogue.shown() == []
        now[0] = later
        await kept.caretaker._look()
        (entry,) = kept.catalogue
        assert entry.state is RecordingState.FINISHED


async def test_the_free_space_is_known(tmp_path: Path) -> None:
    async with caring(tmp_path) as kept:
        await until(lambda: kept.caretaker.free_bytes)
        there = shutil.disk_usage(tmp_path).free
        assert kept.caretaker.free_bytes == pytest.approx(there, rel=0.2)
