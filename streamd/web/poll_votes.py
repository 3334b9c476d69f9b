"""What voters send over HTTP: votes, questions of their own, and votes for those.

Each is the twin of an RPC on the feed socket. None of these routes writes an access log.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web

from polling.errors import NoIdentity
from polling.model import Ballot
from streamd.identity import Identity
from streamd.web.identity import identity_of
from streamd.web.json_bodies import read, reply
from streamd.web.security import acts_by_key
from streamd.web.services import SERVICES

routes = web.RouteTableDef()

_Choices = Annotated[tuple[str, ...], msgspec.Meta(max_length=64)]


class Vote(msgspec.Struct, frozen=True):
    """``POST /api/v1/polls/{id}/votes``: the RPC's data without the poll."""

    ballot_id: str
    nonce: str
    choices: _Choices = ()
    text: str | None = None
    answers: Annotated[dict[str, _Choices | str], msgspec.Meta(max_length=64)] | None = None
    version: int = 0


class BallotNamed(msgspec.Struct, frozen=True):
    """``POST /api/v1/polls/{id}/tally``: the caller's ballot, where there is one."""

    ballot_id: str = ""


class Question(msgspec.Struct, frozen=True):
    """``POST /api/v1/polls/{id}/items``: ``id`` is 32 hexadecimal characters of the client's."""

    id: str
    text: str


@routes.post("/api/v1/polls/{poll}/votes")
@acts_by_key
async def cast_vote(request: web.Request) -> web.Response:
    """The twin of the RPC ``vote``; the reply means that the vote is on disk."""
    services = request.app[SERVICES]
    body = await read(request, Vote)
    voter = _voter(request)
    ballot = Ballot(
        poll=request.match_info["poll"],
        choices=body.choices,
        ballot_id=body.ballot_id,
        nonce=body.nonce,
        text=body.text,
        answers=body.answers,
        version=body.version,
    )
    receipt = await services.polls.cast(voter.voter, ballot, voter.tier, voter.region)
    return reply(receipt.to_dict())


@routes.post("/api/v1/polls/{poll}/tally")
@acts_by_key
async def read_tally(request: web.Request) -> web.Response:
    """The twin of the RPC ``tally``: with a counted ballot's id, what those who voted may see."""
    services = request.app[SERVICES]
    body = await read(request, BallotNamed)
    return reply(await services.polls.seen_tally(request.match_info["poll"], body.ballot_id))


@routes.post("/api/v1/polls/{poll}/items")
@acts_by_key
async def ask(request: web.Request) -> web.Response:
    """The twin of the RPC ``ask``: a question to the stream, held until it is approved."""
    services = request.app[SERVICES]
    body = await read(request, Question)
    voter = _voter(request)
    poll = request.match_info["poll"]
    text = await services.polls.written.ask(
        voter.voter, poll, body.id, body.text, voter.tier, voter.region
    )
    return reply({"poll": poll, "id": body.id, "text": text, "state": "held"}, 202)


@routes.post("/api/v1/polls/{poll}/items/{item}/upvote")
@acts_by_key
async def upvote(request: web.Request) -> web.Response:
    """The twin of the RPC ``upvote``: this viewer wants that question answered."""
    services = request.app[SERVICES]
    voter = _voter(request)
    poll, item = request.match_info["poll"], request.match_info["item"]
    upvotes = await services.polls.written.upvote(voter.voter, poll, item, voter.tier, voter.region)
    return reply({"poll": poll, "id": item, "upvotes": upvotes})


def _voter(request: web.Request) -> Identity:
    """Who votes here. Raises NoIdentity, and what ``identity_of`` raises."""
    identity = identity_of(request)
    if identity is None or not identity.may_vote_in(request.match_info["poll"]):
        raise NoIdentity
    return identity
