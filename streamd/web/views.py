"""Streams and events as the API, the pages and the feeds show them: one shape for all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from streamd.campaign.rotation import rotated
from streamd.config import Candidate, Event
from streamd.relay.stream import Stream
from streamd.web.language import Catalogue


def stream_state(stream: Stream, viewers: int) -> dict[str, object]:
    """The part of a stream's row that changes: for ``event:{id}`` and every row."""
    return {
        "id": stream.id,
        "state": stream.state.value,
        "viewers": viewers,
        "started_at": stream.started_at,
        "delay_seconds": stream.delay_seconds,
    }


def stream_row(
    stream: Stream, viewers: int, event: Event, catalogue: Catalogue
) -> dict[str, object]:
    """A stream's row in ``GET /api/v1/streams``; ``candidate`` is null where none speaks on it."""
    candidate = next((one for one in event.candidates if one.stream == stream.id), None)
    return {
        **stream_state(stream, viewers),
        "candidate": _candidate_row(candidate, catalogue) if candidate else None,
    }


def _candidate_row(candidate: Candidate, catalogue: Catalogue) -> dict[str, object]:
    return {
        "number": candidate.number,
        "name": catalogue.pick(candidate.name),
        "about": catalogue.pick(candidate.about),
        "portrait": candidate.portrait,
    }


def in_rotation(streams: Sequence[Stream], event: Event) -> list[Stream]:
    """``streams`` in today's published rotation; those without a candidate last, by id."""
    order = [one.stream for one in rotated(event.candidates, datetime.now(UTC).date())]
    places = {stream: place for place, stream in enumerate(order)}
    return sorted(streams, key=lambda one: (places.get(one.id, len(places)), one.id))


def region_rows(event: Event, catalogue: Catalogue) -> list[dict[str, str]]:
    """The event's regions with their names in the visitor's language, for a page's scripts."""
    return [
        {"id": region.id, "name": catalogue.pick(region.name) or region.id}
        for region in event.regions
    ]
