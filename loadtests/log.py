"""The polls' log: leaves a second through everything a batch goes through, on one core.

Hashing the leaves, sorting them, the levels of tiles, the root, the checkpoint's signature, and
putting it all on a real disk with fsync, as the sequencer does. Beside it the receipts' signatures
and the proofs. Time is CPU time of this process, which is pinned to one core; the wall clock, which
waits for the disk too, is shown beside it.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from loadtests import machine
from loadtests.report import Goal, Report
from polling.log import Checkpoint
from polling.log_files import LogFiles
from polling.log_reader import LogReader
from polling.notes import NoteSigner
from polling.receipts import ReceiptSigner

POLL = "loadtestaa"
_PROOFS = 200


@dataclass(frozen=True)
class Plan:
    """How much: ``batches`` of ``leaves`` each, ``receipts`` signed at a time."""

    leaves: int = 100_000
    batches: int = 4
    receipts: int = 500


def run(plan: Plan, say: Callable[[str], None]) -> Report:
    """Measures and reports."""
    report = Report("log: the polls' Merkle log", machine.description())
    signer = NoteSigner("loadtest.example", os.urandom(32))
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        _measure(report, plan, signer, say)
    finally:
        os.sched_setaffinity(0, cores)
    return report


def _measure(report: Report, plan: Plan, signer: NoteSigner, say: Callable[[str], None]) -> None:
    with tempfile.TemporaryDirectory(prefix="log-") as home:
        for mode in ("presence", "recount"):
            say(mode)
            _append(report, plan, Path(home) / mode, mode == "recount", signer)
        say("proofs")
        _prove(report, Path(home) / "presence")
    say("receipts")
    _sign(report, plan, signer)


def _append(report: Report, plan: Plan, home: Path, recount: bool, signer: NoteSigner) -> None:
    mode = "recount" if recount else "presence"
    home.mkdir()
    files = LogFiles.open(home, POLL, "recount" if recount else "presence")
    if files is None:
        raise AssertionError("a new directory has no other writer")
    rates, walls = [], []
    for number in range(plan.batches):
        ids = [os.urandom(16).hex() for _ in range(plan.leaves)]
        committed = [os.urandom(32).hex() if recount else "" for _ in ids]
        rows = list(zip(ids, committed, strict=True))
        cpu, wall = time.process_time(), time.perf_counter()
        files.append(rows, {0: (number + 1) * plan.leaves})
        checkpoint = Checkpoint(f"loadtest.example/{POLL}", files.size, files.root)
        files.publish(checkpoint, checkpoint.signed(signer))
        rates.append(plan.leaves / (time.process_time() - cpu))
        walls.append(plan.leaves / (time.perf_counter() - wall))
    files.close()
    goal = Goal("≥", 200_000)
    report.add(f"{mode}: leaves a second of CPU", rates, "1/s", goal)
    report.add(f"{mode}: leaves a second with fsync", walls, "1/s")


def _prove(report: Report, home: Path) -> None:
    reader = LogReader(home)
    leaves = (home / POLL / "level-0").stat().st_size // 32
    times = []
    for place in range(_PROOFS):
        began = time.perf_counter()
        reader.consistency(POLL, 1 + place * (leaves - 1) // _PROOFS, None)
        times.append((time.perf_counter() - began) * 1e3)
    report.add(f"consistency proof, {leaves:,} leaves", times, "ms")


def _sign(report: Report, plan: Plan, signer: NoteSigner) -> None:
    receipts = ReceiptSigner(signer)
    batch = [(os.urandom(16).hex(), number) for number in range(plan.receipts)]
    times, lone = [], []
    for _ in range(20):
        began = time.process_time()
        receipts.sign(POLL, 0, batch)
        times.append((time.process_time() - began) / plan.receipts * 1e6)
        began = time.process_time()
        receipts.sign(POLL, 0, batch[:1])
        lone.append((time.process_time() - began) * 1e6)
    report.add(f"a receipt's signature, {plan.receipts} at a time", times, "µs")
    report.add("a lone receipt's signature", lone, "µs")
