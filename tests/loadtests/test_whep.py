"""WHEP viewers in a namespace: all are let in, all get packets; Janus beside them where it is."""

from __future__ import annotations

import shutil

import pytest

from loadtests import whep
from loadtests.errors import Unprepared


def run(*, peer: bool) -> dict[str, float]:
    try:
        plan = whep.Plan(viewers=3, seconds=1, runs=1, peer=peer)
        report = whep.run(plan, lambda _: None)
    except Unprepared as error:
        pytest.skip(str(error))
    return {figure.name: figure.median for figure in report.figures if figure.unit}


def test_viewers_get_the_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whep, "SETTLE_SECONDS", 1.0)
    figures = run(peer=False)
    # 600 kbit/s in packets of at most 1,200 bytes, and 50 of sound a second.
    assert figures["packets a second and viewer"] > 60
    assert figures["arrived at a viewer"] > 300


@pytest.mark.skipif(shutil.which("janus") is None, reason="the peer is Debian's janus")
def test_janus_is_measured_in_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whep, "SETTLE_SECONDS", 1.0)
    assert run(peer=True)["streamd ÷ Janus, viewers a core"] > 0
