"""Where recordings lie: a folder. Blocking, for threads; ``Shelf`` is how the loop uses it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar

from streamd.recording.errors import NoSuchFile, StorageFailed

P = ParamSpec("P")
T = TypeVar("T")

TEMPORARY = ".tmp-"
THREADS = 8
"""Writes that may hang at the same time before recordings wait for one another."""


class Storage(Protocol):
    """Files by ``recording/name``. What was written is on the storage when the call returns.

    Every method raises StorageFailed, those that read NoSuchFile.
    """

    shared: bool
    """Whether another machine may be recording to the same place."""

    def write(self, path: str, body: bytes) -> None:
        """Makes or replaces a file: whole or not at all."""

    def append(self, path: str, body: bytes) -> None:
        """Adds to a log, which one process writes. Whole lines only."""

    def read_log(self, path: str) -> bytes:
        """All that was appended."""

    def close_log(self, path: str) -> None:
        """Nothing more will be appended."""

    def read(self, path: str, start: int = 0, end: int | None = None) -> bytes:
        """The bytes from ``start`` up to ``end``."""

    def size(self, path: str) -> int:
        """Bytes of a file."""

    def modified(self, path: str) -> float:
        """Unix time of the last write."""

    def recordings(self) -> list[str]:
        """Everything that has files here."""

    def names(self, recording: str) -> list[str]:
        """The files of a recording."""

    def remove(self, path: str) -> None:
        """Deletes a file; one that is not there is fine."""

    def remove_recording(self, recording: str, last: str) -> None:
        """Deletes all its files, ``last`` as the last one."""

    def take_in(self, source: Path, path: str) -> None:
        """Makes a local file a recording's; ``source`` is gone afterwards."""

    def free_bytes(self) -> int | None:
        """What is free; None where nobody can tell."""

    def local(self, path: str) -> Path | None:
        """The file to serve straight from a local disk, None where there is none."""


class Folder:
    """Recordings in a folder of a local disk."""

    shared = False

    def __init__(self, root: Path) -> None:
        self._root = root
        self._torn: set[str] = set()

    def write(self, path: str, body: bytes) -> None:
        """Temporary name, fsync, rename, fsync of the folder."""
        with _failing(path):
            target = self._path(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.parent / f"{TEMPORARY}{target.name}-{secrets.token_hex(4)}"
            try:
                _write_synced(temporary, body)
                temporary.replace(target)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            _sync_folder(target.parent)

    def append(self, path: str, body: bytes) -> None:
        with _failing(path):
            target = self._path(path)
            is_new = not target.exists()
            target.parent.mkdir(parents=True, exist_ok=True)
            # After a torn line the next one starts on a line of its own.
            body = b"\n" + body if path in self._torn else body
            self._torn.add(path)
            with target.open("ab") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            self._torn.discard(path)
            if is_new:
                _sync_folder(target.parent)

    def read_log(self, path: str) -> bytes:
        return self.read(path)

    def close_log(self, path: str) -> None:
        self._torn.discard(path)

    def read(self, path: str, start: int = 0, end: int | None = None) -> bytes:
        with _failing(path), self._path(path).open("rb") as file:
            file.seek(start)
            return file.read() if end is None else file.read(end - start)

    def size(self, path: str) -> int:
        with _failing(path):
            return self._path(path).stat().st_size

    def modified(self, path: str) -> float:
        with _failing(path):
            return self._path(path).stat().st_mtime

    def recordings(self) -> list[str]:
        with _failing("recordings"):
            if not self._root.exists():
                return []
            return sorted(entry.name for entry in self._root.iterdir() if entry.is_dir())

    def names(self, recording: str) -> list[str]:
        with _failing(recording):
            return sorted(entry.name for entry in self._path(recording).iterdir())

    def remove(self, path: str) -> None:
        with _failing(path):
            self._path(path).unlink(missing_ok=True)

    def remove_recording(self, recording: str, last: str) -> None:
        for name in self.names(recording):
            if name != last:
                self.remove(f"{recording}/{name}")
        self.remove(f"{recording}/{last}")
        with _failing(recording):
            self._path(recording).rmdir()

    def take_in(self, source: Path, path: str) -> None:
        with _failing(path):
            target = self._path(path)
            descriptor = os.open(source, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            shutil.move(source, target)
            _sync_folder(target.parent)

    def free_bytes(self) -> int | None:
        with _failing("recordings"):
            self._root.mkdir(parents=True, exist_ok=True)
            return shutil.disk_usage(self._root).free

    def local(self, path: str) -> Path | None:
        return self._path(path)

    def _path(self, path: str) -> Path:
        parts = path.split("/")
        if any(part in ("", ".", "..") for part in parts):
            raise StorageFailed(f"{path!r} is not a file of a recording.")
        return self._root.joinpath(*parts)


class Shelf:
    """A storage for the event loop: every call runs in one of a few threads of its own."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self._threads = ThreadPoolExecutor(THREADS, "recording")

    async def do(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs ``work`` in a thread. Cancelled, the thread goes on alone to the call's end."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: work(*args, **kwargs))

    def close(self) -> None:
        """Starts nothing more; does not wait for a call that hangs."""
        self._threads.shutdown(wait=False, cancel_futures=True)


@contextlib.contextmanager
def _failing(what: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NoSuchFile(f"{what} is not there.") from error
    except OSError as error:
        raise StorageFailed(f"{what}: {error.strerror or error}.") from error


def _write_synced(path: Path, body: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    with open(descriptor, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
