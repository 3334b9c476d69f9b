"""RTMP within a whole streamd: the settings, the taken port, what `keys add` says."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from loadtests.ports import free_port
from tests.server import ROOT, environment, running


def test_a_taken_port_is_said_and_the_address_is_told(tmp_path: Path) -> None:
    with running(tmp_path, STREAMD_RTMP_ENABLED="false", STREAMD_RTMP_PORT="1") as server:
        shown = subprocess.run(
            [sys.executable, "-m", "streamd", "keys", "add", "alef"],
            env=environment(tmp_path, server.port, server.feed_port, STREAMD_RTMP_PORT="1999"),
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
        ).stdout
        assert "rtmp://localhost:1999/live" in shown
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        failed = subprocess.run(
            [sys.executable, "-m", "streamd", "serve"],
            env=environment(tmp_path, free_port(), free_port(), STREAMD_RTMP_PORT=str(port)),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=ROOT,
        )
    assert failed.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in failed.stderr
    assert "[rtmp]" in failed.stderr
    assert "Traceback" not in failed.stderr
