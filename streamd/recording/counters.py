"""What the recorders of one process count."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Trouble(StrEnum):
    """Why segments were not kept; the notice's ``reason``."""

    DISK_FULL = "disk_full"
    SLOW_STORAGE = "slow_storage"
    STORAGE_FAILED = "storage_failed"


@dataclass
class Counters:
    """Totals since the start. ``missed`` are segments that were left out, by why."""

    segments: int = 0
    bytes: int = 0
    failures: int = 0
    missed_captions: int = 0
    missed_notes: int = 0
    missed: dict[Trouble, int] = field(default_factory=lambda: dict.fromkeys(Trouble, 0))
