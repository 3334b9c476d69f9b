"""What viewers write, on its organiser's desk: read and approved with the stream's key."""

from __future__ import annotations

import msgspec
from aiohttp import web

from polling.qa import ItemMove
from polling.store_answers import AnswerState, Verdict
from streamd.web.json_bodies import read, reply
from streamd.web.polls import authorized_poll
from streamd.web.problems import BadRequest
from streamd.web.security import acts_by_key
from streamd.web.services import SERVICES

routes = web.RouteTableDef()


class Judged(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``POST …/answers/{ballot_id}``; ``question``: of several open ones."""

    verdict: Verdict
    question: str = ""


class Moved(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``POST …/items/{item}``."""

    move: ItemMove


@routes.get("/api/v1/polls/{poll}/answers")
async def list_answers(request: web.Request) -> web.Response:
    """Open answers, about a hundred a page: ``?state=held|approved|rejected&cursor=``."""
    services = request.app[SERVICES]
    poll = await authorized_poll(request)
    state = request.query.get("state", AnswerState.HELD.value)
    cursor = request.query.get("cursor", "0")
    if state not in list(AnswerState) or not (cursor.isascii() and cursor.isdigit()):
        raise BadRequest("An answer is held, approved or rejected; a cursor is a number.")
    answers, following, total = await services.polls.written.answers(
        poll.id, AnswerState(state), int(cursor[:20])
    )
    rows = [answer.to_dict() for answer in answers]
    return reply({"answers": rows, "cursor": following or None, "total": total})


@routes.post("/api/v1/polls/{poll}/answers/{ballot}")
@acts_by_key
async def judge_answer(request: web.Request) -> web.Response:
    """Approves an open answer for the word cloud, or rejects it."""
    services = request.app[SERVICES]
    poll = await authorized_poll(request)
    body = await read(request, Judged)
    ballot = request.match_info["ballot"]
    await services.polls.written.judge_answer(poll.id, ballot, body.question, body.verdict)
    return web.Response(status=204, headers={"Cache-Control": "no-store"})


@routes.get("/api/v1/polls/{poll}/items")
async def list_items(request: web.Request) -> web.Response:
    """Every question that viewers put, whatever its state."""
    services = request.app[SERVICES]
    poll = await authorized_poll(request)
    items = await services.polls.written.items(poll.id)
    return reply({"items": [item.to_dict() for item in items]})


@routes.post("/api/v1/polls/{poll}/items/{item}")
@acts_by_key
async def judge_item(request: web.Request) -> web.Response:
    """Approves, rejects, answers or hides a viewer's question."""
    services = request.app[SERVICES]
    poll = await authorized_poll(request)
    body = await read(request, Moved)
    item = await services.polls.written.judge_item(poll.id, request.match_info["item"], body.move)
    return reply(item.to_dict())
