"""What the polls' logs are made by where they have a process of their own: its main program.

On standard input stand ``Work``, then a poll at each of its changes, one JSON a line; on standard
output ``Progress``, about once a second. It ends with its input, and so with whoever started it.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import msgspec
import uvloop

from polling.errors import StoreDown
from polling.model import Poll
from polling.notes import NoteSigner
from polling.sequencing import Counters, Sequencing
from polling.store import PollStore
from streamd import config, log
from streamd.errors import StoreUnavailable
from streamd.identity_store import IdentityStore
from streamd.secret_file import server_secret
from streamd.store import Store

PROGRESS_SECONDS = 1.0
LINE_BYTES = 4_194_304
"""The longest line: a poll with all its questions and its history."""


class Work(msgspec.Struct, frozen=True):
    """Where the polls and their logs are, and the name by which logs are signed."""

    store: config.Store
    log: config.Log
    name: str


class Progress(msgspec.Struct, frozen=True):
    """As ``Sequencing`` has them."""

    followed: int = 0
    waiting: int = 0
    oldest_seconds: float = 0.0
    counters: Counters = msgspec.field(default_factory=Counters)


async def work(lines: asyncio.StreamReader) -> None:
    """Follows the polls that ``lines`` bring, until their end."""
    asked = msgspec.json.decode(await lines.readline(), type=Work)
    log.configure(asked.log)
    address, secrets = Store(asked.store).address, Path(asked.store.dir) / "secrets"
    identities = IdentityStore.at(address, server_secret(secrets / "server.key"))

    async def issued() -> dict[str, int]:
        try:
            return {str(tier): count for tier, count in (await identities.issued()).items()}
        except StoreUnavailable as error:
            raise StoreDown(str(error)) from error

    sequencing = Sequencing(
        PollStore.at(address),
        Path(asked.store.dir),
        NoteSigner(asked.name, server_secret(secrets / "log.key")),
        issued,
    )
    tasks = [
        asyncio.create_task(_read(lines, sequencing), name="polls"),
        asyncio.create_task(sequencing.run(), name="logs"),
        asyncio.create_task(_tell(sequencing), name="progress"),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        await sequencing.stop()
        await identities.close()
    for end in ends:
        if isinstance(end, Exception) and not isinstance(end, BrokenPipeError):
            raise end


async def _read(lines: asyncio.StreamReader, sequencing: Sequencing) -> None:
    while line := await lines.readline():
        sequencing.watch(msgspec.json.decode(line, type=Poll))


async def _tell(sequencing: Sequencing) -> None:
    while True:
        now = Progress(
            sequencing.followed, sequencing.waiting, sequencing.oldest_seconds, sequencing.counters
        )
        sys.stdout.buffer.write(msgspec.json.encode(now) + b"\n")
        sys.stdout.buffer.flush()
        await asyncio.sleep(PROGRESS_SECONDS)


async def main() -> None:
    """Works until standard input ends."""
    lines = asyncio.StreamReader(limit=LINE_BYTES)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )
    try:
        await work(lines)
    finally:
        transport.close()


if __name__ == "__main__":
    # A service manager sends it to every process. The end of the input comes later, when the
    # votes that were waiting are counted.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    uvloop.run(main())
