"""``/api/v1/…``: the polls' logs, open to anybody and to any page.

``/api/v1/polls/{poll}/log`` is a log's prefix in the sense of https://c2sp.org/tlog-tiles; beside
its checkpoint and tiles stand proofs ready made, for whoever checks one receipt. Entries are not
served: a ballot id is its voter's own, and in ``recount`` polls the openings hold them all.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from polling import log
from polling.errors import NotInLog, UnknownPoll
from polling.rules import is_poll_id
from polling.tiles import Tile
from streamd.web.json_bodies import reply
from streamd.web.pages import render
from streamd.web.problems import BadRequest
from streamd.web.services import SERVICES

routes = web.RouteTableDef()

_IMMUTABLE = "public, max-age=31536000, immutable"
_FINAL = "public, max-age=3600"
_BRIEF = "public, max-age=2"


@routes.get("/api/v1/log/key")
async def get_key(request: web.Request) -> web.Response:
    """The public key of every log here, as a vkey; ``?poll=``: by the name it signs that log as."""
    key = request.app[SERVICES].log_key
    poll = request.query.get("poll")
    if poll is not None:
        if not is_poll_id(poll):
            raise UnknownPoll(poll)
        key = key.named(log.origin(key.name, poll))
    return _text(key.vkey + "\n", _FINAL)


@routes.get("/api/v1/polls/{poll}/checkpoint")
@routes.get("/api/v1/polls/{poll}/log/checkpoint")
async def get_checkpoint(request: web.Request) -> web.Response:
    """The newest checkpoint, a signed note."""
    reader = request.app[SERVICES].log_reader
    return _text(await asyncio.to_thread(reader.checkpoint, request.match_info["poll"]), _BRIEF)


@routes.get("/api/v1/polls/{poll}/proof/{ballot}")
async def get_proof(request: web.Request) -> web.Response:
    """What completes a receipt: its ballot's inclusion proof, with the checkpoint it leads to."""
    reader = request.app[SERVICES].log_reader
    poll, ballot = request.match_info["poll"], request.match_info["ballot"]
    return reply(await asyncio.to_thread(reader.proof, poll, ballot))


@routes.get("/api/v1/polls/{poll}/consistency")
async def get_consistency(request: web.Request) -> web.Response:
    """The proof that the log of ``?to=`` leaves (default: the newest) begins with ``?from=``."""
    reader = request.app[SERVICES].log_reader
    old, new = _number(request, "from"), _number(request, "to")
    if old is None:
        raise BadRequest("Say how many leaves the earlier checkpoint had: ?from=N.")
    return reply(await asyncio.to_thread(reader.consistency, request.match_info["poll"], old, new))


@routes.get("/api/v1/polls/{poll}/log/tile/{path:.+}")
async def get_tile(request: web.Request) -> web.Response:
    """One tile, whole or partial: it never changes."""
    poll, tile = request.match_info["poll"], Tile.parse(request.match_info["path"])
    if tile is None:
        raise NotInLog(
            poll, "This is not the path of a tile: LEVEL/NUMBER or LEVEL/NUMBER.p/WIDTH."
        )
    hashes = await asyncio.to_thread(request.app[SERVICES].log_reader.tile, poll, tile)
    return web.Response(
        body=hashes,
        content_type="application/octet-stream",
        headers={"Cache-Control": _IMMUTABLE},
    )


@routes.get("/api/v1/polls/{poll}/close-statement")
async def get_close_statement(request: web.Request) -> web.Response:
    """The signed tally, identities and log of a poll that is over."""
    reader = request.app[SERVICES].log_reader
    poll = request.match_info["poll"]
    return _text(await asyncio.to_thread(reader.close_statement, poll), _FINAL)


@routes.get("/api/v1/polls/{poll}/superseded")
async def get_superseded(request: web.Request) -> web.StreamResponse:
    """Which leaves of a finished poll are superseded: their indices, ascending, a line each."""
    reader = request.app[SERVICES].log_reader
    path = await asyncio.to_thread(reader.superseded, request.match_info["poll"])
    return web.FileResponse(
        path, headers={"Content-Type": "text/plain; charset=utf-8", "Cache-Control": _FINAL}
    )


@routes.get("/api/v1/polls/{poll}/openings.jsonl")
async def get_openings(request: web.Request) -> web.StreamResponse:
    """Every counted answer of a ``recount`` poll that is over, in the leaves' order, a line each.

    A superseded leaf's line has its commitment alone.
    """
    reader = request.app[SERVICES].log_reader
    path = await asyncio.to_thread(reader.openings, request.match_info["poll"])
    return web.FileResponse(
        path, headers={"Content-Type": "application/x-ndjson", "Cache-Control": _FINAL}
    )


def _number(request: web.Request, name: str) -> int | None:
    text = request.query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise BadRequest(f"“{name}” is a number of leaves.")
    return int(text)


def _text(text: str, caching: str) -> web.Response:
    return web.Response(
        text=text, content_type="text/plain", charset="utf-8", headers={"Cache-Control": caching}
    )


@routes.get("/verify")
async def verify_page(request: web.Request) -> web.Response:
    """The page that checks a receipt in its reader's own browser."""
    return render(request, "verify.html", {}, {})
