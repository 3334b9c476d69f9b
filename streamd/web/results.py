"""``/polls`` and ``/polls/{id}``: a stream's polls, and one poll's results to read and to take."""

from __future__ import annotations

import json

from aiohttp import web

from polling.model import Tally
from streamd.web import results_export
from streamd.web.language import choose
from streamd.web.pages import render
from streamd.web.polls import poll_row, seen_poll
from streamd.web.services import SERVICES, find_stream
from streamd.web.views import region_rows, stream_row

routes = web.RouteTableDef()


@routes.get("/polls")
async def history_page(request: web.Request) -> web.Response:
    """What was asked on ``?stream=``, or on every stream: who asked, when, how many, the result."""
    services = request.app[SERVICES]
    name = request.query.get("stream")
    streams = [await find_stream(services, name)] if name else list(services.streams)
    catalogue = services.catalogues[choose(request)]
    event = services.config.event
    rows = [stream_row(stream, 0, event, catalogue) for stream in streams]
    shown = rows[0] if name else None
    return render(
        request, "polls.html", {"streams": rows, "stream": shown}, {"streams": rows, "only": shown}
    )


@routes.get("/polls/{poll}")
async def results_page(request: web.Request) -> web.Response:
    """One poll: its questions as charts and tables, its rules, its log."""
    services = request.app[SERVICES]
    poll, audience = await seen_poll(request)
    row = await poll_row(services, poll, audience)
    catalogue, event = services.catalogues[choose(request)], services.config.event
    stream = stream_row(await find_stream(services, poll.stream), 0, event, catalogue)
    shown: dict[str, object] = {"poll": row, "stream": stream}
    return render(request, "poll.html", {**shown, "regions": region_rows(event, catalogue)}, shown)


@routes.get("/api/v1/polls/{poll}/results.json")
async def results_json(request: web.Request) -> web.Response:
    """The results as JSON, as far as the asker may see them."""
    poll, audience = await seen_poll(request)
    tally = await _tally(request, poll.id)
    row = results_export.as_json(poll, tally, audience, _notice(request))
    text = json.dumps(row, ensure_ascii=False, indent=2)
    return _download(text + "\n", "application/json", f"poll-{poll.id}.json")


@routes.get("/api/v1/polls/{poll}/results.csv")
async def results_csv(request: web.Request) -> web.Response:
    """The results as CSV, as far as the asker may see them."""
    poll, audience = await seen_poll(request)
    tally = await _tally(request, poll.id)
    text = results_export.as_csv(poll, tally, audience, _notice(request))
    return _download(text, "text/csv", f"poll-{poll.id}.csv")


async def _tally(request: web.Request, poll: str) -> Tally:
    return await request.app[SERVICES].polls.tally(poll)


def _notice(request: web.Request) -> str:
    catalogue = request.app[SERVICES].catalogues[choose(request)]
    return catalogue.gettext.gettext(results_export.NOTICE)


def _download(text: str, kind: str, name: str) -> web.Response:
    return web.Response(
        body=text.encode(),
        content_type=kind,
        charset="utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )
