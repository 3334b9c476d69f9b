"""Parts: how many low-latency HLS parts a second a core serves, beside nginx with the same bytes.

The parts of a live broadcast, as its own playlist lists them, are asked for again and again over
kept connections (wrk); nginx serves the same bytes from files that its kernel holds in memory. Each
server runs on one core, the clients on the others. Parts a core = requests ÷ CPU seconds used.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urljoin

from loadtests import clip, machine
from loadtests.errors import Unprepared, WorkerFailed
from loadtests.ports import free_port
from loadtests.processes import cpu_seconds, pin, split_cores
from loadtests.report import Goal, Report
from loadtests.served import STREAM, Served, streamd

SCRIPT: Final = Path(__file__).with_name("parts.lua")
LIVE_SECONDS: Final = 12.0
START_SECONDS: Final = 40.0
RATIO: Final = 0.5
_PART: Final = re.compile(r'#EXT-X-PART:[^\n]*URI="([^"]+)"')


@dataclass(frozen=True)
class Plan:
    """How much: kept connections, kbit/s of the broadcast, seconds a run, runs."""

    connections: int = 50
    kbit: float = 600.0
    seconds: float = 5.0
    runs: int = 3


@dataclass(frozen=True)
class Rate:
    """One run: requests a CPU second, requests a second as served, bytes a request."""

    per_core: float
    per_second: float
    size: float


def run(plan: Plan, say: Callable[[str], None]) -> Report:
    """Measures and reports."""
    if shutil.which("wrk") is None or shutil.which("nginx") is None:
        raise Unprepared("The client and the peer are missing: apt-get install wrk nginx-light.")
    report = Report(
        f"parts: low-latency HLS parts of {plan.kbit:g} kbit/s over {plan.connections} "
        f"connections, {plan.runs} runs of {plan.seconds:g} s",
        machine.description(),
    )
    with tempfile.TemporaryDirectory(prefix="lt") as name:
        folder = Path(name)
        source = folder / "clip.mkv"
        clip.write(source, kbit=plan.kbit, fps=30)
        ours, theirs = [], []
        command = ("-m", "loadtests.card_server", str(source))
        with streamd(folder / "streamd", command) as served, _nginx(folder / "nginx") as peer:
            process, port, root = peer
            await_parts(served)
            time.sleep(LIVE_SECONDS)
            for number in range(plan.runs):
                say(f"run {number + 1} of {plan.runs}")
                paths = _copy(served, root)
                listing = folder / "paths"
                listing.write_text("".join(f"{path}\n" for path in paths))
                ours.append(_measure(plan, served.port, served.process.pid, listing))
                theirs.append(_measure(plan, port, process.pid, listing))
    for title, rates in (("streamd", ours), ("nginx", theirs)):
        report.section(title)
        report.add("parts a core and second", [rate.per_core for rate in rates], "parts")
        report.add("as served", [rate.per_second for rate in rates], "parts/s")
        report.add("a part's size", [rate.size / 1000 for rate in rates], "kB")
    report.section("beside each other")
    ratios = [a.per_core / b.per_core for a, b in zip(ours, theirs, strict=True)]
    report.add("streamd ÷ nginx, parts a core", ratios, "×", Goal("≥", RATIO))
    report.notes.append("streamd ingests, packages and relays the broadcast meanwhile.")
    return report


def await_parts(served: Served) -> None:
    """Waits until the broadcast's video playlist lists parts."""
    deadline = time.monotonic() + START_SECONDS
    while not part_paths(served):
        if time.monotonic() > deadline:
            raise WorkerFailed("The playlist lists no parts.")
        time.sleep(0.5)


def part_paths(served: Served) -> list[str]:
    """The paths of the parts that the live video playlist lists; empty where there is none."""
    index = f"{served.url}/hls/{STREAM}/index.m3u8"
    try:
        lines = _get(index).decode().splitlines()
        video = next(line for line in lines if line and not line.startswith("#"))
        playlist = _get(urljoin(index, video)).decode()
    except (urllib.error.HTTPError, StopIteration):
        return []
    base = urljoin(index, video).removeprefix(served.url)
    return [urljoin(base, name) for name in _PART.findall(playlist)]


def _copy(served: Served, root: Path) -> list[str]:
    """Puts what the live playlist lists now under ``root``; gives the newest half's paths."""
    paths = part_paths(served)
    paths = paths[len(paths) // 2 :]
    for path in paths:
        file = root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_get(served.url + path))
    return paths


def _measure(plan: Plan, port: int, pid: int, listing: Path) -> Rate:
    server_cores, cores = split_cores()
    pin(pid, server_cores)
    command = ["wrk", "-t1", f"-c{plan.connections}", f"-d{round(plan.seconds)}s"]
    before = cpu_seconds(pid)
    done = subprocess.run(
        [*command, "-s", str(SCRIPT), f"http://127.0.0.1:{port}"],
        env=os.environ | {"LOADTEST_PATHS": str(listing)},
        capture_output=True,
        text=True,
        timeout=plan.seconds + START_SECONDS,
        preexec_fn=lambda: os.sched_setaffinity(0, cores) if cores else None,
    )
    cpu = cpu_seconds(pid) - before
    if done.returncode:
        raise WorkerFailed(f"wrk failed: {done.stderr.strip() or done.stdout.strip()}")
    told = json.loads(done.stdout.strip().splitlines()[-1])
    if told["failed"] or not told["requests"]:
        raise WorkerFailed(f"{told['failed']} of {told['requests']} requests failed.")
    requests = told["requests"]
    return Rate(requests / cpu, requests / told["microseconds"] * 1e6, told["bytes"] / requests)


@contextlib.contextmanager
def _nginx(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int, Path]]:
    """nginx as one process on one port, as its authors advise for static files."""
    root = folder / "root"
    root.mkdir(parents=True)
    port = free_port()
    (folder / "nginx.conf").write_text(
        f"""
daemon off; master_process off; worker_processes 1;
pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
  open_file_cache max=1000 inactive=60s; open_file_cache_valid 60s;
  types {{ video/mp4 m4s mp4; }}
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""
    )
    folder.chmod(0o755)
    process = subprocess.Popen(
        ["nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")],
        stdin=subprocess.DEVNULL,
    )
    try:
        yield process, port, root
    finally:
        process.terminate()
        process.wait(10)


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=START_SECONDS) as response:
        body: bytes = response.read()
    return body
