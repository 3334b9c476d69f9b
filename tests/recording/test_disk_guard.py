"""The guard stops below its least, and lets go on only with some room above it."""

from __future__ import annotations

import pytest

from streamd.recording.disk_guard import DiskGuard
from streamd.recording.errors import DiskFull


def test_it_stops_and_resumes_with_a_margin() -> None:
    free = [1_100]
    guard = DiskGuard(1_000, lambda: free[0])
    guard.check()
    guard.check(100)
    with pytest.raises(DiskFull, match="1,100 bytes are free and 1,000 have to stay"):
        guard.check(101)
    free[0] = 1_040
    with pytest.raises(DiskFull):
        guard.check()
    free[0] = 1_050
    guard.check()
    free[0] = 1_000
    guard.check()


def test_zero_or_unknown_is_no_guard() -> None:
    DiskGuard(0, lambda: 0).check(1_000)
    DiskGuard(1_000, lambda: None).check(1_000)
