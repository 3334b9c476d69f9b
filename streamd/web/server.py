"""The HTTP server: routes, middlewares, static files, and a shutdown that drains."""

from __future__ import annotations

import ssl

import prometheus_client
from aiohttp import web
from prometheus_client import CollectorRegistry

from streamd.config import Web
from streamd.errors import ConfigError
from streamd.web import (
    api,
    captions,
    hls,
    identity,
    identity_codes,
    keys,
    log,
    operations,
    pages,
    poll_desk,
    poll_votes,
    polls,
    present,
    publishing,
    results,
    vod,
    vod_polls,
    whep,
    whip,
)
from streamd.web.cors import cors
from streamd.web.front import IDLE_SECONDS, FrontSite
from streamd.web.identity_metrics import IdentityCollector
from streamd.web.problems import problems
from streamd.web.security import dressed, same_origin
from streamd.web.services import SERVICES, Services
from streamd.web.shared_answers import SharedAnswers

_ROUTES = (
    api.routes,
    captions.routes,
    vod_polls.routes,  # before vod, which answers every other name below a recording
    vod.routes,  # before hls: it answers one name below /hls
    hls.routes,
    identity.routes,
    identity_codes.routes,
    keys.routes,
    log.routes,
    operations.routes,
    pages.routes,
    poll_desk.routes,
    poll_votes.routes,
    polls.routes,
    present.routes,
    publishing.routes,
    results.routes,
    whep.routes,
    whip.routes,
)


def build(services: Services, registry: CollectorRegistry) -> web.Application:
    """The application with every route."""
    app = web.Application(
        middlewares=[cors, dressed, problems, same_origin],
        client_max_size=services.config.web.body_bytes,
    )
    app[SERVICES] = services
    app[hls.WINDOWS] = hls.Relayed(services.streams)
    publishing.add_publish_sockets(app, services.config.webrtc.publishers)
    app[vod_polls.ANSWERS] = SharedAnswers()
    app[polls.LISTS] = SharedAnswers()
    app[identity_codes.SHEETS_KEPT] = identity_codes.Sheets()
    registry.register(operations.StreamdCollector(services))
    registry.register(IdentityCollector(services.tiers))
    app[operations.REGISTRY] = registry
    for table in _ROUTES:
        app.add_routes(table)
    assets = services.assets
    app.router.add_static(f"/static/{assets.version}/", assets.root)
    app.router.add_static("/static/", assets.root)
    app.on_response_prepare.append(_cache_static)
    return app


async def _cache_static(request: web.Request, response: web.StreamResponse) -> None:
    version = request.app[SERVICES].assets.version
    if request.path.startswith(f"/static/{version}/") and response.status < 300:
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"


class HttpServer:
    """Owns the listening socket of :8080."""

    def __init__(
        self, settings: Web, ssl_context: ssl.SSLContext | None, registry: CollectorRegistry
    ) -> None:
        self._settings = settings
        self._ssl = ssl_context
        self._registry = registry
        self._runner: web.AppRunner | None = None
        self.port = settings.port

    async def start(self, services: Services) -> None:
        """Binds and serves. Raises ConfigError where the address is taken."""
        # No access log: vote routes must not leave one, and a log of watchers has no use.
        runner = web.AppRunner(
            build(services, self._registry),
            access_log=None,
            shutdown_timeout=3.0,
            keepalive_timeout=IDLE_SECONDS,
        )
        self._runner = runner
        await runner.setup()
        host, port = self._settings.host, self._settings.port
        try:
            ready = hls.ready(hls.Relayed(services.streams))
            await FrontSite(runner, host, port, self._ssl, hls.PREFIX, ready).start()
        except OSError as error:
            raise ConfigError(
                f"Cannot listen on {host}:{port}: {error.strerror}. "
                "Stop what listens there, or choose another port in [web]."
            ) from error
        self.port = runner.addresses[0][1]

    async def stop(self) -> None:
        """Stops accepting, lets requests end for three seconds, closes the rest."""
        if self._runner is not None:
            await self._runner.cleanup()


def new_registry() -> CollectorRegistry:
    """A registry with the process's own figures (CPU, memory, open files)."""
    registry = CollectorRegistry()
    prometheus_client.ProcessCollector(registry=registry)
    prometheus_client.PlatformCollector(registry=registry)
    prometheus_client.GCCollector(registry=registry)
    return registry
