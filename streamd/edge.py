"""An edge: one more process that answers HLS requests, with the bytes of the process that relays.

It has no store, no keys and no publisher; it may start, end and start again at any time. A balancer
may send each request to any of them.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

import structlog

from streamd.certificates import server_context
from streamd.config import Config
from streamd.relay.hls_line import Followed
from streamd.web.edge import EdgeServer

log = structlog.get_logger(__name__)


async def serve(config: Config, path: str, on_ready: Callable[[int], None]) -> None:
    """Serves ``/hls/`` on ``[web] host`` and ``port`` until SIGTERM or SIGINT, following the
    handover at ``path``. ``on_ready`` gets the port. Raises ConfigError.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    windows = Followed(path, config.relay)
    server = EdgeServer(config.web, server_context(config.tls))
    await server.start(windows)
    try:
        # An error that ends the following ends the process too: it would serve what grows old.
        async with asyncio.TaskGroup() as group:
            following = group.create_task(windows.run(), name="following")
            on_ready(server.port)
            await stopping.wait()
            log.info("stopping")
            following.cancel()
    finally:
        await server.stop()
        log.info("stopped")
