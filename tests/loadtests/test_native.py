from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from loadtests import native
from loadtests.errors import Unprepared
from tests.loadtests.marks import needs_compiler


@needs_compiler
@pytest.mark.parametrize("name", ["listener", "send_loop"])
def test_each_program_compiles_and_wants_its_arguments(name: str, tmp_path: Path) -> None:
    program = native.build(name, tmp_path)
    assert subprocess.run([program], timeout=20).returncode == 2


def test_without_a_compiler_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unprepared, match="install gcc"):
        native.build("listener", tmp_path)


@needs_compiler
def test_a_source_that_does_not_compile_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native, "SOURCES", tmp_path)
    (tmp_path / "broken.c").write_text("int main(void) { return nothing; }")
    with pytest.raises(Unprepared, match="nothing"):
        native.build("broken", tmp_path)
