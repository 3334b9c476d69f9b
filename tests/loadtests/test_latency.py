from __future__ import annotations

import pytest

from loadtests import latency
from loadtests.latency import Frame, Plan


@pytest.mark.parametrize("delay", [200, 1_450, 8_000])
def test_the_offset_is_sound_delay_less_picture_delay(delay: int) -> None:
    frames: list[Frame] = [(at, 0, at + delay) for at in range(9_000, 13_000, 40)]
    onsets = [10_030.0 + delay, 10_990.0 + delay, 20_100.0 + delay]
    assert latency.offsets(frames, onsets) == [30.0, -10.0]


def test_without_pictures_there_is_no_offset() -> None:
    assert latency.offsets([], [10_230.0]) == []


@pytest.mark.browser
def test_a_short_run_reads_clock_and_tone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "SETTLE_SECONDS", 1.0)
    plan = Plan(("whip",), seconds=1, runs=1, joins=2, loads=1, tones=3, paths=("ws",))
    report = latency.run(plan, lambda _: None)
    measured = {figure.name: figure for figure in report.figures if figure.unit}
    assert list(measured) == [
        "glass to glass, p50",
        "glass to glass, p95",
        "first picture after join, p50",
        "first picture after join, p95",
        "A/V offset, median",
        "A/V offset, p95",
        "first picture in a new page, p50",
        "whole page load, p50",
    ]
    for figure in measured.values():
        assert 0 <= figure.median < 30_000
    assert any("Chromium " in line for line in report.machine.splitlines())
