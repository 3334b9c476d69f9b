"""A poll's row for one reader: in that reader's language, with the sentence that belongs beside it.

What the feeds push and recordings keep goes to readers of every language; there ``asked_by`` has
the asker's name in each of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from polling.asker import Asker
from polling.model import Poll
from polling.results import regions, summary
from polling.visibility import Audience
from streamd.config import Event
from streamd.keys import HEADQUARTERS, KeyRecord
from streamd.web.language import Catalogue, choose
from streamd.web.services import SERVICES

NOTICE: Final = "Self-selected, not representative; not a vote in the election."


def asker_of(record: KeyRecord, event: Event, stream: str) -> Asker:
    """Who asks on ``stream`` with the key of ``record``: the headquarters, or who speaks there.

    Where no candidate speaks on it, the stream's id stands for a name.
    """
    if record.scope == HEADQUARTERS:
        return Asker("headquarters", event.asker)
    candidate = next((one for one in event.candidates if one.stream == stream), None)
    return Asker("candidate", candidate.name if candidate and candidate.name else {"en": stream})


def in_words(row: Mapping[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    """``row``, a poll's, with ``asker`` in the reader's language and with its ``notice``."""
    asked_by = row["asked_by"]
    named = catalogue.pick(asked_by["name"]) if asked_by else ""
    return {
        **row,
        "asker": named or row["asker"],
        "notice": catalogue.gettext.gettext(NOTICE),
    }


async def poll_row(request: web.Request, poll: Poll, audience: Audience) -> dict[str, Any]:
    """The poll as ``audience`` sees it, with what its counts say, for whoever asks."""
    services = request.app[SERVICES]
    tally = await services.polls.tally(poll.id)
    late = await services.polls.late([poll])
    return {
        **in_words(
            poll.to_dict(tally, audience, late.get(poll.id)), services.catalogues[choose(request)]
        ),
        "summary": summary(poll, tally, audience),
        "regions": regions(poll, tally, audience),
    }
