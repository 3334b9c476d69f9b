"""WHEP beside Janus: how many WebRTC viewers of one broadcast a core carries.

Both servers run on one core and send the same ten-second clip, looped, to the same viewers, who sit
in a network namespace behind a veth pair (``webrtc_viewers``). CPU time is the server process's
own, all of it: ingest, packaging and relaying, and the kernel's work for its sends. Viewers a core
= viewers ÷ the share of a core that the server used. streamd takes the clip in its own process;
Janus gets it as RTP from another one, which is not counted.

A figure counts only if the viewers got what was broadcast: what arrived has a goal of its own. What
a server costs without viewers is measured too, before they join, and how much of its time is the
kernel's, so that the report can say what bounds it.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from loadtests import clip, machine
from loadtests.errors import WorkerFailed
from loadtests.janus import Janus, janus
from loadtests.namespace import Namespace, namespace
from loadtests.ports import free_port
from loadtests.processes import Worker, cpu_seconds, pin, split_cores
from loadtests.report import Goal, Report
from loadtests.served import STREAM, Served, streamd

CONNECT_SECONDS: Final = 60.0
SETTLE_SECONDS: Final = 3.0
IDLE_SECONDS: Final = 3.0
RATIO: Final = 1.5
ARRIVED: Final = 0.95
"""Of the broadcast, at each viewer: a server that leaves packets out is not cheap."""
_TICK: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Plan:
    """How much: viewers, kbit/s and pictures a second of the clip, seconds a run, runs."""

    viewers: int = 300
    kbit: float = 600.0
    fps: int = 30
    seconds: float = 8.0
    runs: int = 3
    peer: bool = True


@dataclass(frozen=True)
class Cost:
    """One run: viewers a core, CPU µs a packet, packets and kbit/s a viewer and second.

    ``core``: the share of a core that the server used, ``kernel`` that of it in the kernel,
    ``generator`` what the viewers' own process used of another core.
    """

    per_core: float
    microseconds: float
    packets: float
    kbit: float
    core: float
    kernel: float
    generator: float


@dataclass(frozen=True)
class Measured:
    """One server: the share of a core that it used without viewers, and the runs with them."""

    idle: float
    costs: list[Cost]

    @property
    def per_core(self) -> float:
        """Viewers a core, the runs' median."""
        return statistics.median(cost.per_core for cost in self.costs)

    def bound(self, name: str, viewers: int) -> str:
        """A sentence on what a viewer's second goes into."""
        core, kernel = (
            statistics.median(values)
            for values in zip(*((one.core, one.kernel) for one in self.costs), strict=True)
        )
        spent, standing = core / viewers * 1e6, min(self.idle / core, 1.0)
        return (
            f"{name} is bound by CPU time: {spent:,.0f} µs a viewer and second, {kernel:.0%} of it "
            f"in the kernel (sending), {standing:.0%} what the broadcast costs without viewers, "
            "the rest its own code and the encryption."
        )


class Server(Protocol):
    """What is measured: a process that viewers can join."""

    pid: int
    """The process whose CPU time counts."""

    def join(self, viewers: Worker) -> None:
        """Lets one more viewer in."""


class WhepServer:
    """streamd, by WHEP."""

    def __init__(self, served: Served) -> None:
        self._url = f"{served.url}/whep/{STREAM}"
        self.pid = served.process.pid

    def join(self, viewers: Worker) -> None:
        """See Server."""
        offer = _ask(viewers, {"do": "offer"})
        request = urllib.request.Request(
            self._url, data=offer["sdp"].encode(), headers={"Content-Type": "application/sdp"}
        )
        try:
            with urllib.request.urlopen(request, timeout=CONNECT_SECONDS) as response:
                sdp = response.read().decode()
        except urllib.error.HTTPError as error:
            raise WorkerFailed(f"WHEP answered {error.code}: {error.read().decode()}") from error
        _ask(viewers, {"do": "accept", "id": offer["id"], "sdp": sdp})


class JanusServer:
    """Janus, by its own API."""

    def __init__(self, running: Janus) -> None:
        self._janus = running
        self.pid = running.process.pid

    def join(self, viewers: Worker) -> None:
        """See Server."""
        handle, offer = self._janus.watch()
        answer = _ask(viewers, {"do": "answer", "sdp": offer})
        self._janus.start(handle, str(answer["sdp"]))


def run(plan: Plan, say: Callable[[str], None]) -> Report:
    """Measures and reports."""
    report = Report(
        f"whep: {plan.viewers} WebRTC viewers of {plan.kbit:g} kbit/s at {plan.fps} pictures/s, "
        f"{plan.runs} runs of {plan.seconds:g} s",
        machine.description(),
    )
    with tempfile.TemporaryDirectory(prefix="lt") as name, namespace() as space:
        source = Path(name) / "clip.mkv"
        clip.write(source, kbit=plan.kbit, fps=plan.fps)
        with _whep(Path(name) / "streamd", source) as server:
            ours = _measure(plan, server, space, "streamd", say)
        _add(report, "streamd, WHEP", ours, plan)
        report.notes.append(ours.bound("streamd", plan.viewers))
        if plan.peer:
            with _janus(Path(name) / "janus", source, space) as server:
                theirs = _measure(plan, server, space, "Janus", say)
            _add(report, "Janus, streaming plugin", theirs, plan)
            report.section("beside each other")
            ratio = ours.per_core / theirs.per_core
            report.add("streamd ÷ Janus, viewers a core", [ratio], "×", Goal("≥", RATIO))
            report.notes.append(theirs.bound("Janus", plan.viewers))
    report.notes.append("Viewers answer checks and send reports; they do not decrypt or decode.")
    return report


@contextlib.contextmanager
def _whep(home: Path, source: Path) -> Iterator[Server]:
    command = ("-m", "loadtests.card_server", str(source))
    with streamd(home, command) as served:
        yield WhepServer(served)


@contextlib.contextmanager
def _janus(folder: Path, source: Path, space: Namespace) -> Iterator[Server]:
    folder.mkdir()
    video, audio = free_port(), free_port()
    with janus(folder, space.host, video, audio) as running:
        feeder = [sys.executable, "-m", "loadtests.rtp_feeder", str(source), str(video), str(audio)]
        with Worker(feeder, cores=split_cores()[1]):
            yield JanusServer(running)


def _measure(
    plan: Plan, server: Server, space: Namespace, name: str, say: Callable[[str], None]
) -> Measured:
    server_cores, cores = split_cores()
    time.sleep(SETTLE_SECONDS)
    idle = _idle(server)
    command = space.inside([sys.executable, "-m", "loadtests.webrtc_viewers"])
    with Worker(command, cores=cores) as viewers:
        say(f"{name}: {plan.viewers} viewers join")
        for _ in range(plan.viewers):
            server.join(viewers)
        _await_all(plan.viewers, viewers)
        pin(server.pid, server_cores)
        time.sleep(SETTLE_SECONDS)
        costs = []
        for number in range(plan.runs):
            say(f"{name}: run {number + 1} of {plan.runs}")
            costs.append(_run(plan, server, viewers))
        return Measured(idle, costs)


def _idle(server: Server) -> float:
    """The share of a core that the server uses without viewers."""
    cpu, started = cpu_seconds(server.pid), time.monotonic()
    time.sleep(IDLE_SECONDS)
    return (cpu_seconds(server.pid) - cpu) / (time.monotonic() - started)


def _kernel_share(before: tuple[int, int], after: tuple[int, int]) -> float:
    user, kernel = (new - old for old, new in zip(before, after, strict=True))
    return kernel / max(1, user + kernel)


def _ticks(pid: int) -> tuple[int, int]:
    """CPU time outside and inside the kernel, in ticks (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]), int(fields[12])


def _run(plan: Plan, server: Server, viewers: Worker) -> Cost:
    before, ticks = _ask(viewers, {"do": "count"}), _ticks(server.pid)
    cpu, busy, started = cpu_seconds(server.pid), cpu_seconds(viewers.pid), time.monotonic()
    time.sleep(plan.seconds)
    cpu, busy = cpu_seconds(server.pid) - cpu, cpu_seconds(viewers.pid) - busy
    wall = time.monotonic() - started
    kernel = _kernel_share(ticks, _ticks(server.pid))
    after = _ask(viewers, {"do": "count"})
    packets = after["packets"] - before["packets"]
    if after["connected"] < plan.viewers or not packets:
        raise WorkerFailed(
            f"{plan.viewers - after['connected']} viewers were lost, {packets} packets came."
        )
    seconds = wall * plan.viewers
    return Cost(
        plan.viewers * wall / cpu,
        cpu * 1e6 / packets,
        packets / seconds,
        (after["bytes"] - before["bytes"]) * 8 / 1000 / seconds,
        cpu / wall,
        kernel,
        busy / wall,
    )


def _await_all(count: int, viewers: Worker) -> None:
    deadline = time.monotonic() + CONNECT_SECONDS
    while True:
        now = _ask(viewers, {"do": "count"})
        if now["connected"] == count and not now["silent"]:
            return
        if time.monotonic() > deadline:
            raise WorkerFailed(
                f"{now['connected']} of {count} viewers connected, {now['silent']} hear nothing."
            )
        time.sleep(0.5)


def _add(report: Report, name: str, measured: Measured, plan: Plan) -> None:
    costs = measured.costs
    report.section(name)
    report.add("viewers a core", [cost.per_core for cost in costs], "viewers")
    report.add("a packet to a viewer", [cost.microseconds for cost in costs], "µs CPU")
    report.add("packets a second and viewer", [cost.packets for cost in costs], "packets")
    whole = Goal("≥", ARRIVED * plan.kbit)
    report.add("arrived at a viewer", [cost.kbit for cost in costs], "kbit/s", whole)
    report.add("used of a core", [100 * cost.core for cost in costs], "%")
    report.add("used of a core, without viewers", [100 * measured.idle], "%")
    generator = [100 * cost.generator for cost in costs]
    report.add("used by the viewers' process", generator, "% of another core")


def _ask(viewers: Worker, command: dict[str, object]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(viewers.ask(json.dumps(command), CONNECT_SECONDS))
    return answer
