"""Viewers: how many WebSocket viewers of one broadcast a core carries.

The real relay, packager and gateway in a process of their own; viewers are one C program that takes
every part and decodes nothing. Viewers a core = viewers ÷ the share of a core that the server used,
its packager included.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgpack

from loadtests import machine, native
from loadtests.fanout import START_SECONDS, await_subscribers, count, listeners, send_loop
from loadtests.processes import Worker, split_cores
from loadtests.report import Goal, Report
from loadtests.viewers_server import CHANNEL

PROTOCOL: Final = "streamd.msgpack"
MESSAGES: Final[list[bytes]] = [
    msgpack.packb({"id": 1, "connect": {}}),
    msgpack.packb({"id": 2, "subscribe": {"channel": CHANNEL}}),
]
PART_GOALS: Final = {0: 4_000, 100: 9_000}
"""Viewers a core to reach, by the length of a part in ms; 0: one picture a part."""


@dataclass(frozen=True)
class Plan:
    """How much: viewers, kbit/s and pictures a second of the broadcast, seconds a run, runs."""

    viewers: int = 1_000
    kbit: float = 600.0
    fps: int = 30
    seconds: float = 6.0
    runs: int = 3


@dataclass(frozen=True)
class Cost:
    """One run: viewers a core, CPU microseconds a part, the share of all parts that arrived, parts
    a second."""

    per_core: float
    microseconds: float
    arrived: float
    rate: float


def run(plan: Plan, say: Callable[[str], None]) -> Report:
    """Measures and reports."""
    report = Report(
        f"viewers: {plan.viewers:,} WebSocket viewers of {plan.kbit:g} kbit/s at {plan.fps} "
        f"pictures/s, {plan.runs} runs of {plan.seconds:g} s",
        machine.description(),
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        programs = {one: native.build(one, folder) for one in ("listener", "send_loop")}
        for part_ms, goal in PART_GOALS.items():
            costs, peers = [], []
            for number in range(plan.runs):
                say(f"parts of {part_ms} ms: run {number + 1} of {plan.runs}")
                cost = _measure(plan, part_ms, programs["listener"])
                costs.append(cost)
                peers.append(_measure_peer(plan, cost.rate, programs, folder))
            parts = f"parts of {part_ms} ms" if part_ms else "one picture a part"
            report.section(parts)
            cores = [cost.per_core for cost in costs]
            report.add("viewers a core", cores, "viewers", Goal("≥", goal))
            report.add("a part to a viewer", [cost.microseconds for cost in costs], "µs CPU")
            report.add("C send(), as many bytes", peers, "µs CPU")
            ratios = [cost.microseconds / peer for cost, peer in zip(costs, peers, strict=True)]
            report.add("streamd ÷ C send()", ratios, "×")
            least = min(cost.arrived for cost in costs)
            if least < 0.98:
                report.notes.append(f"{parts}: as few as {least:.1%} of the parts arrived.")
    report.notes.append("Video alone; pictures are not decoded. The packager's work is in it.")
    report.notes.append(
        "C send(): messages of a part's mean size, as many a second, to as many connections by one "
        "send() each, measured in turn; it packages nothing."
    )
    return report


def _measure(plan: Plan, part_ms: int, program: Path) -> Cost:
    server_cores, cores = split_cores()
    command = [sys.executable, "-m", "loadtests.viewers_server", str(part_ms)]
    with Worker(command, cores=server_cores) as server:
        port = json.loads(server.read(START_SECONDS))["port"]
        start = {"do": "start", "kbit": plan.kbit, "fps": plan.fps}
        server.ask(json.dumps(start), START_SECONDS)
        with listeners(program, port, plan.viewers, MESSAGES, PROTOCOL, cores=cores) as listener:
            await_subscribers(server, plan.viewers)
            server.ask('{"do": "measure", "seconds": 1}', START_SECONDS)
            before = count(listener)
            order = json.dumps({"do": "measure", "seconds": plan.seconds})
            used = json.loads(server.ask(order, plan.seconds + START_SECONDS))
            arrived = count(listener) - before
    deliveries = used["parts"] * plan.viewers
    return Cost(
        plan.viewers * used["wall"] / used["cpu"],
        used["cpu"] * 1e6 / deliveries,
        arrived / deliveries,
        used["parts"] / used["wall"],
    )


def _measure_peer(plan: Plan, rate: float, programs: dict[str, Path], folder: Path) -> float:
    size = round(plan.kbit * 1000 / 8 / rate)
    return send_loop(programs, folder, plan.viewers, rate, size, plan.seconds).microseconds
