from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.loadtests.marks import needs_compiler

ROOT = Path(__file__).parents[2]


def loadtests(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "loadtests", *arguments],
        capture_output=True,
        text=True,
        timeout=110,
        cwd=ROOT,
    )


def test_help_names_every_load_test() -> None:
    done = loadtests("--help")
    assert done.returncode == 0
    for name in ("fanout", "votes", "latency", "viewers", "whep", "parts", "media"):
        assert name in done.stdout


@needs_compiler
def test_figures_are_printed_and_kept(tmp_path: Path) -> None:
    kept = tmp_path / "figures.json"
    done = loadtests(
        *("fanout", "--subscribers", "10", "--rate", "20", "--seconds", "0.5", "--runs", "1"),
        *("--no-idle", "--no-broadcast", "--json", str(kept)),
    )
    assert done.returncode == 0, done.stderr
    assert "streamd ÷ C send()" in done.stdout
    assert "≤ 1.50" in done.stdout
    names = [figure["name"] for figure in json.loads(kept.read_text())["figures"]]
    assert names == ["streamd", "C send() loop", "streamd ÷ C send()"]


def test_numbers_out_of_range_are_refused() -> None:
    assert loadtests("votes", "--voters", "0").returncode == 2
