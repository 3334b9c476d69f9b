"""Storages that misbehave on command, around a real one."""

from __future__ import annotations

import threading
from pathlib import Path

from streamd.recording.errors import StorageFailed
from streamd.recording.storage import Folder


class Moody(Folder):
    """A folder that fails while ``broken``, and waits while ``gate`` is closed."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.broken = False
        self.gate = threading.Event()
        self.gate.set()

    def write(self, path: str, body: bytes) -> None:
        self.gate.wait(20)
        self._fail()
        super().write(path, body)

    def append(self, path: str, body: bytes) -> None:
        self._fail()
        super().append(path, body)

    def _fail(self) -> None:
        if self.broken:
            raise StorageFailed("the disk is on fire.")
