"""The other end of ``processes.Worker``: a process that is asked line by line."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import structlog


async def commands() -> AsyncIterator[dict[str, Any]]:
    """The JSON objects that come on standard input, one a line, until its end.

    From then on the process logs to standard error: standard output carries answers alone.
    """
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    reader = asyncio.StreamReader(limit=1 << 24)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    try:
        while line := await reader.readline():
            yield json.loads(line)
    finally:
        transport.close()


def answer(value: object) -> None:
    """Writes ``value`` as one JSON line."""
    print(json.dumps(value), flush=True)
