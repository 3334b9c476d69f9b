"""WHEP (draft-ietf-wish-whep): POST an offer, PATCH its ICE or an answer, DELETE the session.

Anybody may watch, from any page: nothing here looks at a cookie. What a session is worth stands in
its address, which cannot be guessed.

**Media time.** ``Link: </whep/{stream}/clock>; rel="urn:ietf:params:whep:ext:streamd:clock";
gen=3; started="1700000000.5"; video=1234; audio=5678`` comes with each 201: ``video`` and ``audio``
are the RTP timestamps (32 bits) of the generation's media time 0, at 90,000 and 48,000 a second,
the same for every viewer; ``started`` is that moment's Unix time. Media time is
``(rtpTimestamp - video) mod 2^32 / 90000`` for a picture of ``requestVideoFrameCallback()``; it
wraps every 13 hours. A GET of that address gives the newest generation's as JSON:
``{"gen", "started_at", "video": {"rtp", "rate"}, "audio": {"rtp", "rate"}}``, 409 while off air.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import NoReturn

from aiohttp import web

from streamd.media.units import Kind
from streamd.web.json_bodies import reply
from streamd.web.problems import BadRequest
from streamd.web.security import acts_by_key
from streamd.web.services import SERVICES, find_stream
from streamd.webrtc.errors import UnknownSession
from streamd.webrtc.media_clock import RATES
from streamd.webrtc.rtp_egress import RtpEgress
from streamd.webrtc.sdp_fragment import CONTENT_TYPE as FRAGMENT
from streamd.webrtc.viewer_life import PATIENCE, ViewerState
from streamd.webrtc.whep_errors import NotLive
from streamd.webrtc.whep_session import WhepSession

SDP = "application/sdp"
CLOCK = "urn:ietf:params:whep:ext:streamd:clock"

routes = web.RouteTableDef()


@routes.options("/whep/{stream}")
async def endpoint_options(_request: web.Request) -> web.Response:
    """What a client may post."""
    return web.Response(headers={"Accept-Post": SDP, "Allow": "GET, HEAD, OPTIONS, POST"})


@routes.options("/whep/{stream}/{session}")
async def session_options(_request: web.Request) -> web.Response:
    """What a client may patch with (RFC 5789 §3.1)."""
    return web.Response(
        headers={"Accept-Patch": f"{FRAGMENT}, {SDP}", "Allow": "DELETE, GET, OPTIONS, PATCH"}
    )


@routes.head("/whep/{stream}")
@routes.get("/whep/{stream}", allow_head=False)
async def endpoint(request: web.Request) -> web.Response:
    """How players that are given any address find out that this one is WHEP's."""
    await find_stream(request.app[SERVICES], request.match_info["stream"])
    return web.Response(content_type=SDP)


@routes.get("/whep/{stream}/clock")
async def clock(request: web.Request) -> web.Response:
    """How RTP timestamps and media time belong together now."""
    services = request.app[SERVICES]
    stream = await find_stream(services, request.match_info["stream"])
    egress = services.whep.egress(stream)
    if egress is None or not egress.on_air:
        raise NotLive(stream.id)
    kinds: tuple[tuple[str, Kind], ...] = (("video", "v"), ("audio", "a"))
    rows = {name: {"rtp": egress.clock.zero(kind), "rate": RATES[kind]} for name, kind in kinds}
    shown = {"gen": egress.clock.gen, "started_at": egress.clock.origin, **rows}
    return reply(shown, headers={"Cache-Control": "no-store"})


@routes.post("/whep/{stream}")
@acts_by_key
async def watch(request: web.Request) -> web.Response:
    """201 with the answer, the session's Location and the ETag of its ICE.

    406 with a counter-offer where the offer has no codec that streamd relays.
    """
    services = request.app[SERVICES]
    stream = await find_stream(services, request.match_info["stream"])
    session = await services.whep.watch(stream, await _body(request, SDP))
    location = f"/whep/{stream.id}/{session.id}"
    if session.countered:
        seconds, _ = PATIENCE[ViewerState.OFFERED]
        until = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
        return web.Response(
            status=406,
            body=session.description.encode(),
            headers={"Location": location, "Content-Type": f'{SDP}; valid-until="{until}"'},
        )
    response = web.Response(
        status=201,
        text=session.description,
        content_type=SDP,
        headers={"Location": location, "ETag": session.etag},
    )
    response.headers.add("Link", clock_link(session.egress))
    for link in services.whip.ice_server_links:
        response.headers.add("Link", link)
    return response


@routes.get("/whep/{stream}/{session}")
async def session_state(request: web.Request) -> web.Response:
    """Nothing, as the draft has it; 404 tells a client that its session is over."""
    _session(request)
    return web.Response(status=204)


@routes.patch("/whep/{stream}/{session}")
@acts_by_key
async def change(request: web.Request) -> web.Response:
    """204 for an answer or for candidates; 200 with our side of a restart of ICE."""
    session = _session(request)
    if request.content_type == SDP:
        session.accept(await _body(request, SDP))
        return web.Response(status=204, headers={"ETag": session.etag})
    restart = session.patch(await _body(request, FRAGMENT), request.headers.get("If-Match"))
    if restart is None:
        return web.Response(status=204)
    return web.Response(
        text=restart.fragment, content_type=FRAGMENT, headers={"ETag": restart.etag}
    )


@routes.delete("/whep/{stream}/{session}")
@acts_by_key
async def stop(request: web.Request) -> web.Response:
    """Ends the session, whatever If-Match says."""
    session = _session(request)
    await request.app[SERVICES].whep.delete(session.id)
    return web.Response()


def clock_link(egress: RtpEgress) -> str:
    """The Link header that relates RTP timestamps to media time; see above."""
    times = egress.clock
    return (
        f'</whep/{egress.stream.id}/clock>; rel="{CLOCK}"; gen={times.gen}; '
        f'started="{times.origin}"; '
        f"video={times.zero('v')}; audio={times.zero('a')}"
    )


def _session(request: web.Request) -> WhepSession:
    session = request.app[SERVICES].whep.get(request.match_info["session"])
    if session.stream.id != request.match_info["stream"]:
        raise UnknownSession
    return session


async def _body(request: web.Request, content_type: str) -> str:
    if request.content_type != content_type:
        _refuse_type(request)
    try:
        return (await request.read()).decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest("The SDP is not UTF-8 text.") from error


def _refuse_type(request: web.Request) -> NoReturn:
    patches = request.method == "PATCH"
    name, taken = ("Accept-Patch", f"{FRAGMENT}, {SDP}") if patches else ("Accept-Post", SDP)
    raise web.HTTPUnsupportedMediaType(headers={name: taken})
