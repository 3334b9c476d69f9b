"""What every storage promises: the same tests for a folder and for an S3 server."""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
import threading
import time
from pathlib import Path

import pytest

from streamd.recording.errors import NoSuchFile, StorageFailed
from streamd.recording.object_store import open_store
from streamd.recording.storage import TEMPORARY, Folder, Shelf, Storage
from tests.recording.s3 import S3


@pytest.fixture(params=["folder", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """A storage with nothing in it."""
    if request.param == "folder":
        return Folder(tmp_path / "recordings")
    s3: S3 = request.getfixturevalue("s3")
    return open_store(s3.url.replace("/live?", f"/{secrets.token_hex(4)}?"))


def test_what_is_written_is_read_whole_and_in_ranges(storage: Storage) -> None:
    storage.write("r/v-0.m4s", b"0123456789")
    assert storage.read("r/v-0.m4s") == b"0123456789"
    assert storage.read("r/v-0.m4s", 2, 5) == b"234"
    assert storage.read("r/v-0.m4s", 8) == b"89"
    assert storage.read("r/v-0.m4s", 8, 100) == b"89"
    assert storage.size("r/v-0.m4s") == 10
    assert abs(storage.modified("r/v-0.m4s") - time.time()) < 60
    storage.write("r/v-0.m4s", b"again")
    assert storage.read("r/v-0.m4s") == b"again"


def test_a_log_keeps_every_line_in_order(storage: Storage) -> None:
    lines = [b"%d %s\n" % (n, b"x" * 700) for n in range(150)]
    for line in lines:
        storage.append("r/journal.jsonl", line)
    storage.append("s/journal.jsonl", b"another\n")
    storage.close_log("r/journal.jsonl")
    assert storage.read_log("r/journal.jsonl") == b"".join(lines)
    assert storage.read_log("s/journal.jsonl") == b"another\n"


def test_what_is_not_there_is_said(storage: Storage) -> None:
    for act in (storage.read, storage.size, storage.modified, storage.read_log):
        with pytest.raises(NoSuchFile):
            act("none/v-0.m4s")
    storage.remove("none/v-0.m4s")


def test_recordings_and_their_names(storage: Storage) -> None:
    assert storage.recordings() == []
    for path in ("b/v-0.m4s", "b/v-1.m4s", "a/index.m3u8", "bb/x.m4s"):
        storage.write(path, b"x")
    assert storage.recordings() == ["a", "b", "bb"]
    assert storage.names("b") == ["v-0.m4s", "v-1.m4s"]


def test_a_recording_is_deleted_with_its_last_file_last(storage: Storage) -> None:
    for name in ("a-0.m4s", "recording.json", "v-0.m4s"):
        storage.write(f"r/{name}", b"x")
    storage.write("s/v-0.m4s", b"x")
    storage.remove_recording("r", "recording.json")
    assert storage.recordings() == ["s"]
    storage.remove("s/v-0.m4s")
    with pytest.raises(NoSuchFile):
        storage.read("s/v-0.m4s")


def test_a_local_file_is_taken_in(storage: Storage, tmp_path: Path) -> None:
    storage.write("r/v-0.m4s", b"x")
    made = tmp_path / "made.mp4"
    made.write_bytes(b"film" * 1_000)
    storage.take_in(made, "r/download-1.mp4")
    assert not made.exists()
    assert storage.read("r/download-1.mp4") == b"film" * 1_000


def test_what_only_one_kind_can_say(storage: Storage) -> None:
    storage.write("r/v-0.m4s", b"x")
    local = storage.local("r/v-0.m4s")
    if storage.shared:
        assert storage.free_bytes() is None
        assert local is None
    else:
        free = storage.free_bytes()
        assert free is not None
        assert free > 0
        assert local is not None
        assert local.read_bytes() == b"x"


# -- the folder alone


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write("r/v-0.m4s", b"old")
    (tmp_path / "r" / "v-1.m4s").mkdir()
    with pytest.raises(StorageFailed, match=r"r/v-1\.m4s: Is a directory"):
        folder.write("r/v-1.m4s", b"new")
    assert not [name for name in os.listdir(tmp_path / "r") if name.startswith(TEMPORARY)]


@pytest.mark.parametrize("path", ["../x", "r/../../x", "/etc/passwd", "r//x", "r/./x", ""])
def test_no_way_out_of_the_folder(tmp_path: Path, path: str) -> None:
    with pytest.raises(StorageFailed):
        Folder(tmp_path).read(path)


def test_after_a_torn_line_the_next_stands_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path)
    folder.append("r/journal.jsonl", b"one\n")

    def failing(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing)
        with pytest.raises(StorageFailed, match="No space left"):
            folder.append("r/journal.jsonl", b"to")
    folder.append("r/journal.jsonl", b"three\n")
    assert folder.read_log("r/journal.jsonl").splitlines() == [b"one", b"to", b"three"]


async def test_the_shelf_works_off_the_loop(tmp_path: Path) -> None:
    shelf = Shelf(Folder(tmp_path))
    slow = asyncio.create_task(shelf.do(time.sleep, 0.3))
    started = time.monotonic()
    await shelf.do(shelf.storage.write, "r/x", b"y")
    assert await shelf.do(shelf.storage.read, "r/x", 0, 1) == b"y"
    assert time.monotonic() - started < 0.3
    await slow
    shelf.close()


async def test_a_crowd_of_visitors_costs_no_segment_and_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamd.recording.storage.MOST_LENT", 40)
    shelf, gate = Shelf(Folder(tmp_path)), threading.Event()
    crowd = [asyncio.create_task(shelf.lend(gate.wait, 20)) for _ in range(40)]
    await asyncio.sleep(0)
    with pytest.raises(StorageFailed, match="Too many"):
        await shelf.lend(gate.wait, 20)
    async with asyncio.timeout(10):
        await shelf.do(shelf.storage.write, "r/x", b"y")
    assert not any(task.done() for task in crowd)
    gate.set()
    assert all(await asyncio.gather(*crowd))
    assert await shelf.lend(shelf.storage.read, "r/x") == b"y"
    shelf.close()


def test_taken_in_from_another_disk_a_file_is_whole_or_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path / "recordings")
    folder.write("r/v-0.m4s", b"x")
    made = tmp_path / "made.mp4"
    made.write_bytes(b"film" * 1_000)
    rename = Path.rename

    def elsewhere(source: Path, target: Path) -> Path:
        if source == made:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return rename(source, target)

    def breaking(_source: Path, target: Path) -> None:
        target.write_bytes(b"fil")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "rename", elsewhere)
    with monkeypatch.context() as patch:
        patch.setattr("shutil.copyfile", breaking)
        with pytest.raises(StorageFailed, match="No space left"):
            folder.take_in(made, "r/download-1.mp4")
    assert folder.names("r") == ["v-0.m4s"]
    assert made.exists()
    folder.take_in(made, "r/download-1.mp4")
    assert folder.read("r/download-1.mp4") == b"film" * 1_000
    assert folder.names("r") == ["download-1.mp4", "v-0.m4s"]
    assert not made.exists()


def test_a_new_recording_s_folder_is_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def noting(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noting)
    root = tmp_path / "recordings"
    folder = Folder(root)
    folder.write("r/v-0.m4s", b"x")
    assert str(root) in synced
    assert str(root / "r") in synced
    synced.clear()
    folder.write("r/v-1.m4s", b"x")
    assert str(root) not in synced
