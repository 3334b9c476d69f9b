from __future__ import annotations

import io

import pytest
from rich.console import Console

from loadtests import fanout, fanout_server
from streamd.feeds import protocol
from tests.loadtests.marks import needs_compiler


@pytest.mark.parametrize("number", [1, 9, 10, 12_345])
def test_a_publication_fills_its_size(number: int) -> None:
    tally = fanout_server.tally(number, 300)
    packed = protocol.JSON.pack(protocol.publication(fanout_server.CHANNEL, tally, number))
    assert len(packed) == 300


@needs_compiler
def test_a_small_run_prints_costs_ratios_and_idle_connections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fanout, "IDLE_SECONDS", 0.5)
    monkeypatch.setattr(fanout, "WARM_CONNECTIONS", 5)
    said: list[str] = []
    plan = fanout.Plan(subscribers=20, rate=20, seconds=0.5, runs=1)
    report = fanout.run(plan, said.append)
    figures = {(one.name, one.unit): one for one in report.figures}
    cost = "µs CPU/delivery"
    assert figures["streamd", cost].median > 0
    assert figures["C send() loop", cost].median > 0
    assert figures["websockets.broadcast()", cost].median > 0
    ratio = figures["streamd ÷ C send()", "×"]
    assert ratio.goal is not None
    assert (ratio.goal.sense, ratio.goal.limit) == ("≤", 1.5)
    assert ratio.median == pytest.approx(
        figures["streamd", cost].median / figures["C send() loop", cost].median
    )
    assert ("idle connection", "bytes resident") in figures
    assert ("idle connection", "µs CPU/s") in figures
    assert not any("arrived" in note for note in report.notes), "all that was published arrives"
    out = io.StringIO()
    report.print(Console(file=out, width=140))
    assert "20 subscribers × 20 publications/s × 300 bytes" in out.getvalue()
