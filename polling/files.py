"""Files that are whole or not there, whenever the power goes. Everything here blocks."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def put(path: Path, content: bytes) -> None:
    """Puts ``content`` on disk at ``path``, in place of what was there, in one step."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    sync(path.parent)


def append(path: Path, content: bytes, at: int) -> None:
    """Puts ``content`` on disk at offset ``at`` of ``path``, which is cut there first."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        os.ftruncate(descriptor, at)
        view = memoryview(content)
        while view:
            written = os.pwrite(descriptor, view, at)
            view, at = view[written:], at + written
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def cut(path: Path, length: int) -> None:
    """Cuts ``path`` to ``length`` bytes, where it is longer."""
    try:
        with path.open("r+b") as file:
            if file.seek(0, os.SEEK_END) > length:
                file.truncate(length)
                os.fsync(file.fileno())
    except FileNotFoundError:
        return


def sync(directory: Path) -> None:
    """Puts the names in ``directory`` on disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
