"""Cues: "the poll opens, closes or is shown when this picture is on screen".

A cue stands at a Unix time of the broadcast's own clock (a generation's ``started_at`` plus media
time), so that it outlives a generation: where another one begins before the picture has come, the
cue's media time is counted anew from that one's start. Pure: clocks and edges are given.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from streamd.media import fmp4
from streamd.media.playlist import DateRange
from streamd.media.units import MEDIA_TIMESCALE

SCHEME = "urn:streamd:poll:2026"
CLASS_NAME = "streamd.poll"

SOONEST_SECONDS = 0.5
"""How far past the newest media a cue stands at least: until then every path can be told."""

LEAD_SECONDS = 10.0
"""How long before its picture a cue is told within the media."""

MOST_CUES = 64
"""Of a stream. Policy when full: the one whose picture comes first goes."""

_NEVER = float("inf")


class Action(StrEnum):
    """What happens to a poll at a picture."""

    OPEN = "open"
    CLOSE = "close"
    SHOW = "show"


@dataclass(frozen=True, slots=True)
class Cue:
    """``at``: the picture's Unix time on the broadcast's clock. ``rev``: how often the poll's close
    was moved by then; of two closes the one of the higher ``rev`` counts, whichever is earlier.
    """

    poll: str
    action: Action
    at: float
    rev: int = 0

    @property
    def number(self) -> int:
        """32 bits, the same in every process that is told of the cue: the id of its emsg box."""
        rev = f" {self.rev}" if self.rev else ""
        return zlib.crc32(f"{self.poll} {self.action} {self.at!r}{rev}".encode())

    @property
    def id(self) -> str:
        """The same as text, for EXT-X-DATERANGE and JSON."""
        return str(self.number)

    def ticks(self, origin: float) -> int:
        """Its media time in 90,000ths of a second, for a generation that began at ``origin``."""
        return round((self.at - origin) * MEDIA_TIMESCALE)

    def to_dict(self, gen: int, origin: float) -> dict[str, object]:
        """``{id, gen, t, at, poll, action, rev}``; ``t`` in 90,000ths, negative where the picture
        was in an earlier generation.
        """
        return {
            "id": self.id,
            "gen": gen,
            "t": self.ticks(origin),
            "at": self.at,
            "poll": self.poll,
            "action": self.action.value,
            "rev": self.rev,
        }

    def box(self, origin: float) -> bytes:
        """The emsg box of the generation that began at ``origin``."""
        message = msgspec.json.encode({"poll": self.poll, "action": self.action, "rev": self.rev})
        return fmp4.event_message(SCHEME, self.number, self.ticks(origin), message)

    def date_range(self) -> DateRange:
        """Its EXT-X-DATERANGE."""
        attributes = {"X-POLL": self.poll, "X-ACTION": self.action.value, "X-REV": str(self.rev)}
        return DateRange(self.id, self.at, CLASS_NAME, attributes=attributes)


@dataclass(frozen=True, slots=True)
class CueTime:
    """When a cue given now is: ``at``, on the broadcast's clock; ``lag`` seconds later by the wall
    clock viewers at the live edge see that picture.
    """

    at: float
    lag: float


class Cues:
    """One stream's cues, by their pictures. ``on_told`` hears of each when it goes into the media:
    ``LEAD_SECONDS`` before its picture, or at once. A close that was moved is told when it moves,
    for as long, because another one may have been told already.
    """

    def __init__(self, on_told: Callable[[Cue], None] = lambda _: None) -> None:
        self.gen = 0
        self.version = 0
        """Rises with every change of what ``rows`` says."""
        self._listeners: dict[object, Callable[[Cue], None]] = {object(): on_told}
        self._cues: list[Cue] = []
        self._told: set[Cue] = set()
        self._moves: dict[Cue, float] = {}
        self.origin = 0.0
        """The Unix time of the generation's media time 0."""
        self._edge = 0.0
        self._until, self._boxes = _NEVER, b""

    def __iter__(self) -> Iterator[Cue]:
        return iter(tuple(self._cues))

    def put(self, cue: Cue) -> None:
        """Takes a cue; the same one again changes nothing.

        One poll closes once: a close takes the place of one of a lower ``rev``, and of a later one
        of the same whose picture has not come; one of a lower ``rev`` is not taken any more.
        """
        if cue in self._cues or any(_overrides(one, cue) for one in self._cues):
            return
        kept = [one for one in self._cues if not self._is_replaced(one, cue)]
        self._cues = sorted([*kept, cue], key=lambda one: (one.at, one.id))[-MOST_CUES:]
        self._told.intersection_update(self._cues)
        self._moves = {one: end for one, end in self._moves.items() if one in kept}
        if cue.rev:
            self._moves[cue] = self._edge + LEAD_SECONDS
        self.version += 1
        self._look(self._edge)

    def begin(self, gen: int, origin: float) -> None:
        """A generation begins: media time counts from ``origin``, a Unix time."""
        self.gen, self.origin = gen, origin
        self.version += 1
        self._look(origin)

    def stamp(self, ticks: int) -> bytes:
        """What goes before a part that begins at ``ticks``: the boxes of the cues whose picture is
        in it or yet to come. Empty where there are none.
        """
        self._edge = self.origin + ticks / MEDIA_TIMESCALE
        if self._edge > self._until:
            self._look(self._edge)
        return self._boxes

    def rows(self) -> list[dict[str, object]]:
        """All of them for JSON: whoever joins later, or goes back, meets their pictures too."""
        return [cue.to_dict(self.gen, self.origin) for cue in self._cues]

    def is_told(self, cue: Cue) -> bool:
        """Whether the cue stands in the media by now."""
        return cue in self._told

    def listen(self, on_told: Callable[[Cue], None]) -> Callable[[], None]:
        """Calls ``on_told`` as the constructor's; returns the function that ends it."""
        token = object()
        self._listeners[token] = on_told

        def unlisten() -> None:
            self._listeners.pop(token, None)

        return unlisten

    def _look(self, edge: float) -> None:
        """Tells what is near, and makes the boxes anew: the same bytes until one more is near, or
        one has passed.
        """
        self._edge = edge
        near = [one for one in self._cues if self._is_near(one, edge)]
        for cue in near:
            if cue not in self._told:
                self._told.add(cue)
                for listener in tuple(self._listeners.values()):
                    listener(cue)
        coming = [one for one in near if one.at >= edge]
        self._boxes = b"".join(one.box(self.origin) for one in coming)
        ends = [min(one.at, self._moves.get(one, _NEVER)) for one in coming]
        begins = [one.at - LEAD_SECONDS for one in self._cues if one not in near]
        self._until = min(ends + begins, default=_NEVER)

    def _is_near(self, cue: Cue, edge: float) -> bool:
        return cue.at <= edge + LEAD_SECONDS or edge <= self._moves.get(cue, -_NEVER)

    def _is_replaced(self, one: Cue, other: Cue) -> bool:
        if _overrides(other, one):
            return True
        same = _close_one_poll(one, other) and one.rev == other.rev
        return same and one.at > max(self._edge, other.at)


def _overrides(one: Cue, other: Cue) -> bool:
    return _close_one_poll(one, other) and one.rev > other.rev


def _close_one_poll(one: Cue, other: Cue) -> bool:
    return one.poll == other.poll and one.action is other.action is Action.CLOSE
