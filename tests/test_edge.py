"""Two processes, one broadcast: an edge answers every HLS request with the relaying one's bytes."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from loadtests.ports import free_port
from tests.server import ROOT, Server, environment, running

PATIENCE_SECONDS = 60.0


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.05)
    return found


def got(port: int, path: str) -> tuple[int, bytes, str]:
    """Status, body and Cache-Control."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
            return answer.status, answer.read(), answer.headers["Cache-Control"]
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers["Cache-Control"]


@contextmanager
def edge(home: Path, socket: Path) -> Iterator[int]:
    """``streamd edge`` on a port of its own."""
    port = free_port()
    home.mkdir(exist_ok=True)
    with (home / "edge.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamd", "edge", str(socket), "--port", str(port)],
            env=environment(home, port, free_port()),
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
        )

    def ready() -> bool:
        assert process.poll() is None, (home / "edge.log").read_text()
        try:
            return got(port, "/healthz")[0] == 200
        except OSError:
            return False

    try:
        wait_for(ready, "an edge")
        yield port
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert "Traceback" not in (home / "edge.log").read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def socket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("e") / "hls.sock"


@pytest.fixture(scope="module")
def origin(socket: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("origin")
    settings = {"STREAMD_RELAY_HANDOVER": str(socket)}
    with running(home, "none", module="tests.card_server", **settings) as server:
        wait_for(lambda: segments(server.port, "v") > 1, "a window")
        yield server


def segments(port: int, kind: str) -> int:
    return got(port, f"/hls/card/{kind}.m3u8")[1].count(b"#EXTINF")


def is_ready(port: int) -> bool:
    return got(port, "/readyz")[0] == 200


def same(origin: Server, port: int, path: str) -> bytes:
    one, other = got(origin.port, path), got(port, path)
    assert one == other, path
    assert one[0] == 200, path
    return one[1]


def test_an_edge_that_starts_late_answers_with_the_same_bytes(
    origin: Server, socket: Path, tmp_path: Path
) -> None:
    with edge(tmp_path / "one", socket) as port, edge(tmp_path / "two", socket) as another:
        for one in (port, another):
            wait_for(partial(is_ready, one), "a window taken over")
        same(origin, port, "/hls/card/index.m3u8")
        for kind in ("v", "a"):
            listed = got(origin.port, f"/hls/card/{kind}.m3u8")[1].decode()
            first = int(re.findall(r"#EXT-X-MEDIA-SEQUENCE:(\d+)", listed)[0])
            msn = first + listed.count("#EXTINF") + 1
            # A blocking reload, asked of all three while it is still to come: a place, one answer.
            place = f"/hls/card/{kind}.m3u8?_HLS_msn={msn}&_HLS_part=0"
            answers = {same(origin, one, place) for one in (port, another)}
            text = answers.pop().decode()
            assert not answers
            same(origin, port, place + "&_HLS_skip=YES")
            names = set(re.findall(r'URI="([^"]+\.(?:m4s|mp4))"', text.split("PRELOAD")[0]))
            names |= set(re.findall(r"(?m)^[^#\n]+\.m4s$", text))
            assert len(names) > 5
            for name in names:
                for one in (port, another):
                    same(origin, one, f"/hls/card/{name}")
        for path, status in (
            ("/hls/nobody/v.m3u8", 404),
            ("/hls/card/no.m4s", 404),
            ("/watch/card", 404),
            (f"/hls/card/v.m3u8?_HLS_msn={msn + 999}", 400),
        ):
            assert got(port, path)[0] == status, path


def test_an_edge_outlives_the_line_and_takes_over_anew(socket: Path, tmp_path: Path) -> None:
    line = tmp_path / "o.sock"
    settings = {"STREAMD_RELAY_HANDOVER": str(line)}
    with edge(tmp_path / "edge", line) as port:
        assert got(port, "/readyz")[0] == 503
        with running(tmp_path / "a", "none", module="tests.card_server", **settings) as first:
            wait_for(lambda: segments(port, "v") > 0, "a window at the edge")
            first.process.kill()
            first.process.wait()
        wait_for(lambda: got(port, "/readyz")[0] == 503, "word of the broken line")
        kept = got(port, "/hls/card/v.m3u8")
        assert kept[0] == 200
        # The socket's file was left behind by the kill.
        with running(tmp_path / "b", "none", module="tests.card_server", **settings) as second:
            wait_for(lambda: got(port, "/readyz")[0] == 200, "the line again")
            wait_for(lambda: segments(second.port, "v") > 0, "the next window")
            place = got(second.port, "/hls/card/a-0.mp4")
            assert got(port, "/hls/card/a-0.mp4") == place
