"""``/api/v1/streams``."""

from __future__ import annotations

from dataclasses import asdict

from aiohttp import web

from streamd.web.advice import advise
from streamd.web.json_bodies import reply
from streamd.web.language import choose
from streamd.web.security import acts_by_key
from streamd.web.services import SERVICES, authorized_stream
from streamd.web.views import in_rotation, stream_row

routes = web.RouteTableDef()


@routes.get("/api/v1/streams")
async def list_streams(request: web.Request) -> web.Response:
    """Every stream, in today's published rotation."""
    services = request.app[SERVICES]
    ordered = in_rotation(list(services.streams), services.config.event)
    return reply({"streams": [_stream_row(request, stream.id) for stream in ordered]})


@routes.get("/api/v1/streams/{stream}")
async def get_stream(request: web.Request) -> web.Response:
    """One stream's row."""
    return reply(_stream_row(request, request.match_info["stream"]))


@routes.get("/api/v1/streams/{stream}/health")
async def get_health(request: web.Request) -> web.Response:
    """What the broadcaster should know, and do: for the holder of the stream's key."""
    stream = await authorized_stream(request)
    services = request.app[SERVICES]
    await stream.measure_sound()
    health = stream.health()
    advice = advise(health, services.catalogues[choose(request)])
    viewers = services.hub.subscribers(f"stream:{stream.id}")
    return reply({**asdict(health), "viewers": viewers, "advice": advice})


@routes.post("/api/v1/streams/{stream}/end")
@acts_by_key
async def end_stream(request: web.Request) -> web.Response:
    """Ends a broadcast whose publisher is lost; 409 while media comes."""
    stream = await authorized_stream(request)
    stream.end_lost()
    return web.Response(status=204, headers={"Cache-Control": "no-store"})


def _stream_row(request: web.Request, stream_id: str) -> dict[str, object]:
    services = request.app[SERVICES]
    stream = services.streams.get(stream_id)
    viewers = services.hub.subscribers(f"stream:{stream_id}")
    catalogue = services.catalogues[choose(request)]
    return stream_row(stream, viewers, services.config.event, catalogue)
