"""The parts of one audio codec, and those of them since the last keyframe. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from streamd.media.parts import Init, Part
from streamd.media.units import Kind


class PartFeed:
    """One generation's. ``inits`` are the configurations in force after the newest part.

    The replay holds at most ``join_bytes``; past it, it is empty until the next keyframe.
    """

    def __init__(self, inits: Mapping[Kind, Init], join_bytes: int) -> None:
        self.inits = dict(inits)
        self._join_bytes = join_bytes
        self._replay: list[Part] = []
        self._replay_bytes = 0
        self._starved = False

    @property
    def replay(self) -> tuple[Part, ...]:
        """The parts since the last keyframe."""
        return tuple(self._replay)

    def keep(self, part: Part) -> bool:
        """Takes the next part; False where the replay has just grown over its bound."""
        if part.init is not None:
            self.inits |= part.init
        if part.key:
            self._clear()
        if self._starved or not (part.key or self._replay):
            return True
        self._replay.append(part)
        self._replay_bytes += part.size
        if self._replay_bytes <= self._join_bytes:
            return True
        self._clear()
        self._starved = True
        return False

    def _clear(self) -> None:
        self._replay = []
        self._replay_bytes = 0
        self._starved = False
