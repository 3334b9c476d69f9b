"""The polls' logs in a process of their own, for a gateway that needs its core for votes.

It does what ``polling.sequencing`` does here otherwise, and is asked the same. If it dies it is
started again and told again what to follow. Leases in the store and locks on the disk keep it
from writing a log that another process still writes.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import Final

import msgspec
import structlog

from polling.model import Poll
from polling.rules import UNOPENED
from polling.sequencing import Counters
from streamd.poll_log_work import LINE_BYTES, Progress, Work

log = structlog.get_logger(__name__)

AGAIN_SECONDS: Final = 1.0
"""Between its death and its next start."""
END_SECONDS: Final = 5.0
"""How long it may take to let its leases go."""
REMEMBERED: Final = 1_024
"""Polls that it is told of after a restart, the ones last changed; it finds most on the disk."""
UNREAD_BYTES: Final = 16 * LINE_BYTES
"""Unread news past which it is taken for hung, and ended: the next one is told the newest."""


class PollLogProcess:
    """Starts the process and stays with it. ``run()`` is its owner's task; then ``stop()``."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._polls: dict[str, bytes] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._progress = Progress()
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process is not None else None

    @property
    def followed(self) -> int:
        """See ``Sequencing``; this and the others are about a second old."""
        return self._progress.followed

    @property
    def waiting(self) -> int:
        """See ``Sequencing``."""
        return self._progress.waiting

    @property
    def oldest_seconds(self) -> float:
        """See ``Sequencing``."""
        return self._progress.oldest_seconds

    @property
    def counters(self) -> Counters:
        """See ``Sequencing``; from 0 again after a restart."""
        return self._progress.counters

    def watch(self, poll: Poll) -> None:
        """See ``Sequencing.watch``."""
        if poll.opened_at is None or poll.state in UNOPENED or poll.is_qa:
            return
        line = msgspec.json.encode(poll) + b"\n"
        self._polls.pop(poll.id, None)
        self._polls[poll.id] = line
        if len(self._polls) > REMEMBERED:
            del self._polls[next(iter(self._polls))]
        self._tell(line)

    async def run(self) -> None:
        """Keeps the process alive until cancelled; it lives on until ``stop``."""
        while True:
            try:
                process = await self._start()
            except OSError as error:
                # No memory, no process or no descriptor left; votes are counted all the same.
                log.error("the process of the polls' logs could not be started", why=str(error))
            else:
                await self._follow(process)
                # It ends only when the rest of what it said is read.
                await process.communicate()
                status = process.returncode
                self._process, self._progress = None, Progress()
                self.restarts += 1
                log.error(
                    "the process of the polls' logs has ended; another one starts", code=status
                )
            await asyncio.sleep(AGAIN_SECONDS)

    async def _follow(self, process: asyncio.subprocess.Process) -> None:
        """Reads its progress to the end; it is ended where what it says can't be read."""
        assert process.stdout is not None
        try:
            while line := await process.stdout.readline():
                self._progress = msgspec.json.decode(line, type=Progress)
        except (msgspec.MsgspecError, ValueError, OSError) as error:
            log.error("the process of the polls' logs does not make sense", why=str(error))
            _kill(process)

    async def stop(self) -> None:
        """Lets the process end its work. ``run()`` has ended by now."""
        process = self._process
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        try:
            async with asyncio.timeout(END_SECONDS):
                await process.communicate()
        except TimeoutError:
            log.error("the process of the polls' logs did not end by itself", pid=process.pid)
            _kill(process)
            await process.wait()

    async def _start(self) -> asyncio.subprocess.Process:
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "streamd.poll_log_work",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # Ctrl-C in a terminal is for streamd, which ends this one when its votes are counted.
            start_new_session=True,
        )
        self._tell(msgspec.json.encode(self._work) + b"\n")
        for line in self._polls.values():
            self._tell(line)
        return process

    def _tell(self, line: bytes) -> None:
        process = self._process
        if process is None or process.stdin is None or process.stdin.is_closing():
            return
        if process.stdin.transport.get_write_buffer_size() > UNREAD_BYTES:
            _kill(process)
        else:
            process.stdin.write(line)


def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):  # it may have ended by itself
        process.kill()
