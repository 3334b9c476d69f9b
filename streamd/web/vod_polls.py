"""``GET /vod/{recording}/polls.json``: the polls of a recording, with their curves.

Each poll stands as the store has it now, or, where it has it no more, as it was recorded; what it
asked and how its numbers grew is the recording's own. A recording that is being made has those that
are in it by now.
"""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from polling.errors import StoreDown
from polling.model import Poll, Tally
from polling.rules import FINISHED
from polling.visibility import Audience
from streamd.recording.catalogue import Entry
from streamd.recording.lifecycle import RecordingState
from streamd.recording.polls import Document, RecordedPoll, cue_of
from streamd.recording.written import Text, pack
from streamd.web import vod_texts
from streamd.web.services import SERVICES, Services
from streamd.web.shared_answers import SharedAnswers

routes = web.RouteTableDef()

ANSWERS: web.AppKey[SharedAnswers[Text]] = web.AppKey("vod polls", SharedAnswers)
"""By recording: late numbers move, and a crowd asks for the same."""


@routes.get(r"/vod/{recording:[a-z0-9-]{1,120}}/polls.json")
async def recorded_polls(request: web.Request) -> web.Response:
    """``{"polls": [{"poll", "cue", "curve", "late"}]}``; see docs/architecture.md."""
    services = request.app[SERVICES]
    entry = services.recordings.catalogue.get(request.match_info["recording"])
    text = await request.app[ANSWERS].of(entry.id, lambda: _answer(services, entry))
    return vod_texts.answer(request, text, "no-cache", "application/json")


async def _answer(services: Services, entry: Entry) -> Text:
    if entry.live is not None:
        recorded = entry.live.polls.document()
    elif entry.state is RecordingState.FINISHED:
        recorded = await services.recordings.ended_polls.of(entry.id)
    else:
        # What a killed process left is being finished; its polls are told with that.
        recorded = Document()
    delay = entry.kept.header.delay_seconds
    document = await _brought_up_to_date(services, recorded, delay)
    return await services.recordings.shelf.lend(lambda: pack(msgspec.json.encode(document)))


async def _brought_up_to_date(services: Services, recorded: Document, delay: float) -> Document:
    """The recorded polls with what the store says of them; as recorded where it is away."""
    ids = [one.poll["id"] for one in recorded.polls]
    try:
        stand = {poll.id: (poll, tally) for poll, tally in await services.polls.with_tallies(ids)}
        ended = [poll.id for poll, _ in stand.values() if poll.rules.late and poll.is_over]
        late = {one[0].late_of: one for one in await services.polls.late_answers(*ended)}
    except StoreDown:
        return recorded
    polls = []
    for one in recorded.polls:
        found = stand.get(one.poll["id"])
        if found is not None and found[0].is_visible(Audience.PUBLIC):
            one = _as_of_now(one, *found, late.get(found[0].id), delay)
        polls.append(one)
    return Document(polls)


def _as_of_now(
    recorded: RecordedPoll,
    poll: Poll,
    tally: Tally,
    late: tuple[Poll, Tally] | None,
    delay: float,
) -> RecordedPoll:
    if late is not None and not late[0].is_visible(Audience.PUBLIC):
        late = None
    row = poll.to_dict(tally, late=None if late is None else late[1])
    cue = {
        name: recorded.cue[name] if at is None else at for name, at in cue_of(row, delay).items()
    }
    shown = row["tally"]
    curve = _moderated(recorded.curve, shown.get("words"))
    return RecordedPoll(
        row,
        cue,
        _ended(curve, poll, shown, delay),
        None
        if late is None
        else {
            **late[1].sums(),
            "closes_at": late[0].closes_at,
            "tally": late[0].shown_tally(late[1]),
        },
    )


def _moderated(
    curve: list[tuple[Any, ...]], words: dict[str, list[list[Any]]] | None
) -> list[tuple[Any, ...]]:
    """The curve without words that are not shown any more: an approval may have been taken back."""
    if words is None:
        return curve
    shown = {question: {pair[0] for pair in cloud} for question, cloud in words.items()}
    return [
        point
        if len(point) < 4
        else (
            *point[:3],
            {
                question: [pair for pair in cloud if pair[0] in shown.get(question, ())]
                for question, cloud in point[3].items()
            },
        )
        for point in curve
    ]


def _ended(
    curve: list[tuple[Any, ...]], poll: Poll, shown: dict[str, Any], delay: float
) -> list[tuple[Any, ...]]:
    """The curve to its end, where the poll closed when nothing was recorded any more."""
    if poll.state not in FINISHED or poll.closed_at is None:
        return curve
    lag = delay if poll.cue_lag is None else poll.cue_lag
    last: tuple[Any, ...] = poll.closed_at - lag, shown["total"], shown["counts"]
    if "words" in shown:
        last = (*last, shown["words"])
    if curve and (curve[-1][0] >= last[0] or curve[-1][1:] == last[1:]):
        return curve
    return [*curve, last]
