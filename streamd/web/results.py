"""``/polls`` and ``/polls/{id}``: a stream's polls, and one poll's results to read and to take."""

from __future__ import annotations

import json

from aiohttp import web

from polling.model import Poll, Tally
from polling.visibility import Audience
from streamd.web import results_export
from streamd.web.language import Catalogue, choose
from streamd.web.pages import render
from streamd.web.poll_rows import poll_row
from streamd.web.polls import seen_poll
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
    row = await poll_row(request, poll, audience)
    catalogue, event = services.catalogues[choose(request)], services.config.event
    stream = stream_row(await find_stream(services, poll.stream), 0, event, catalogue)
    shown: dict[str, object] = {"poll": row, "stream": stream}
    return render(request, "poll.html", {**shown, "regions": region_rows(event, catalogue)}, shown)


@routes.get("/api/v1/polls/{poll}/results.json")
async def results_json(request: web.Request) -> web.Response:
    """The results as JSON, as far as whoever asks may see them."""
    taken = await _taken(request)
    text = json.dumps(results_export.as_json(*taken), ensure_ascii=False, indent=2)
    return _download(text + "\n", "application/json", f"poll-{taken[0].id}.json")


@routes.get("/api/v1/polls/{poll}/results.csv")
async def results_csv(request: web.Request) -> web.Response:
    """The results as CSV, as far as whoever asks may see them."""
    taken = await _taken(request)
    return _download(results_export.as_csv(*taken), "text/csv", f"poll-{taken[0].id}.csv")


async def _taken(request: web.Request) -> tuple[Poll, Tally, Audience, Catalogue, Tally | None]:
    services = request.app[SERVICES]
    poll, audience = await seen_poll(request)
    tally = await services.polls.tally(poll.id)
    late = await services.polls.late([poll])
    return poll, tally, audience, services.catalogues[choose(request)], late.get(poll.id)


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
