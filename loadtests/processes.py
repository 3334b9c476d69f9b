"""The processes of a load test: started, asked line by line, measured, ended."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Final

from loadtests.errors import WorkerFailed

STOP_SECONDS: Final = 10.0
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class Worker:
    """A process that answers lines on its standard input and ends with it.

    ``cores`` are the CPU cores it may use; None: all.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        cores: set[int] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.name = Path(command[2] if command[0] == sys.executable else command[0]).name
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed by stop)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environ,
            bufsize=0,
        )
        if cores:
            os.sched_setaffinity(self._process.pid, cores)
        self._unread = b""

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def tell(self, line: str) -> None:
        """Writes one line to it."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line.encode() + b"\n")
        except BrokenPipeError as error:
            raise WorkerFailed(self._says("has ended")) from error

    def read(self, seconds: float) -> str:
        """Its next line. Raises WorkerFailed where none comes within ``seconds``."""
        assert self._process.stdout is not None
        deadline = time.monotonic() + seconds
        descriptor = self._process.stdout.fileno()
        while b"\n" not in self._unread:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                raise WorkerFailed(self._says(f"said nothing for {seconds:.0f} s"))
            chunk = os.read(descriptor, 65_536)
            if not chunk:
                raise WorkerFailed(self._says("has ended"))
            self._unread += chunk
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode()

    def ask(self, line: str, seconds: float) -> str:
        """Writes a line and gives the next one."""
        self.tell(line)
        return self.read(seconds)

    def stop(self) -> None:
        """Closes its standard input, then SIGTERM, then SIGKILL."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        for ending in (None, self._process.terminate, self._process.kill):
            if ending is not None:
                ending()
            try:
                self._process.wait(STOP_SECONDS)
                break
            except subprocess.TimeoutExpired:
                continue
        self._process.stdout.close()
        self._errors.close()

    def _says(self, what: str) -> str:
        self._errors.seek(0)
        words = self._errors.read()[-2_000:].decode(errors="replace").strip()
        return f"{self.name} {what}." + (f" Its last words:\n{words}" if words else "")


def cpu_seconds(pid: int) -> float:
    """CPU time of process ``pid`` so far, all its threads; 0 where it is gone."""
    if not pid:
        return 0.0
    try:
        # clock_getcpuclockid(3) as Linux has it: the exact time, where /proc counts hundredths.
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        return 0.0


def resident_bytes(pid: int) -> int:
    """Resident memory of process ``pid``."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE


def pin(pid: int, cores: set[int] | None) -> None:
    """Keeps every thread of process ``pid`` on ``cores``; None: leaves it as it is. 0: nobody."""
    if cores is None or not pid:
        return
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(task.name), cores)


def split_cores() -> tuple[set[int] | None, set[int] | None]:
    """Cores for the server and for the generators; (None, None) on a machine with only one."""
    cores = sorted(os.sched_getaffinity(0))
    return ({cores[0]}, set(cores[1:])) if len(cores) > 1 else (None, None)
