"""``/present/{stream}``: a hall's screen, without a key. ``/studio/{stream}/desk``: the desk."""

from __future__ import annotations

import io

import segno
from aiohttp import web

from streamd.web.language import choose
from streamd.web.pages import stream_page
from streamd.web.security import own_origin
from streamd.web.services import SERVICES, find_stream
from streamd.web.views import region_rows

routes = web.RouteTableDef()


@routes.get("/present/{stream}")
async def present_page(request: web.Request) -> web.Response:
    """The question that is open or shown, large, and how to join. Public results only."""
    link = _short_link(request)
    return await stream_page(request, "present.html", {"join": link.partition("://")[2]})


@routes.get("/present/{stream}/qr.svg")
async def join_code(request: web.Request) -> web.Response:
    """The QR code of the link to join: black on white, whatever the page's colours are."""
    await find_stream(request.app[SERVICES], request.match_info["stream"])
    text = io.BytesIO()
    code = segno.make(_short_link(request), error="m", micro=False)
    code.save(text, kind="svg", border=2, omitsize=True, light="#ffffff", dark="#000000")
    return web.Response(
        body=text.getvalue(),
        content_type="image/svg+xml",
        headers={"Cache-Control": "public, max-age=300"},
    )


@routes.get("/j/{stream}")
async def join(request: web.Request) -> web.Response:
    """The short link of a hall's screen: on to the watch page."""
    stream = await find_stream(request.app[SERVICES], request.match_info["stream"])
    return web.Response(status=302, headers={"Location": f"/watch/{stream.id}"})


@routes.get("/studio/{stream}/desk")
async def desk_page(request: web.Request) -> web.Response:
    """The producer's desk; its key stays in the URL's fragment and never reaches us here."""
    services = request.app[SERVICES]
    regions = region_rows(services.config.event, services.catalogues[choose(request)])
    return await stream_page(request, "desk.html", {"regions": regions})


def _short_link(request: web.Request) -> str:
    origin = own_origin(request, request.app[SERVICES])
    return f"{origin}/j/{request.match_info['stream']}"
