"""Whether there is room to go on recording. Pure: the free space is asked from a function."""

from __future__ import annotations

from collections.abc import Callable

from streamd.recording.errors import DiskFull

MARGIN = 1.05
"""Once stopped, recording goes on only above this times the least: no flapping at the edge."""


class DiskGuard:
    """Keeps ``least`` bytes free. ``free`` gives the free bytes, None where nobody can tell."""

    def __init__(self, least: int, free: Callable[[], int | None]) -> None:
        self._least = least
        self._free = free
        self._stopped = False

    def check(self, wanted: int = 0) -> None:
        """Raises DiskFull where ``wanted`` more bytes would leave less than the least."""
        free = self._free()
        if self._least == 0 or free is None:
            return
        floor = int(self._least * MARGIN) if self._stopped else self._least
        self._stopped = free - wanted < floor
        if self._stopped:
            raise DiskFull(free, self._least)
