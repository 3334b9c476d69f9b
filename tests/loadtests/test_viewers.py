from __future__ import annotations

import pytest

from loadtests import viewers, viewers_server
from tests.loadtests.marks import needs_compiler


@pytest.mark.parametrize(("kbit", "fps"), [(600.0, 30), (3_000.0, 60)])
def test_pictures_make_the_bitrate(kbit: float, fps: int) -> None:
    key, other = viewers_server.sizes(kbit, fps)
    pictures = viewers_server.KEY_SECONDS * fps
    made = (key + other * (pictures - 1)) * 8 / 1000 / viewers_server.KEY_SECONDS
    assert made == pytest.approx(kbit, rel=0.01)
    assert key == pytest.approx(8 * other, abs=8)


@needs_compiler
def test_a_small_run_prints_viewers_a_core() -> None:
    report = viewers.run(viewers.Plan(viewers=10, seconds=1, runs=1), lambda _: None)
    figures = [
        "viewers a core",
        "a part to a viewer",
        "C send(), as many bytes",
        "streamd ÷ C send()",
    ]
    assert [figure.name for figure in report.figures] == [
        "one picture a part",
        *figures,
        "parts of 100 ms",
        *figures,
    ]
    assert all(figure.median > 0 for figure in report.figures if figure.unit)
    assert not any("arrived" in note for note in report.notes)
