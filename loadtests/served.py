"""A streamd of its own for a load test: real processes on free ports, a directory of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from loadtests.errors import WorkerFailed
from loadtests.ports import free_port
from streamd.valkey import Valkey

STREAM: Final = "load"
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 20.0

_CONFIG: Final = f"""
[event]
id = "load"
title = {{ en = "Load test" }}

[[event.candidates]]
stream = "{STREAM}"
number = 1
name = {{ en = "Load Test" }}
"""


@dataclass(frozen=True)
class Served:
    """A running streamd: its process, its ports, its directory, its headquarters' key."""

    process: subprocess.Popen[bytes]
    port: int
    feed_port: int
    home: Path
    key: str

    @property
    def url(self) -> str:
        """The pages' base address."""
        return f"http://localhost:{self.port}"

    @property
    def secret(self) -> Path:
        """The file that connect tokens are made with."""
        return self.home / "secrets" / "server.key"

    @property
    def store_pid(self) -> int:
        """The process id of its valkey-server, 0 while there is none."""
        text = (self.home / "valkey" / "lock").read_text().strip()
        return int(text) if text.isdigit() else 0

    @property
    def log_pid(self) -> int:
        """The process of its polls' logs, 0 while there is none of their own."""
        threads = Path(f"/proc/{self.process.pid}/task")
        for pid in (threads / str(self.process.pid) / "children").read_text().split():
            with contextlib.suppress(OSError):
                if b"streamd.poll_log_work" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return int(pid)
        return 0

    def post(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        """What ``path`` answers to a JSON body sent with the key."""
        request = urllib.request.Request(
            self.url + path,
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=START_SECONDS) as response:
            found: dict[str, Any] = json.load(response)
        return found

    def kill_store(self) -> None:
        """``kill -9`` for the valkey-server that this streamd has started."""
        pid = self.store_pid
        parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        if parent != self.process.pid:
            raise WorkerFailed(f"Process {pid} is not a child of this load test's streamd.")
        os.kill(pid, signal.SIGKILL)

    def audit(self, polls: Sequence[str]) -> list[dict[str, Any]]:
        """What ``python -m polling audit`` says of each poll."""
        done = subprocess.run(
            [
                *(sys.executable, "-m", "polling", "audit", "--json"),
                *("--store", str(Valkey(self.home).socket)),
                *("--keys", str(self.home / "poll-keys")),
                *("--ledger", str(self.home / "ledger")),
                *polls,
            ],
            capture_output=True,
            text=True,
            timeout=600,
        )
        if done.returncode == 2:
            raise WorkerFailed(f"The audit could not be made: {done.stderr.strip()}")
        return [json.loads(line) for line in done.stdout.splitlines()]


@contextlib.contextmanager
def streamd(
    home: Path, command: Sequence[str] = ("-m", "streamd", "serve"), **settings: str
) -> Iterator[Served]:
    """Runs ``command`` with ``--config FILE`` on free ports under ``home`` until left.

    ``settings`` are more of its environment, such as ``STREAMD_POLLS_LOG_PROCESS="true"``.
    """
    home.mkdir(parents=True, exist_ok=True)
    written = home / "config.toml"
    written.write_text(_CONFIG, encoding="utf-8")
    port, feed_port = free_port(), free_port()
    log_path = home / "streamd.log"
    environ = _environ(home, port, feed_port) | settings
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *command, "--config", str(written)],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _await_ready(process, port, log_path)
        key = subprocess.run(
            [sys.executable, "-m", "streamd", "keys", "add", "--headquarters"],
            env=environ,
            capture_output=True,
            text=True,
            check=True,
            timeout=START_SECONDS,
        ).stdout.split()[1]
        yield Served(process, port, feed_port, home, key)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _environ(home: Path, port: int, feed_port: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STREAMD_")}
    return kept | {
        "STREAMD_STORE_DIR": str(home),
        "STREAMD_WEB_PORT": str(port),
        "STREAMD_FEEDS_PORT": str(feed_port),
        "STREAMD_WEBRTC_PORT": "0",
        "STREAMD_RTMP_PORT": "0",
        "STREAMD_LOG_LEVEL": "warning",
    }


def _await_ready(process: subprocess.Popen[bytes], port: int, log_path: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _ready(port):
        if process.poll() is not None or time.monotonic() > deadline:
            words = log_path.read_text(encoding="utf-8", errors="replace")[-2_000:]
            raise WorkerFailed(f"streamd did not start. Its last words:\n{words}")
        time.sleep(0.1)


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://localhost:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
