from __future__ import annotations

import os
import platform

from loadtests import machine


def test_it_says_cores_kernel_python_and_libraries() -> None:
    said = machine.description(["Chromium 1.2"])
    assert f"{len(os.sched_getaffinity(0))} cores of " in said
    assert platform.release() in said
    assert platform.python_version() in said
    assert "websockets " in said
    assert "missing" not in said
    assert "Chromium 1.2" in said.splitlines()
