"""A streamd of its own for a test: a real process on free ports over a real store."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from loadtests.ports import free_port
from streamd import config
from streamd.keys import StreamKeys
from streamd.store import Store

ROOT = Path(__file__).parent.parent
START_SECONDS = 40
STOP_SECONDS = 20


@dataclass
class Server:
    """A running streamd process and where it listens."""

    process: subprocess.Popen[bytes]
    port: int
    feed_port: int
    home: Path
    log_path: Path

    @property
    def url(self) -> str:
        """The pages' base address."""
        return f"http://localhost:{self.port}"

    @property
    def feed_url(self) -> str:
        """The gateway's address."""
        return f"ws://localhost:{self.feed_port}/connection/websocket"

    def log(self) -> str:
        """All it has printed so far."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def ready(self) -> bool:
        """Whether /readyz answers 200."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def new_key(self, stream: str | None = None, *options: str) -> str:
        """A key on the running store, as ``streamd keys add`` makes it (tests/test_keys.py has
        that command); in a thread, since Playwright's blocking interface holds this one's loop."""

        async def add() -> str:
            async with Store.borrowed(config.Store(dir=str(self.home))) as client:
                keys = StreamKeys(lambda: client)
                return (await keys.add(stream, captions="--captions" in options))[0]

        with ThreadPoolExecutor(1) as apart:
            return apart.submit(asyncio.run, add()).result()

    def stop(self) -> int:
        """SIGTERM, then the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


def environment(home: Path, port: int, feed_port: int, **settings: str) -> dict[str, str]:
    """The environment of a streamd on these ports and this directory."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("STREAMD_")},
        "STREAMD_STORE_DIR": str(home),
        "STREAMD_WEB_PORT": str(port),
        "STREAMD_FEEDS_PORT": str(feed_port),
        "STREAMD_WEBRTC_PORT": "0",
        "STREAMD_RTMP_PORT": "0",
        # A proof of work all the same, but one that costs a page nothing to speak of.
        "STREAMD_IDENTITY_POW_COST": "20",
        "PYTHONUNBUFFERED": "1",
        **settings,
    }


@contextlib.contextmanager
def running(
    home: Path,
    command: str = "serve",
    *arguments: str,
    module: str = "streamd",
    **settings: str,
) -> Iterator[Server]:
    """Starts ``python -m streamd command``, waits until it is ready, stops it at the end."""
    port, feed_port = free_port(), free_port()
    home.mkdir(parents=True, exist_ok=True)
    log_path = home / "streamd.log"
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module, command, *arguments],
            env=environment(home, port, feed_port, **settings),
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    server = Server(process, port, feed_port, home, log_path)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not server.ready():
            assert process.poll() is None, f"streamd ended at its start:\n{server.log()}"
            assert time.monotonic() < deadline, f"streamd is not ready:\n{server.log()}"
            time.sleep(0.1)
        yield server
    finally:
        if process.poll() is None:
            server.stop()
