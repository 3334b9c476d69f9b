"""Makes posters and MP4 files, one after the other, each in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

from streamd.recording.offline import Job, Report

log = structlog.get_logger(__name__)

MOST_JOBS = 32
"""Jobs that wait; more are refused, and asked for again later."""

MOST_MP4 = 4
"""MP4 files that wait or are made: anybody may ask for them."""

RETRY_SECONDS = 60.0
"""A job that failed is not begun again before this."""

OnDone = Callable[[Job, bool], None]


class Workshop:
    """A queue of jobs and the one task that works on them. The same job never stands twice in it.

    ``on_done`` hears of each job that came to its end and whether it made anything; of one that
    failed, nothing.
    """

    def __init__(self, url: str, folder: Path, scratch: Path, on_done: OnDone) -> None:
        self._url = url
        self._folder = folder
        self._scratch = scratch
        self._on_done = on_done
        self._waiting: dict[tuple[str, str, int], Job] = {}
        self._sizes: dict[tuple[str, str, int], int] = {}
        """Of the MP4 files that wait or are made."""
        self._current: tuple[str, str, int] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._share = 0.0
        self._failed_at: dict[tuple[str, str, int], float] = {}
        self._wake = asyncio.Event()
        self.refused = 0
        self.failed = 0

    def ask_poster(self, recording: str) -> bool:
        """False where the queue is full."""
        return self._ask(("poster", recording, 0), Job("poster", *self._place, recording))

    @property
    def promised(self) -> int:
        """Bytes of the MP4 files that wait or are made."""
        return sum(self._sizes.values())

    def ask_mp4(self, recording: str, chapter: int, size: int = 0) -> bool:
        """False where MOST_MP4 are asked for, or making it failed a moment ago.

        ``size`` in bytes, about: see ``promised``.
        """
        key = "mp4", recording, chapter
        if key not in self._sizes and len(self._sizes) >= MOST_MP4:
            self.refused += 1
            return False
        scratch = self._scratch / f"{recording}-{chapter}.mp4"
        job = Job("mp4", *self._place, recording, chapter, str(scratch))
        is_taken = self._ask(key, job)
        if is_taken:
            self._sizes[key] = size
        return is_taken

    def share(self, recording: str, chapter: int) -> float | None:
        """How far an MP4 is, from 0 to 1; None where nobody makes it."""
        key = ("mp4", recording, chapter)
        if key == self._current:
            return self._share
        return 0.0 if key in self._waiting else None

    def forget(self, recording: str) -> None:
        """The recording goes: nothing more is made of it."""
        for key in [key for key in self._waiting if key[1] == recording]:
            del self._waiting[key]
            self._sizes.pop(key, None)
        if self._current is not None and self._current[1] == recording and self._process:
            with contextlib.suppress(ProcessLookupError):  # it has ended a moment ago
                self._process.kill()

    async def run(self) -> None:
        """Works until cancelled; a job on the way is given up then."""
        try:
            await asyncio.to_thread(self._clear_scratch)
        except OSError as error:
            log.error("no place to make MP4 files", folder=str(self._scratch), reason=str(error))
        while True:
            await self._wake.wait()
            while self._waiting:
                key, job = next(iter(self._waiting.items()))
                del self._waiting[key]
                self._current, self._share = key, 0.0
                try:
                    done = await self._work(job)
                except (OSError, msgspec.MsgspecError) as error:
                    log.error("work on a recording failed", job=job.what, reason=str(error))
                    done = None
                finally:
                    self._current = None
                    self._sizes.pop(key, None)
                if done is None:
                    self.failed += 1
                    self._failed_at[key] = asyncio.get_running_loop().time()
                else:
                    self._failed_at.pop(key, None)
                    self._on_done(job, done)
            self._wake.clear()

    @property
    def _place(self) -> tuple[str, str]:
        return self._url, str(self._folder)

    def _ask(self, key: tuple[str, str, int], job: Job) -> bool:
        if key == self._current or key in self._waiting:
            return True
        failed_at = self._failed_at.get(key)
        now = asyncio.get_running_loop().time()
        if len(self._waiting) >= MOST_JOBS or (
            failed_at is not None and now - failed_at < RETRY_SECONDS
        ):
            self.refused += 1
            return False
        self._waiting[key] = job
        self._wake.set()
        return True

    async def _work(self, job: Job) -> bool | None:
        """What came of the job; None where it failed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "streamd.recording.offline",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the server, which ends its jobs itself
        )
        self._process = process
        assert process.stdin is not None
        assert process.stderr is not None
        complaints = asyncio.create_task(process.stderr.read(), name="workshop complaints")
        done = None
        try:
            process.stdin.write(msgspec.json.encode(job) + b"\n")
            process.stdin.close()
            done = await self._reports(process)
            await process.wait()
        finally:
            self._process = None
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            code = await process.wait()
            said = (await complaints).decode("utf-8", "replace").strip()
        if code or done is None:
            last = said.splitlines()[-1:] or [f"exit code {code}"]
            log.error("work on a recording failed", job=job.what, of=job.recording, reason=last[0])
            return None
        return done

    async def _reports(self, process: asyncio.subprocess.Process) -> bool | None:
        assert process.stdout is not None
        done = None
        async for line in process.stdout:
            report = msgspec.json.decode(line, type=Report)
            self._share, done = report.share, report.done
        return done

    def _clear_scratch(self) -> None:
        """What an earlier process left behind half made."""
        self._scratch.mkdir(parents=True, exist_ok=True)
        for path in self._scratch.iterdir():
            path.unlink(missing_ok=True)
