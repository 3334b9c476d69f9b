"""The C programs beside this file, compiled when a load test needs them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from loadtests.errors import Unprepared

SOURCES = Path(__file__).parent


def compiler() -> str | None:
    """The C compiler that would be used; None where there is none."""
    return os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")


def build(name: str, folder: Path) -> Path:
    """Compiles ``name``.c into ``folder`` and gives the program's path.

    Raises Unprepared where there is no C compiler or the source does not compile.
    """
    command = compiler()
    if command is None:
        raise Unprepared("A C compiler is needed: install gcc or clang, or name one in CC.")
    program = folder / name
    done = subprocess.run(
        [command, "-O2", "-Wall", "-o", str(program), str(SOURCES / f"{name}.c")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    if done.returncode:
        raise Unprepared(f"{name}.c does not compile with {command}:\n{done.stderr}")
    return program
