"""WHEP viewers in a namespace: all are let in, all get packets; Janus beside them where it is."""

from __future__ import annotations

import shutil

import pytest

from loadtests import whep
from loadtests.errors import Unprepared
from loadtests.report import Report

HAS_JANUS = shutil.which("janus") is not None


@pytest.fixture(scope="module")
def report() -> Report:
    """One short run: streamd, and Janus after it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(whep, "SETTLE_SECONDS", 1.0)
        patched.setattr(whep, "IDLE_SECONDS", 0.5)
        try:
            plan = whep.Plan(viewers=3, seconds=1, runs=1, peer=HAS_JANUS)
            return whep.run(plan, lambda _: None)
        except Unprepared as error:
            pytest.skip(str(error))


def test_viewers_get_the_clip(report: Report) -> None:
    figures: dict[str, float] = {}
    for figure in report.figures:
        # streamd's figures come first, Janus' have the same names.
        figures.setdefault(figure.name, figure.median)
    # 600 kbit/s in packets of at most 1,200 bytes, and 25 of sound a second.
    assert figures["packets a second and viewer"] > 60
    assert figures["arrived at a viewer"] > 300
    # Both are of a few seconds beside other tests: which is more says nothing here.
    assert figures["used of a core"] > 0
    assert figures["used of a core, without viewers"] > 0


def test_what_bounds_it_is_said(report: Report) -> None:
    assert report.notes[0].startswith("streamd is bound by CPU time")


@pytest.mark.skipif(not HAS_JANUS, reason="the peer is Debian's janus")
def test_janus_is_measured_in_the_same_way(report: Report) -> None:
    figures = {figure.name: figure.median for figure in report.figures}
    assert figures["streamd ÷ Janus, viewers a core"] > 0
    assert figures["arrived at a viewer"] > 300
