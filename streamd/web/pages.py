"""Event, watch and studio pages: collect what a template shows, render it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from streamd.errors import UnknownStream
from streamd.relay.stream import Stream
from streamd.web.language import Catalogue, choose
from streamd.web.security import feed_url, may_be_framed, rtmp_url
from streamd.web.services import SERVICES, Services, find_stream
from streamd.web.views import in_rotation, region_rows, stream_row

routes = web.RouteTableDef()
_TEMPLATES = Path(__file__).parent / "templates"


def load_templates(catalogues: dict[str, Catalogue]) -> dict[str, Environment]:
    """One environment a language, its gettext installed."""
    environments = {}
    for language, catalogue in catalogues.items():
        environment = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.install_gettext_translations(catalogue.gettext, newstyle=True)  # type: ignore[attr-defined]
        environments[language] = environment
    return environments


@routes.get("/")
async def event_page(request: web.Request) -> web.Response:
    """All candidates in today's rotation."""
    services = request.app[SERVICES]
    catalogue = services.catalogues[choose(request)]
    ordered = in_rotation(list(services.streams), services.config.event)
    rows = [_row(services, stream, catalogue) for stream in ordered]
    return render(request, "event.html", {"streams": rows}, {"streams": rows})


@routes.get("/watch/{stream}")
async def watch_page(request: web.Request) -> web.Response:
    """One broadcast: the player and its polls."""
    services = request.app[SERVICES]
    regions = region_rows(services.config.event, services.catalogues[choose(request)])
    # Whose pages may say, around a frame of this one, which of their members is here.
    more = {"regions": regions, "origins": list(services.config.feeds.origins)}
    return await stream_page(request, "watch.html", more)


@routes.get("/embed/{stream}")
@may_be_framed
async def embed_page(request: web.Request) -> web.Response:
    """The same small, for a platform's pages to show in a frame."""
    services = request.app[SERVICES]
    stream, language = request.match_info["stream"], choose(request)
    try:
        await find_stream(services, stream)
    except UnknownStream:
        # The usual page of errors leads on to pages that no frame may show.
        missing = render(request, "embed_missing.html", {}, {})
        missing.set_status(404)
        return missing
    regions = region_rows(services.config.event, services.catalogues[language])
    more = {
        "regions": regions,
        "origins": list(services.config.feeds.origins),
        # Where a voter goes on whose browser keeps our cookies out of frames.
        "tab": f"/watch/{quote(stream)}?lang={language}",
    }
    return await stream_page(request, "embed.html", more)


@routes.get("/studio/{stream}")
async def studio_page(request: web.Request) -> web.Response:
    """The candidate's own page; its key stays in the URL's fragment and never reaches us here."""
    services = request.app[SERVICES]
    regions = region_rows(services.config.event, services.catalogues[choose(request)])
    more = {"rtmp_url": rtmp_url(request, services), "regions": regions}
    return await stream_page(request, "studio.html", more)


async def stream_page(
    request: web.Request, template: str, more: Mapping[str, object] = {}
) -> web.Response:
    """A page about the one stream that the address names; its scripts find ``more`` too."""
    services = request.app[SERVICES]
    catalogue = services.catalogues[choose(request)]
    stream = await find_stream(services, request.match_info["stream"])
    row = _row(services, stream, catalogue)
    return render(request, template, {"stream": row, **more}, {"stream": row})


def _row(services: Services, stream: Stream, catalogue: Catalogue) -> dict[str, object]:
    viewers = services.hub.subscribers(f"stream:{stream.id}")
    return stream_row(stream, viewers, services.config.event, catalogue)


def render(
    request: web.Request, template: str, page: dict[str, object], context: dict[str, object]
) -> web.Response:
    """A template in the visitor's language. ``page`` is for its scripts, ``context`` for itself."""
    services = request.app[SERVICES]
    language = choose(request)
    catalogue = services.catalogues[language]
    event = services.config.event
    shown_event = {
        "id": event.id,
        "title": catalogue.pick(event.title),
        "asker": catalogue.pick(event.asker),
    }
    common = {
        "lang": language,
        "dir": catalogue.direction,
        "event": shown_event,
        "simulated": event.simulated,
    }
    text = (
        services.templates[language]
        .get_template(template)
        .render(
            **common,
            **context,
            page={
                **common,
                **page,
                "feed_url": feed_url(request, services),
                "now": time.time(),
                "strings": catalogue.strings,
            },
            static=services.assets.url,
            tls=bool(services.config.tls.cert) or request.secure,
        )
    )
    return web.Response(text=text, content_type="text/html")
