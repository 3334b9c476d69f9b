"""Where recordings lie: a folder. Blocking, for threads; ``Shelf`` is how the loop uses it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
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

LENDING_THREADS = 8
MOST_LENT = 256
"""What visitors wait for at a time; more are refused until there is room."""


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
            self._make_folder(target.parent)
            with _arriving(target) as temporary:
                _write_synced(temporary, body)

    def append(self, path: str, body: bytes) -> None:
        with _failing(path):
            target = self._path(path)
            is_new = not target.exists()
            self._make_folder(target.parent)
            # After a torn line the next one starts on a line of its own.
            body = b"\n" + body if path in self._torn else body
            self._torn.add(path)
            with target.open("ab") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            self._torn.discard(path)
            if is_new:
                _sync(target.parent)

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
            with _arriving(self._path(path)) as temporary:
                try:
                    source.rename(temporary)
                except OSError as error:
                    if error.errno != errno.EXDEV:
                        raise
                    shutil.copyfile(source, temporary)
                _sync(temporary)
            source.unlink(missing_ok=True)

    def free_bytes(self) -> int | None:
        with _failing("recordings"):
            self._root.mkdir(parents=True, exist_ok=True)
            return shutil.disk_usage(self._root).free

    def local(self, path: str) -> Path | None:
        return self._path(path)

    def _make_folder(self, folder: Path) -> None:
        """A new folder's name is on the disk too, before anything counts on what is in it."""
        if not folder.exists():
            folder.mkdir(parents=True, exist_ok=True)
            _sync(self._root)
            _sync(self._root.parent)

    def _path(self, path: str) -> Path:
        parts = path.split("/")
        if any(part in ("", ".", "..") for part in parts):
            raise StorageFailed(f"{path!r} is not a file of a recording.")
        return self._root.joinpath(*parts)


class Shelf:
    """A storage for the event loop: every call runs in one of a few threads of its own.

    What visitors read has threads apart: no crowd of them keeps a segment from being written.
    """

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self._threads = ThreadPoolExecutor(THREADS, "recording")
        self._lending_threads = ThreadPoolExecutor(LENDING_THREADS, "recording-lending")
        self._lent = 0

    async def do(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs ``work`` in a thread. Cancelled, the thread goes on alone to the call's end."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: work(*args, **kwargs))

    async def lend(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As ``do``, for a visitor. Raises StorageFailed where MOST_LENT wait already."""
        if self._lent >= MOST_LENT:
            raise StorageFailed("Too many files are being read at the moment.")
        self._lent += 1
        loop = asyncio.get_running_loop()
        going = loop.run_in_executor(self._lending_threads, lambda: work(*args, **kwargs))
        going.add_done_callback(self._give_back)
        return await going

    def close(self) -> None:
        """Starts nothing more; does not wait for a call that hangs."""
        for threads in (self._threads, self._lending_threads):
            threads.shutdown(wait=False, cancel_futures=True)

    def _give_back(self, _: asyncio.Future[T]) -> None:
        self._lent -= 1


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


@contextlib.contextmanager
def _arriving(target: Path) -> Iterator[Path]:
    """A name beside ``target`` for what is to stand there: whole, or not at all."""
    temporary = target.parent / f"{TEMPORARY}{target.name}-{secrets.token_hex(4)}"
    try:
        yield temporary
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
