"""WHIP (RFC 9725): POST an offer, PATCH its ICE, DELETE the session."""

from __future__ import annotations

from aiohttp import web

from streamd.web.problems import BadRequest
from streamd.web.security import acts_by_key
from streamd.web.services import SERVICES, authorize, authorized_stream
from streamd.webrtc.errors import UnknownSession
from streamd.webrtc.sdp_fragment import CONTENT_TYPE as FRAGMENT
from streamd.webrtc.whip_session import WhipSession

OFFER = "application/sdp"

routes = web.RouteTableDef()


@routes.options("/whip/{stream}")
async def endpoint_options(_request: web.Request) -> web.Response:
    """What a client may post (RFC 9725 §4.2)."""
    return web.Response(headers={"Accept-Post": OFFER})


@routes.options("/whip/{stream}/{session}")
async def session_options(_request: web.Request) -> web.Response:
    """What a client may patch with (RFC 5789 §3.1)."""
    return web.Response(headers={"Accept-Patch": FRAGMENT, "Allow": "DELETE, OPTIONS, PATCH"})


@routes.post("/whip/{stream}")
@acts_by_key
async def publish(request: web.Request) -> web.Response:
    """201 with the answer, the session's Location, the ETag of its ICE, and ICE servers.

    ``?takeover=1`` dismisses the stream's present publisher; without it that is 409.
    """
    stream = await authorized_stream(request)
    sdp = await _body(request, OFFER)
    whip = request.app[SERVICES].whip
    session = await whip.publish(stream, sdp, takeover=request.query.get("takeover") == "1")
    response = web.Response(
        status=201,
        text=session.answer_sdp,
        content_type=OFFER,
        headers={"Location": f"/whip/{stream.id}/{session.id}", "ETag": session.etag},
    )
    for link in whip.ice_server_links:
        response.headers.add("Link", link)
    return response


@routes.patch("/whip/{stream}/{session}")
@acts_by_key
async def change(request: web.Request) -> web.Response:
    """204 for trickled candidates; 200 with the server's side of a restart of ICE (§4.3)."""
    session = await _session(request)
    restart = session.patch(await _body(request, FRAGMENT), request.headers.get("If-Match"))
    if restart is None:
        return web.Response(status=204)
    return web.Response(
        text=restart.fragment, content_type=FRAGMENT, headers={"ETag": restart.etag}
    )


@routes.delete("/whip/{stream}/{session}")
@acts_by_key
async def stop(request: web.Request) -> web.Response:
    """Ends the broadcast, whatever If-Match says (RFC 9725 §4.2, §4.3.1)."""
    session = await _session(request)
    await request.app[SERVICES].whip.delete(session.id)
    return web.Response()


async def _session(request: web.Request) -> WhipSession:
    """The session in the path, for the holder of its stream's key."""
    stream, session_id = request.match_info["stream"], request.match_info["session"]
    await authorize(request, stream)
    session = request.app[SERVICES].whip.get(session_id)
    if session.stream.id != stream:
        raise UnknownSession
    return session


async def _body(request: web.Request, content_type: str) -> str:
    if request.content_type != content_type:
        accept = "Accept-Patch" if request.method == "PATCH" else "Accept-Post"
        raise web.HTTPUnsupportedMediaType(headers={accept: content_type})
    try:
        return (await request.read()).decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest("The SDP is not UTF-8 text.") from error
