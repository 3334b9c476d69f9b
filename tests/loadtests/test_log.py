"""The log's load test, in small."""

from __future__ import annotations

import os

from loadtests import log


def test_it_measures_everything_and_leaves_the_process_its_cores() -> None:
    cores = os.sched_getaffinity(0)
    said: list[str] = []
    report = log.run(log.Plan(leaves=600, batches=2, receipts=20), said.append)
    assert said == ["presence", "recount", "proofs", "receipts"]
    assert len(report.figures) == 7
    assert not report.unmeasured
    assert not report.broken
    assert os.sched_getaffinity(0) == cores
