"""The HTTP server of an edge: HLS of another process's streams, and nothing else."""

from __future__ import annotations

import ssl
from typing import Final, Protocol

from aiohttp import web

from streamd.config import Web
from streamd.errors import ConfigError
from streamd.web import hls
from streamd.web.cors import cors
from streamd.web.front import IDLE_SECONDS, FrontSite
from streamd.web.json_bodies import reply
from streamd.web.problems import Refusal, problem, problems


class Followed(hls.Windows, Protocol):
    """Windows that are followed on a line."""

    @property
    def connected(self) -> bool:
        """Whether the line stands."""


FOLLOWED: Final = web.AppKey("followed", Followed)
_UNKNOWN: Final = Refusal(404, "not_found", "Not found")

routes = web.RouteTableDef()


@routes.get("/healthz")
async def healthz(_request: web.Request) -> web.Response:
    """200 while the process serves at all."""
    return reply({"status": "alive"})


@routes.get("/readyz")
async def readyz(request: web.Request) -> web.Response:
    """200 while the streams are followed; 503 where what is served grows old."""
    if request.app[FOLLOWED].connected:
        return reply({"status": "ready"})
    reason = "The process that relays the broadcasts does not answer; this one keeps trying."
    return reply({"status": "unready", "reason": reason}, 503, {"Retry-After": "2"})


async def _nothing(_request: web.Request) -> web.Response:
    return problem(_UNKNOWN, "This process serves /hls/ alone; pages are the relaying one's.")


class EdgeServer:
    """Owns the edge's listening socket."""

    def __init__(self, settings: Web, ssl_context: ssl.SSLContext | None) -> None:
        self._settings = settings
        self._ssl = ssl_context
        self._runner: web.AppRunner | None = None
        self.port = settings.port

    async def start(self, windows: Followed) -> None:
        """Binds and serves. Raises ConfigError where the address is taken."""
        app = web.Application(middlewares=[cors, problems])
        app[hls.WINDOWS] = windows
        app[FOLLOWED] = windows
        app.add_routes(routes)
        app.add_routes(hls.routes)
        app.router.add_route("*", "/{path:.*}", _nothing)
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=3.0, keepalive_timeout=IDLE_SECONDS
        )
        await self._runner.setup()
        host, port = self._settings.host, self._settings.port
        try:
            ready = hls.ready(windows)
            await FrontSite(self._runner, host, port, self._ssl, hls.PREFIX, ready).start()
        except OSError as error:
            raise ConfigError(
                f"Cannot listen on {host}:{port}: {error.strerror}. "
                "Stop what listens there, or choose another port with --port."
            ) from error
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stops accepting, lets requests end for three seconds, closes the rest."""
        if self._runner is not None:
            await self._runner.cleanup()
