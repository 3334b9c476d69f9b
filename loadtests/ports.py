"""Ports for servers that must be told their port before they start."""

from __future__ import annotations

import itertools
import os
import socket
from pathlib import Path
from typing import Final

_RANGE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST: Final = 10_000
_turn = itertools.count()


def free_port() -> int:
    """A port of the loopback address that was free a moment ago, for TCP and for UDP.

    It lies below the range from which the system gives ports to outgoing connections: one from
    there may be another process's by the time the server binds it. Processes start looking at
    different places, and no process is given the same port twice in a row. Workers of one
    pytest-xdist run, and what they start, each look in a range of their own.
    """
    lowest, count = _own_range(max(_first_ephemeral(), 2 * _LOWEST) - 1 - _LOWEST)
    start = os.getpid() * 97
    for _ in range(count):
        port = lowest + (start + next(_turn)) % count
        if _is_free(port):
            return port
    raise OSError(f"No port between {lowest} and {lowest + count - 1} is free.")


def _own_range(count: int) -> tuple[int, int]:
    """The first port and the number of ports of this process, of ``count`` from the lowest on."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    place = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    share = count // workers
    return _LOWEST + place % workers * share, share


def _first_ephemeral() -> int:
    try:
        return int(_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 32_768


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
