"""``/api/v1``: streams, polls and votes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import msgspec
from aiohttp import web

from polling.errors import NoIdentity, UnknownPoll
from polling.model import Ballot, Poll
from polling.rules import PollState
from streamd.errors import AccessError
from streamd.web.advice import advise
from streamd.web.identity import identity_of
from streamd.web.json_bodies import read, reply
from streamd.web.language import choose
from streamd.web.security import acts_by_key
from streamd.web.services import SERVICES, Services, authorize, authorized_stream
from streamd.web.views import in_rotation, stream_row

routes = web.RouteTableDef()


class NewPoll(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``POST /api/v1/streams/{id}/polls``. The poll's own rules are checked by ``polling``."""

    question: str
    choices: Annotated[tuple[str, ...], msgspec.Meta(max_length=64)]
    duration_seconds: int | None = None
    open: bool = False


class Vote(msgspec.Struct, frozen=True):
    """``POST /api/v1/polls/{id}/votes``: the RPC's data without the poll."""

    choices: Annotated[tuple[str, ...], msgspec.Meta(max_length=64)]
    ballot_id: str
    nonce: str


@routes.get("/api/v1/streams")
async def list_streams(request: web.Request) -> web.Response:
    """Every stream, in today's published rotation."""
    services = request.app[SERVICES]
    ordered = in_rotation(list(services.streams), services.config.event)
    return reply({"streams": [_stream_row(request, stream.id) for stream in ordered]})


@routes.get("/api/v1/streams/{stream}")
async def get_stream(request: web.Request) -> web.Response:
    """One stream's row."""
    return reply(_stream_row(request, request.match_info["stream"]))


@routes.get("/api/v1/streams/{stream}/health")
async def get_health(request: web.Request) -> web.Response:
    """What the broadcaster should know, and do: for the holder of the stream's key."""
    stream = await authorized_stream(request)
    services = request.app[SERVICES]
    await stream.measure_sound()
    health = stream.health()
    advice = advise(health, services.catalogues[choose(request)])
    viewers = services.hub.subscribers(f"stream:{stream.id}")
    return reply({**asdict(health), "viewers": viewers, "advice": advice})


@routes.post("/api/v1/streams/{stream}/end")
@acts_by_key
async def end_stream(request: web.Request) -> web.Response:
    """Ends a broadcast whose publisher is lost; 409 while media comes."""
    stream = await authorized_stream(request)
    stream.end_lost()
    return web.Response(status=204, headers={"Cache-Control": "no-store"})


@routes.get("/api/v1/polls")
async def list_polls(request: web.Request) -> web.Response:
    """Polls, newest first; ``?stream=`` narrows. Drafts are the organiser's own."""
    services = request.app[SERVICES]
    stream = request.query.get("stream")
    drafts = False
    if stream is not None and "Authorization" in request.headers:
        await authorize(request, stream)
        drafts = True
    polls = await services.polls.list_with_tallies(stream)
    shown = [pair for pair in polls if drafts or pair[0].state is not PollState.DRAFT]
    return reply({"polls": [poll.to_dict(tally) for poll, tally in shown]})


@routes.get("/api/v1/polls/{poll}")
async def get_poll(request: web.Request) -> web.Response:
    """One poll whole, with its tally."""
    services = request.app[SERVICES]
    poll = await services.polls.get(request.match_info["poll"])
    if poll.state is PollState.DRAFT:
        try:
            await authorize(request, poll.stream)
        except AccessError as error:
            # A draft is its organiser's own: a stranger is not even told that it exists.
            raise UnknownPoll(poll.id) from error
    return reply(await _poll_row(services, poll))


@routes.post("/api/v1/streams/{stream}/polls")
@acts_by_key
async def create_poll(request: web.Request) -> web.Response:
    """A new poll on a stream, opened at once where the body says so."""
    services = request.app[SERVICES]
    stream = await authorized_stream(request)
    body = await read(request, NewPoll)
    poll = await services.polls.create(
        stream.id,
        body.question,
        body.choices,
        services.catalogues[choose(request)].pick(services.config.event.asker),
        duration_seconds=body.duration_seconds,
    )
    if body.open:
        poll = await services.polls.open(poll.id)
    location = {"Location": f"/api/v1/polls/{poll.id}"}
    return reply(await _poll_row(services, poll), 201, location)


@routes.post("/api/v1/polls/{poll}/open")
@acts_by_key
async def open_poll(request: web.Request) -> web.Response:
    """Opens a draft for voting."""
    services = request.app[SERVICES]
    poll = await _authorized_poll(request)
    return reply(await _poll_row(services, await services.polls.open(poll.id)))


@routes.post("/api/v1/polls/{poll}/close")
@acts_by_key
async def close_poll(request: web.Request) -> web.Response:
    """Ends the voting; the tally is final."""
    services = request.app[SERVICES]
    poll = await _authorized_poll(request)
    return reply(await _poll_row(services, await services.polls.close(poll.id)))


@routes.post("/api/v1/polls/{poll}/votes")
@acts_by_key
async def cast_vote(request: web.Request) -> web.Response:
    """The HTTP twin of the RPC ``vote``; the reply means that the vote is on disk."""
    services = request.app[SERVICES]
    body = await read(request, Vote)
    identity = identity_of(request)
    if identity is None or not identity.may_vote_in(request.match_info["poll"]):
        raise NoIdentity
    ballot = Ballot(
        poll=request.match_info["poll"],
        choices=body.choices,
        ballot_id=body.ballot_id,
        nonce=body.nonce,
    )
    receipt = await services.polls.cast(identity.voter, ballot)
    return reply(receipt.to_dict())


def _stream_row(request: web.Request, stream_id: str) -> dict[str, object]:
    services = request.app[SERVICES]
    stream = services.streams.get(stream_id)
    viewers = services.hub.subscribers(f"stream:{stream_id}")
    catalogue = services.catalogues[choose(request)]
    return stream_row(stream, viewers, services.config.event, catalogue)


async def _authorized_poll(request: web.Request) -> Poll:
    services = request.app[SERVICES]
    poll = await services.polls.get(request.match_info["poll"])
    await authorize(request, poll.stream)
    return poll


async def _poll_row(services: Services, poll: Poll) -> dict[str, object]:
    return poll.to_dict(await services.polls.tally(poll.id))
