"""A valkey-server of one's own that has every write on disk before it answers, as streamd's has."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from redis import Redis, RedisError

from loadtests.errors import WorkerFailed
from streamd.valkey import binary

START_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Durable:
    """A running server: its socket, which lies in its directory, and its process id."""

    socket: Path
    pid: int


@contextlib.contextmanager
def durable_valkey(**settings: str) -> Iterator[Durable]:
    """Runs one until left; ``settings`` are more of its options, with ``_`` for ``-``."""
    # Not pytest's tmp_path: a unix socket's path has 107 bytes at most.
    with tempfile.TemporaryDirectory(prefix="valkey-") as place:
        socket = Path(place) / "valkey.sock"
        options = {
            "port": "0",
            "unixsocket": str(socket),
            "dir": place,
            "save": "",
            "appendonly": "yes",
            "appendfsync": "always",
            "logfile": str(Path(place) / "valkey.log"),
        } | {name.replace("_", "-"): value for name, value in settings.items()}
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        process = subprocess.Popen([str(binary()), *arguments])
        try:
            _wait_for(socket)
            yield Durable(socket, process.pid)
        finally:
            process.terminate()
            process.wait(START_SECONDS)


def _wait_for(socket: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    with contextlib.closing(Redis(unix_socket_path=str(socket))) as client:
        while True:
            with contextlib.suppress(RedisError):
                client.ping()
                return
            if time.monotonic() > deadline:
                raise WorkerFailed("valkey-server did not start.")
            time.sleep(0.01)
