from __future__ import annotations

import os
import sys
import time

import pytest

from loadtests import processes
from loadtests.errors import WorkerFailed
from loadtests.processes import Worker

ECHO = "import sys\nfor line in sys.stdin: print('said', line.strip(), flush=True)"


def python(program: str) -> Worker:
    return Worker([sys.executable, "-c", program])


def test_a_worker_is_asked_line_by_line_and_ends_with_its_input() -> None:
    with python(ECHO) as worker:
        assert worker.ask("one", 20) == "said one"
        assert worker.ask("two", 20) == "said two"
        pid = worker.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_worker_that_dies_is_named_with_its_last_words() -> None:
    with (
        python("raise SystemExit('no such port')") as worker,
        pytest.raises(WorkerFailed, match=r"has ended(.|\n)*no such port"),
    ):
        worker.read(20)


def test_a_silent_worker_is_not_waited_for_for_ever() -> None:
    with python(ECHO) as worker, pytest.raises(WorkerFailed, match="said nothing"):
        worker.read(0.1)


def test_a_worker_that_ignores_its_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.3)
    with python("import time; print('up', flush=True); time.sleep(600)") as worker:
        worker.read(20)
        pid = worker.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_cpu_time_and_memory_of_a_process_grow_with_use() -> None:
    pid = os.getpid()
    cpu, resident = processes.cpu_seconds(pid), processes.resident_bytes(pid)
    kept = bytearray(os.urandom(32 << 20))
    until = time.process_time() + 0.1
    while time.process_time() < until:
        pass
    assert processes.cpu_seconds(pid) - cpu >= 0.1
    assert processes.resident_bytes(pid) - resident > len(kept) // 2


def test_a_process_that_is_gone_used_nothing() -> None:
    assert processes.cpu_seconds(2**22 + 1) == 0


def test_cores_are_shared_without_overlap() -> None:
    server, others = processes.split_cores()
    if server is None or others is None:
        assert len(os.sched_getaffinity(0)) == 1
    else:
        assert len(server) == 1
        assert not server & others


def test_a_process_is_kept_on_its_cores() -> None:
    with python(ECHO) as worker:
        worker.ask("up", 20)
        core = min(os.sched_getaffinity(0))
        processes.pin(worker.pid, {core})
        assert os.sched_getaffinity(worker.pid) == {core}
        processes.pin(worker.pid, None)
        assert os.sched_getaffinity(worker.pid) == {core}
