"""``/api/v1/polls``: asking, editing, moving and reading polls.

Whoever holds the stream's or the headquarters' key sees a poll whole. Everybody else is told of
polls that have opened, and of their results what their rules let be told.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from aiohttp import web

from polling.errors import InvalidPoll, UnknownPoll
from polling.model import Poll, Tally
from polling.poll_rules import PollRules
from polling.questions import Asked, Kind, Scale
from polling.rules import ASKER_CHARACTERS, check_duration, check_opens_at
from polling.visibility import Audience
from streamd.errors import AccessError
from streamd.web.json_bodies import read, reply
from streamd.web.language import choose
from streamd.web.poll_rows import asker_of, in_words, poll_row
from streamd.web.problems import BadRequest
from streamd.web.security import acts_by_key
from streamd.web.services import SERVICES, Services, authorize, authorized_stream
from streamd.web.shared_answers import SharedAnswers

routes = web.RouteTableDef()

SHARDS_READ: Final = 1_024
"""Of how many shards a list for everybody reads the tallies at most."""

LISTS: web.AppKey[SharedAnswers[list[dict[str, Any]]]] = web.AppKey("poll lists", SharedAnswers)
"""What everybody is told, by the stream and the poll asked for."""

_Labels = Annotated[tuple[str, ...], msgspec.Meta(max_length=64)]


class EditedPoll(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``PATCH /api/v1/polls/{id}``: what is left out stays.

    One question stands in the body itself, several in ``questions``. ``rules`` replace all rules,
    ``duration_seconds`` that one alone.
    """

    question: str | None = None
    kind: Kind = Kind.SINGLE
    choices: _Labels = ()
    minimum: int | None = None
    maximum: int | None = None
    scale: Scale | None = None
    right: _Labels = ()
    questions: Annotated[tuple[Asked, ...], msgspec.Meta(max_length=64)] | None = None
    rules: PollRules | None = None
    duration_seconds: int | msgspec.UnsetType | None = msgspec.UNSET

    def asked(self) -> tuple[Asked, ...] | None:
        """The questions, None: not asked anew. Raises BadRequest."""
        if self.question is None:
            if self.choices or self.right or self.scale is not None:
                raise BadRequest("The body has choices and no question.")
            return self.questions
        if self.questions is not None:
            raise BadRequest("The body has “question” and “questions”: send one of them.")
        one = Asked(
            text=self.question,
            kind=self.kind,
            choices=self.choices,
            minimum=self.minimum,
            maximum=self.maximum,
            scale=self.scale,
            right=self.right,
        )
        return (one,)

    def wanted(self, standing: PollRules) -> PollRules:
        """The rules, starting from those that stand."""
        wanted = self.rules or standing
        if self.duration_seconds is msgspec.UNSET:
            return wanted
        return msgspec.structs.replace(wanted, duration_seconds=self.duration_seconds)


class NewPoll(EditedPoll, frozen=True, forbid_unknown_fields=True):
    """``POST /api/v1/streams/{id}/polls``. The poll's own rules are checked by ``polling``."""

    open: bool = False
    opens_at: float | None = None


class Moved(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``POST /api/v1/polls/{id}/open`` and its like. ``at``: the media time in seconds of the
    picture at which viewers see it, of the generation that is on air; left out: as soon as may be.
    """

    at: Annotated[float, msgspec.Meta(ge=0, le=30 * 86_400)] | None = None


class Deadline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``POST /api/v1/polls/{id}/deadline``: ``closes_at`` as the poll's row has it, or how long the
    poll is open in all. Both say where the close comes to stand, so that to send one again changes
    nothing.
    """

    closes_at: float | None = None
    duration_seconds: int | None = None

    def of(self, poll: Poll) -> float:
        """When ``poll`` is to close, on the clock of its ``closes_at``. Raises BadRequest."""
        if (self.closes_at is None) is (self.duration_seconds is None):
            raise BadRequest("The body has “closes_at” or “duration_seconds”: send one of them.")
        if self.closes_at is not None:
            return self.closes_at
        begun = poll.opened_at if poll.cue_open is None else poll.cue_open
        return (begun or 0.0) + (check_duration(self.duration_seconds) or 0)


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``POST /api/v1/polls/{id}/schedule``: Unix seconds."""

    opens_at: float


@routes.get("/api/v1/polls")
async def list_polls(request: web.Request) -> web.Response:
    """Polls, newest first; ``?stream=`` narrows. What has not opened is the organiser's own.

    ``?late_of=``, a poll's id, asks for the one that takes its late answers, which is in no list.
    What everybody may ask for is made once a second or when a poll has moved, and ``tally`` and
    ``late`` are null where the polls before lie on SHARDS_READ shards.
    """
    services = request.app[SERVICES]
    stream, late_of = request.query.get("stream"), request.query.get("late_of")
    if stream is not None and "Authorization" in request.headers:
        await authorize(request, stream)
        rows = await _listed(services, stream, late_of, Audience.ORGANISER)
    else:
        rows = await request.app[LISTS].of(
            (stream, late_of),
            lambda: _listed(services, stream, late_of, Audience.PUBLIC),
            lambda: services.polls.changes,
        )
    catalogue = services.catalogues[choose(request)]
    return reply({"polls": [in_words(row, catalogue) for row in rows]})


async def _listed(
    services: Services, stream: str | None, late_of: str | None, audience: Audience
) -> list[dict[str, Any]]:
    polls: Sequence[tuple[Poll, Tally | None]]
    if late_of is not None:
        polls = await services.polls.late_answers(late_of)
    elif audience is Audience.ORGANISER:
        polls = await services.polls.list_with_tallies(stream)
    else:
        polls = await services.polls.list_within(SHARDS_READ, stream)
    late = await services.polls.late(poll for poll, tally in polls if tally is not None)
    return [
        poll.to_dict(tally, audience, late.get(poll.id))
        for poll, tally in polls
        if poll.is_visible(audience) and stream in (None, poll.stream)
    ]


@routes.get("/api/v1/polls/{poll}")
async def get_poll(request: web.Request) -> web.Response:
    """One poll whole, with its tally, its summary and its regions."""
    poll, audience = await seen_poll(request)
    return reply(await poll_row(request, poll, audience))


@routes.post("/api/v1/streams/{stream}/polls")
@acts_by_key
async def create_poll(request: web.Request) -> web.Response:
    """A new poll on a stream; opened at once, or scheduled, where the body says so."""
    services = request.app[SERVICES]
    stream = await authorized_stream(request)
    body = await read(request, NewPoll)
    asked = body.asked()
    if asked is None:
        raise BadRequest("The body has no question.")
    if body.open and body.opens_at is not None:
        raise BadRequest("The body asks to open now and at “opens_at”: send one of them.")
    if body.opens_at is not None:
        # Before there is a poll: a refused time leaves none.
        check_opens_at(body.opens_at, time.time())
    asker = asker_of(await authorize(request, stream.id), services.config.event, stream.id)
    name = services.catalogues[choose(request)].pick(asker.name)[:ASKER_CHARACTERS]
    wanted = _known_regions(services, body.wanted(PollRules()))
    poll = await services.polls.create_sheet(stream.id, asked, name, wanted, asked_by=asker)
    if body.open:
        poll = await services.polls.open(poll.id)
    elif body.opens_at is not None:
        poll = await services.polls.moves.schedule(poll.id, body.opens_at)
    location = {"Location": f"/api/v1/polls/{poll.id}"}
    return reply(await poll_row(request, poll, Audience.ORGANISER), 201, location)


@routes.patch("/api/v1/polls/{poll}")
@acts_by_key
async def edit_poll(request: web.Request) -> web.Response:
    """Other questions or rules, until somebody has voted."""
    services = request.app[SERVICES]
    poll = await authorized_poll(request)
    body = await read(request, EditedPoll)
    wanted = _known_regions(services, body.wanted(poll.rules))
    edited = await services.polls.moves.edit(poll.id, body.asked(), wanted)
    return reply(await poll_row(request, edited, Audience.ORGANISER))


@routes.post("/api/v1/polls/{poll}/schedule")
@acts_by_key
async def schedule_poll(request: web.Request) -> web.Response:
    """The poll opens by itself at ``opens_at``."""
    services = request.app[SERVICES]
    poll = await authorized_poll(request)
    body = await read(request, Schedule)
    moved = await services.polls.moves.schedule(poll.id, body.opens_at)
    return reply(await poll_row(request, moved, Audience.ORGANISER))


@routes.post("/api/v1/polls/{poll}/deadline")
@acts_by_key
async def move_deadline(request: web.Request) -> web.Response:
    """An open poll closes later or sooner than was told; each move stands in ``deadlines``."""
    services = request.app[SERVICES]
    poll = await authorized_poll(request)
    body = await read(request, Deadline)
    moved = await services.polls.moves.move_deadline(poll.id, body.of(poll))
    return reply(await poll_row(request, moved, Audience.ORGANISER))


@routes.post("/api/v1/polls/{poll}/{move:open|close|show|archive}")
@acts_by_key
async def move_poll(request: web.Request) -> web.Response:
    """Opens a poll for votes, ends the voting, puts the results on screen, or puts it away.

    While its stream is live viewers see it at a picture, ``cue`` in the reply; see polling.stage.
    """
    services = request.app[SERVICES]
    poll = await authorized_poll(request)
    body = await read(request, Moved) if request.can_read_body else Moved()
    moves = services.polls.moves
    match request.match_info["move"]:
        case "open":
            moved = await moves.open(poll.id, body.at)
        case "close":
            moved = await moves.close(poll.id, body.at)
        case "show":
            moved = await moves.show(poll.id, body.at)
        case _:
            moved = await moves.archive(poll.id)
    return reply(await poll_row(request, moved, Audience.ORGANISER))


async def authorized_poll(request: web.Request) -> Poll:
    """The poll in the path, for the holder of its stream's key."""
    poll = await request.app[SERVICES].polls.get(request.match_info["poll"])
    await authorize(request, poll.stream)
    return poll


async def seen_poll(request: web.Request) -> tuple[Poll, Audience]:
    """The poll in the path and as whom the request sees it. Raises UnknownPoll.

    What has not opened is its organiser's own: a stranger is not even told that it exists.
    """
    poll = await request.app[SERVICES].polls.get(request.match_info["poll"])
    audience = Audience.PUBLIC
    if "Authorization" in request.headers:
        try:
            await authorize(request, poll.stream)
        except AccessError:
            # A voter's token, or another stream's key: seen as by everybody.
            pass
        else:
            audience = Audience.ORGANISER
    if not poll.is_visible(audience):
        raise UnknownPoll(poll.id)
    return poll, audience


def _known_regions(services: Services, wanted: PollRules) -> PollRules:
    known = {region.id for region in services.config.event.regions}
    for region in wanted.regions:
        if region not in known:
            raise InvalidPoll(f"This event has no region “{region[:32]}”.", "regions")
    return wanted
