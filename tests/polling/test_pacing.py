"""How long a poll's log is left alone between two looks."""

from __future__ import annotations

from polling.leases import LEASE_MS
from polling.pacing import RAREST, Pace
from polling.sequencer import APART_SECONDS, WAIT_SECONDS
from polling.sequencing import LOOK_SECONDS


def test_where_nothing_comes_looks_grow_rare() -> None:
    pace = Pace(1.0)
    waits = [pace.wait(merged=False, due_in=None) for _ in range(6)]
    assert waits == [1.0, 2.0, 4.0, 4.0, 4.0, 4.0]
    pace.begin_anew()
    assert pace.wait(merged=False, due_in=None) == 1.0


def test_after_a_batch_the_next_one_gathers() -> None:
    pace = Pace(1.0)
    assert pace.wait(merged=True, due_in=None) == 4.0
    assert pace.wait(merged=True, due_in=None) == 4.0


def test_what_waits_is_merged_when_it_is_due() -> None:
    pace = Pace(1.0)
    assert pace.wait(merged=False, due_in=8.0) == 1.0
    assert pace.wait(merged=False, due_in=1.5) == 1.5
    assert pace.wait(merged=True, due_in=0.3) == 0.3
    assert pace.wait(merged=False, due_in=-2.0) == 0.0


def test_the_rarest_look_keeps_the_lease_and_the_ten_seconds() -> None:
    rarest = RAREST * LOOK_SECONDS
    assert rarest <= LEASE_MS / 1_000 / 2
    assert rarest <= APART_SECONDS
    assert max(rarest, APART_SECONDS) < WAIT_SECONDS < 10
