"""Fan-out: CPU time of the server for one delivery, beside a C loop that only calls ``send()``.

The server runs the real gateway and hub in a process of its own, on a core of its own where there
are two; subscribers are one C program on the other cores. Publications are whole-state tallies.
CPU per delivery = CPU time of the server process while it publishes ÷ messages that subscribers
counted. The peer sends the same number of bytes to the same number of the same subscribers.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests import machine, native
from loadtests.errors import WorkerFailed
from loadtests.processes import Worker, resident_bytes, split_cores
from loadtests.report import Goal, Report
from streamd.feeds.frames import Opcode, frame

CONNECT: bytes = b'{"id":1,"connect":{}}'
SUBSCRIBE: bytes = b'{"id":2,"subscribe":{"channel":"poll:load"}}'
START_SECONDS = 60.0
WARM_CONNECTIONS = 200
IDLE_SECONDS = 10.0
PING_SECONDS = 25
_IDLE_PING_SECONDS = 5


@dataclass(frozen=True)
class Plan:
    """How much: subscribers, publications a second, bytes a publication, seconds a run, runs."""

    subscribers: int = 1_000
    rate: float = 50.0
    size: int = 300
    seconds: float = 4.0
    runs: int = 5
    broadcast: bool = True
    idle: bool = True


@dataclass(frozen=True)
class Cost:
    """One run: CPU microseconds a delivery, deliveries, how many of all publications arrived."""

    microseconds: float
    deliveries: int
    arrived: float


def run(plan: Plan, say: Callable[[str], None]) -> Report:
    """Measures and reports."""
    report = Report(
        f"fanout: {plan.subscribers:,} subscribers × {plan.rate:g} publications/s × "
        f"{plan.size} bytes, {plan.runs} runs of {plan.seconds:g} s",
        machine.description(),
    )
    kinds = ["streamd", "send", *(["broadcast"] if plan.broadcast else [])]
    costs: dict[str, list[Cost]] = {kind: [] for kind in kinds}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        programs = {one: native.build(one, folder) for one in ("listener", "send_loop")}
        for number in range(plan.runs):
            for kind in kinds:
                say(f"run {number + 1} of {plan.runs}: {kind}")
                costs[kind].append(_measure(kind, plan, programs, folder))
        _add_costs(report, costs)
        if plan.idle:
            say("idle connections")
            _add_idle(report, plan, programs["listener"])
    report.notes.append(
        "µs/delivery = CPU time of the server process, all threads, while it publishes ÷ messages "
        "counted by the subscribers' process."
    )
    report.notes.append(
        "C send(): the same bytes to the same subscribers by one send() each, measured in turn "
        "with streamd; ratios are formed run by run."
    )
    return report


def _measure(kind: str, plan: Plan, programs: dict[str, Path], folder: Path) -> Cost:
    if kind == "send":
        return send_loop(programs, folder, plan.subscribers, plan.rate, plan.size, plan.seconds)
    with _server(kind) as (server, port):
        own = [] if kind == "broadcast" else [CONNECT, SUBSCRIBE]
        with listeners(
            programs["listener"], port, plan.subscribers, own, cores=split_cores()[1]
        ) as listener:
            await_subscribers(server, plan.subscribers)
            order = {"do": "publish", "rate": plan.rate, "bytes": plan.size}
            server.ask(json.dumps(order | {"seconds": 0.5}), START_SECONDS)
            before = count(listener)
            done = json.loads(
                server.ask(
                    json.dumps(order | {"seconds": plan.seconds}), plan.seconds * 5 + START_SECONDS
                )
            )
            arrived = settled(listener) - before
    return _cost(done["cpu"], arrived, done["published"] * plan.subscribers)


def send_loop(
    programs: dict[str, Path],
    folder: Path,
    subscribers: int,
    rate: float,
    size: int,
    seconds: float,
) -> Cost:
    """The peer: one C send() a subscriber and message of ``size`` bytes, ``rate`` a second."""
    message = folder / "message"
    message.write_bytes(frame(Opcode.BINARY, b"x" * size))
    server_cores, cores = split_cores()
    command = [str(programs["send_loop"]), str(subscribers), str(rate), str(seconds), str(message)]
    with Worker(command, cores=server_cores) as server:
        port = int(server.read(START_SECONDS))
        with listeners(programs["listener"], port, subscribers, [], "raw", cores=cores) as listener:
            time.sleep(0.5)
            answer = server.ask("go", seconds * 5 + START_SECONDS).split()
            cpu, sent, lost = (int(word) for word in answer[:3])
            arrived = settled(listener)
    return _cost(cpu / 1e9, arrived, sent + lost)


def _cost(cpu: float, arrived: int, published: int) -> Cost:
    if not arrived:
        raise WorkerFailed("No subscriber received anything.")
    return Cost(cpu * 1e6 / arrived, arrived, arrived / published)


def _add_costs(report: Report, costs: dict[str, list[Cost]]) -> None:
    ours = [cost.microseconds for cost in costs["streamd"]]
    send = [cost.microseconds for cost in costs["send"]]
    report.add("streamd", ours, "µs CPU/delivery")
    report.add("C send() loop", send, "µs CPU/delivery")
    ratios = [mine / peer for mine, peer in zip(ours, send, strict=True)]
    report.add("streamd ÷ C send()", ratios, "×", Goal("≤", 1.5))
    if "broadcast" in costs:
        peer = [cost.microseconds for cost in costs["broadcast"]]
        report.add("websockets.broadcast()", peer, "µs CPU/delivery")
        ratios = [mine / other for mine, other in zip(ours, peer, strict=True)]
        report.add("streamd ÷ broadcast()", ratios, "×", Goal("≤", 0.65))
    for kind in costs:
        least = min(cost.arrived for cost in costs[kind])
        if least < 0.999:
            report.notes.append(f"{kind}: as few as {least:.1%} arrived in one run (conflation).")


def _add_idle(report: Report, plan: Plan, program: Path) -> None:
    """Memory and CPU time of connections that are subscribed and get nothing but pings."""
    own = [CONNECT, SUBSCRIBE]
    with (
        _server("streamd", _IDLE_PING_SECONDS) as (server, port),
        listeners(program, port, WARM_CONNECTIONS, own),
    ):
        await_subscribers(server, WARM_CONNECTIONS)
        time.sleep(1)
        before = resident_bytes(server.pid)
        with listeners(program, port, plan.subscribers, own):
            everybody = plan.subscribers + WARM_CONNECTIONS
            await_subscribers(server, everybody)
            time.sleep(1)
            grown = resident_bytes(server.pid) - before
            cpu = json.loads(server.ask('{"do": "cpu"}', START_SECONDS))["cpu"]
            time.sleep(IDLE_SECONDS)
            cpu = json.loads(server.ask('{"do": "cpu"}', START_SECONDS))["cpu"] - cpu
    report.add("idle connection", [grown / plan.subscribers], "bytes resident", Goal("≤", 16_000))
    per_second = cpu * 1e6 / IDLE_SECONDS / everybody
    scaled = per_second * _IDLE_PING_SECONDS / PING_SECONDS
    report.add("idle connection", [scaled], "µs CPU/s", Goal("≤", 1.0))
    report.notes.append(
        f"Idle CPU is measured with a ping every {_IDLE_PING_SECONDS} s and scaled to the default "
        f"of one every {PING_SECONDS} s."
    )


@contextmanager
def _server(kind: str, ping_seconds: int = PING_SECONDS) -> Iterator[tuple[Worker, int]]:
    server_cores, _ = split_cores()
    command = [sys.executable, "-m", "loadtests.fanout_server", kind, str(ping_seconds)]
    with Worker(command, cores=server_cores) as server:
        started: dict[str, Any] = json.loads(server.read(START_SECONDS))
        yield server, started["port"]


@contextmanager
def listeners(
    program: Path,
    port: int,
    count: int,
    messages: list[bytes],
    protocol: str = "-",
    *,
    samples: int = 0,
    log: Path | None = None,
    cores: set[int] | None = None,
) -> Iterator[Worker]:
    """``count`` subscribers in one process, connected; see listener.c."""
    command = [str(program), str(port), str(count), protocol, str(samples), str(log or "-")]
    with Worker([*command, *(one.hex() for one in messages)], cores=cores) as worker:
        worker.read(START_SECONDS + count / 100)
        yield worker


def count(listener: Worker) -> int:
    """Messages that the subscribers have received so far; WorkerFailed where one was cut off."""
    messages, _, closed = (int(word) for word in listener.ask("count", START_SECONDS).split())
    if closed:
        raise WorkerFailed(f"The server closed {closed} connections.")
    return messages


def settled(listener: Worker) -> int:
    """``count`` once it has stopped rising, after 10 s at the latest."""
    last = count(listener)
    for _ in range(50):
        time.sleep(0.2)
        now = count(listener)
        if now == last:
            break
        last = now
    return last


def await_subscribers(server: Worker, wanted: int) -> None:
    """Waits until the server has ``wanted`` subscribers."""
    deadline = time.monotonic() + START_SECONDS
    while json.loads(server.ask('{"do": "count"}', START_SECONDS))["subscribers"] < wanted:
        if time.monotonic() > deadline:
            raise WorkerFailed(f"Fewer than {wanted} subscribers after {START_SECONDS:.0f} s.")
        time.sleep(0.05)
