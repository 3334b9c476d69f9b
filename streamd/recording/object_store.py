"""Recordings in an object store, through obstore: the only importer of it.

``s3://bucket/prefix``; what follows a ``?`` are obstore's settings, ``endpoint`` and ``region``
above all: ``s3://bucket/live?endpoint=https://s3.example&region=eu``. Keys come from the standard
chain (AWS_ACCESS_KEY_ID …, web identity, instance role), never from the URL.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from streamd.errors import ConfigError
from streamd.recording.errors import NoSuchFile, StorageFailed

_SETTINGS = ("endpoint", "region", "virtual_hosted_style_request", "skip_signature")
_CHUNK_BYTES = 32_768
"""A log's object is written anew with each line until it is this long; then the next begins."""

_TYPES = {
    "m4s": "video/iso.segment",
    "mp4": "video/mp4",
    "m3u8": "application/vnd.apple.mpegurl",
    "jpg": "image/jpeg",
    "json": "application/json",
}


def open_store(url: str) -> ObjectStore:
    """The store that the URL names. Raises ConfigError."""
    parts = urlsplit(url)
    settings = dict(parse_qsl(parts.query))
    if parts.scheme != "s3" or not parts.hostname or parts.username or parts.password:
        raise ConfigError(
            '[recording] url: use "s3://bucket/prefix"; keys belong in the environment '
            "(AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)."
        )
    if unknown := set(settings) - set(_SETTINGS):
        raise ConfigError(
            f"[recording] url: unknown setting {sorted(unknown)[0]!r}. "
            f"Known: {', '.join(_SETTINGS)}."
        )
    given: dict[str, Any] = dict(settings)
    plain = given.get("endpoint", "").startswith("http://")
    try:
        store = S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            client_options={"allow_http": plain, "timeout": timedelta(seconds=20)},
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=20)},
            **given,
        )
    except (BaseError, ValueError) as error:
        raise ConfigError(f"[recording] url: {_reason(error)}.") from error
    return ObjectStore(store)


class ObjectStore:
    """Recordings as objects. A log is a row of objects, each written anew while it is short."""

    shared = True

    def __init__(self, store: S3Store) -> None:
        self._store = store
        self._logs: dict[str, tuple[int, bytes]] = {}

    def write(self, path: str, body: bytes) -> None:
        with _failing(path):
            obstore.put(self._store, path, body, attributes={"Content-Type": _type(path)})

    def append(self, path: str, body: bytes) -> None:
        chunk, written = self._logs.get(path, (0, b""))
        self.write(f"{path}-{chunk:05}", written + body)
        whole = len(written) + len(body)
        self._logs[path] = (chunk + 1, b"") if whole > _CHUNK_BYTES else (chunk, written + body)

    def read_log(self, path: str) -> bytes:
        recording, _, name = path.rpartition("/")
        chunks = [one for one in self.names(recording) if one.startswith(f"{name}-")]
        if not chunks:
            raise NoSuchFile(f"{path} is not there.")
        return b"".join(self.read(f"{recording}/{chunk}") for chunk in sorted(chunks))

    def close_log(self, path: str) -> None:
        self._logs.pop(path, None)

    def read(self, path: str, start: int = 0, end: int | None = None) -> bytes:
        if end is not None and end <= start:
            return b""
        with _failing(path):
            options: Any = {}
            if start or end is not None:
                options["range"] = {"offset": start} if end is None else (start, end)
            return bytes(obstore.get(self._store, path, options=options).bytes())

    def size(self, path: str) -> int:
        with _failing(path):
            return obstore.head(self._store, path)["size"]

    def modified(self, path: str) -> float:
        with _failing(path):
            return obstore.head(self._store, path)["last_modified"].timestamp()

    def recordings(self) -> list[str]:
        with _failing("recordings"):
            found = obstore.list_with_delimiter(self._store)["common_prefixes"]
            return sorted(prefix.rstrip("/").rpartition("/")[2] for prefix in found)

    def names(self, recording: str) -> list[str]:
        with _failing(recording):
            found = (
                entry["path"]
                for page in obstore.list(self._store, prefix=recording)
                for entry in page
            )
            return sorted(path.rpartition("/")[2] for path in found)

    def remove(self, path: str) -> None:
        with _failing(path), contextlib.suppress(FileNotFoundError):
            obstore.delete(self._store, path)

    def remove_recording(self, recording: str, last: str) -> None:
        names = [name for name in self.names(recording) if name != last]
        with _failing(recording):
            if names:
                obstore.delete(self._store, [f"{recording}/{name}" for name in names])
        self.remove(f"{recording}/{last}")

    def take_in(self, source: Path, path: str) -> None:
        with _failing(path):
            obstore.put(self._store, path, source, attributes={"Content-Type": _type(path)})
            source.unlink()

    def free_bytes(self) -> int | None:
        return None

    def local(self, path: str) -> Path | None:
        return None


@contextlib.contextmanager
def _failing(path: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NoSuchFile(f"{path} is not there.") from error
    except (BaseError, OSError, ValueError) as error:
        raise StorageFailed(f"{path}: {_reason(error)}.") from error


def _type(path: str) -> str:
    return _TYPES.get(path.rpartition(".")[2], "application/octet-stream")


def _reason(error: Exception) -> str:
    """One line: what follows are the library's internals."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
