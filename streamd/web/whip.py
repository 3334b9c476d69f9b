"""WHIP (RFC 9725): POST an offer, DELETE the session."""

from __future__ import annotations

from aiohttp import web

from streamd.web.problems import BadRequest
from streamd.web.security import acts_by_key
from streamd.web.services import SERVICES, authorize, authorized_stream
from streamd.webrtc.errors import UnknownSession

routes = web.RouteTableDef()


@routes.options("/whip/{stream}")
async def options(_request: web.Request) -> web.Response:
    """What a client may post (RFC 9725 §4.2)."""
    return web.Response(headers={"Accept-Post": "application/sdp"})


@routes.post("/whip/{stream}")
@acts_by_key
async def publish(request: web.Request) -> web.Response:
    """201 with the answer and the session's Location."""
    stream = await authorized_stream(request)
    if request.content_type != "application/sdp":
        raise web.HTTPUnsupportedMediaType
    try:
        offer = (await request.read()).decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest("The offer is not UTF-8 text.") from error
    session = await request.app[SERVICES].whip.publish(stream, offer)
    return web.Response(
        status=201,
        text=session.answer_sdp,
        content_type="application/sdp",
        headers={"Location": f"/whip/{stream.id}/{session.id}"},
    )


@routes.delete("/whip/{stream}/{session}")
@acts_by_key
async def stop(request: web.Request) -> web.Response:
    """Ends the broadcast (RFC 9725 §4.2)."""
    stream, session_id = request.match_info["stream"], request.match_info["session"]
    await authorize(request, stream)
    sessions = request.app[SERVICES].whip
    if sessions.get(session_id).stream.id != stream:
        raise UnknownSession
    await sessions.delete(session_id)
    return web.Response()
