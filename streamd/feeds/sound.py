"""The data saver: a stream's sound in longer parts, and one of its keyframes now and then. Pure.

Nothing is decoded: a *still* is the publisher's own keyframe, cut out of the part that carries it.
Sound of GROUP_TICKS travels in one fragment, so that boxes and frames around it weigh little.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from streamd.feeds import fragments
from streamd.media.parts import Init, Part
from streamd.media.units import MEDIA_TIMESCALE, Kind, Unit

GROUP_MS: Final = 400
GROUP_TICKS: Final = GROUP_MS * MEDIA_TIMESCALE // 1000

STILL_SECONDS: Final = 10
_STILL_TICKS: Final = STILL_SECONDS * MEDIA_TIMESCALE - MEDIA_TIMESCALE // 2
"""Half a second early is in time: else a keyframe that falls just before waits for the next."""


@dataclass(frozen=True, slots=True)
class Still:
    """One keyframe: its media time, how to decode it, and moof + mdat with that one sample."""

    t: int
    init: Init
    v: bytes


@dataclass(frozen=True, slots=True)
class SoundPart:
    """A part with sound alone, and the still that is due with it."""

    part: Part
    still: Still | None = None


def still_of(part: Part, init: Init) -> Still | None:
    """The picture that ``part`` opens with, where that is a keyframe."""
    if part.v is None or not part.key:
        return None
    picture = fragments.units(part.v, "v")[0]
    t = picture.pts * MEDIA_TIMESCALE // fragments.timescale(init.init)
    return Still(t, init, fragments.joined([picture], 1))


class Sound:
    """One generation's parts as the data saver gets them. ``inits`` are those in force."""

    def __init__(self, inits: dict[Kind, Init]) -> None:
        self._inits = dict(inits)
        self._rate = fragments.timescale(inits["a"].init) if "a" in inits else 1
        self._waiting: list[Unit] = []
        self._n = 0
        self._sequence = 1
        self._changed: Init | None = None
        self._still: Still | None = None
        self._next_still: int | None = None

    @property
    def waiting(self) -> bool:
        """True where something is held back for its group."""
        return bool(self._waiting)

    @property
    def inits(self) -> dict[Kind, Init]:
        """The tracks of what comes out: the sound's alone, where there is any."""
        return {"a": self._inits["a"]} if "a" in self._inits else {}

    @property
    def video(self) -> Init | None:
        """What decodes the next still."""
        return self._inits.get("v")

    def still_shown(self, t: int) -> None:
        """A joiner starts with a still of media time ``t``: the next one is due ten seconds on."""
        if self._next_still is None:
            self._next_still = t + _STILL_TICKS

    def push(self, part: Part) -> list[SoundPart]:
        """Takes the stream's next part; returns what is due with it, in order."""
        made: list[SoundPart] = []
        if part.init is not None:
            if "a" in part.init:
                made += self.flush()
                self._changed = part.init["a"]
                self._rate = fragments.timescale(part.init["a"].init)
            self._inits = {**self._inits, **part.init}
        self._n = part.n
        self._take_still(part)
        if part.a is not None:
            self._waiting += fragments.units(part.a, "a")
        if self._is_due:
            made += self.flush()
        return made

    def flush(self) -> list[SoundPart]:
        """What waits, as one part; nothing where nothing does."""
        still, self._still = self._still, None
        waiting, self._waiting = self._waiting, []
        if not waiting:
            if still is None:
                return []
            return [SoundPart(Part(self._n, still.t, key=True), still)]
        part = Part(
            n=self._n,
            t=waiting[0].dts * MEDIA_TIMESCALE // self._rate,
            key=True,
            a=fragments.joined(waiting, self._sequence),
        )
        self._sequence += len(waiting)
        if self._changed is not None:
            part = replace(part, init={"a": self._changed})
            self._changed = None
        return [SoundPart(part, still)]

    def _take_still(self, part: Part) -> None:
        video = self.video
        still = still_of(part, video) if video is not None else None
        if still is not None and (self._next_still is None or still.t >= self._next_still):
            self._still = still
            self._next_still = still.t + _STILL_TICKS

    @property
    def _is_due(self) -> bool:
        if "a" not in self._inits:
            return self._still is not None
        if not self._waiting:
            return False
        first, last = self._waiting[0], self._waiting[-1]
        held = last.dts + (last.duration or 0) - first.dts
        return held * MEDIA_TIMESCALE >= GROUP_TICKS * self._rate
