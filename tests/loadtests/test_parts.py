"""The parts that a live playlist lists are found, and served by nginx under the same paths."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from loadtests import parts
from loadtests.served import streamd

needs_tools = pytest.mark.skipif(
    shutil.which("wrk") is None or shutil.which("nginx") is None,
    reason="the client and the peer are Debian's: apt-get install wrk nginx-light",
)


def test_the_live_playlists_parts_are_found_and_can_be_fetched(tmp_path: Path) -> None:
    with streamd(tmp_path / "var", ("-m", "loadtests.card_server", "opus")) as served:
        parts.await_parts(served)
        paths = parts.part_paths(served)
        assert paths
        assert all(path.startswith("/hls/load/") for path in paths)
        assert b"moof" in parts._get(served.url + paths[-1])[:64]


@needs_tools
def test_a_small_run_compares_with_nginx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "LIVE_SECONDS", 3.0)
    report = parts.run(parts.Plan(connections=4, seconds=1, runs=1), lambda _: None)
    measured = {figure.name: figure.median for figure in report.figures if figure.unit}
    assert measured["streamd ÷ nginx, parts a core"] > 0
    sizes = [figure.median for figure in report.figures if figure.name == "a part's size"]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.05)
