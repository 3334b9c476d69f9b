"""A generation's parts with its converted audio in place of the publisher's. Pure.

The pictures are the same bytes. As in the packager, audio travels with the next pictures, or alone
once it has waited; it comes a little later than the publisher's own, for the encoder looks ahead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from streamd.media import fmp4
from streamd.media.parts import Init, Part
from streamd.media.units import MEDIA_TIMESCALE, Kind, Track, Unit
from streamd.relay.packager import AUDIO_WAIT, audio_duration
from streamd.relay.part_feed import PartFeed


class Dubbing:
    """``feed`` holds the inits and the replay of what comes out."""

    def __init__(
        self, inits: Mapping[Kind, Init], audio: Track, part_ms: int, join_bytes: int
    ) -> None:
        own = {**inits, "a": Init(audio.codec, fmp4.init_segment(audio))}
        self.feed = PartFeed(own, join_bytes)
        self._audio = audio
        self._has_video = "v" in inits
        self._wait = max(AUDIO_WAIT, part_ms * MEDIA_TIMESCALE // 1000)
        self._waiting: list[Unit] = []
        self._n = self._sequence = 0

    def push_part(self, part: Part) -> list[Part]:
        """Takes the next part as the publisher's audio is in it."""
        if part.v is None:
            return []
        init: Mapping[Kind, Init] | None = None
        if part.init is not None and "v" in part.init:
            init = {"v": part.init["v"]}
        return [self._made(replace(part, a=None, init=init))]

    def push_audio(self, units: Sequence[Unit]) -> list[Part]:
        """Takes converted audio; returns it where it has waited for pictures long enough."""
        parts = []
        for unit in units:
            self._waiting.append(unit)
            waited = unit.dts - self._waiting[0].dts
            if waited * MEDIA_TIMESCALE // self._audio.timescale >= self._wait * self._has_video:
                parts += self.flush()
        return parts

    def flush(self) -> list[Part]:
        """Whatever still waits."""
        if not self._waiting:
            return []
        return [self._made(Part(n=0, t=self._starts(), key=not self._has_video))]

    def _starts(self) -> int:
        return self._waiting[0].dts * MEDIA_TIMESCALE // self._audio.timescale

    def _made(self, part: Part) -> Part:
        units, self._waiting = self._waiting, []
        audio = None
        start = part.t
        if units:
            start = min(start, units[0].dts * MEDIA_TIMESCALE // self._audio.timescale)
            self._sequence += 1
            durations = [audio_duration(unit, self._audio) for unit in units]
            audio = fmp4.fragment(self._audio, self._sequence, units, durations)
        made = replace(part, n=self._n, t=start, a=audio)
        self._n += 1
        return made
