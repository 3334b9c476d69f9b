"""Units into parts: what a WebSocket player appends.

One video frame a part by default, or up to ``part_ms`` of video. Audio travels in the next video
part; where none comes it goes alone once it has waited 40 ms of media time. Pure: no clock.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from streamd.media import fmp4, opus
from streamd.media.parts import Init, Part
from streamd.media.units import MEDIA_TIMESCALE, Kind, Track, Unit

AUDIO_WAIT = MEDIA_TIMESCALE * 40 // 1000
"""Media time that audio waits for a video part, in 90,000ths of a second."""

GENEROUS_DURATION = MEDIA_TIMESCALE // 10
"""Written for a frame of unknown duration. MSE drops everything up to the next keyframe when a
frame's decode time is more than twice the last frame's duration away (coded frame processing,
step 6), so a real 33 ms would stall the player at the first late frame."""

LONGEST_PART_MS = 100


class Packager:
    """Cuts one generation's units into parts and numbers them from 0.

    ``gaps`` counts video frames that a player will drop because their decode time lies further
    from the last frame than MSE allows; the next keyframe repairs it.
    """

    def __init__(self, tracks: Mapping[Kind, Track], part_ms: int = 0) -> None:
        self._tracks = dict(tracks)
        self._inits = {kind: Init(t.codec, fmp4.init_segment(t)) for kind, t in tracks.items()}
        part_ms = min(max(part_ms, 0), LONGEST_PART_MS)
        self._part_ticks = part_ms * MEDIA_TIMESCALE // 1000
        self._audio_wait = max(AUDIO_WAIT, self._part_ticks)
        self._waiting: dict[Kind, list[Unit]] = {"v": [], "a": []}
        self._sequence: dict[Kind, int] = {"v": 0, "a": 0}
        self._changed: dict[Kind, Init] = {}
        self._last_video: Unit | None = None
        self._last_duration = GENEROUS_DURATION
        self._interval = 0
        self._n = 0
        self.gaps = 0

    @property
    def inits(self) -> Mapping[Kind, Init]:
        """Each track's codec string and initialisation segment, as they are now."""
        return dict(self._inits)

    def push(self, unit: Unit) -> list[Part]:
        """Takes the next unit of a track; returns the parts that are complete with it."""
        return self._push_video(unit) if unit.kind == "v" else self._push_audio(unit)

    def flush(self) -> list[Part]:
        """The last part of a generation: whatever still waits."""
        return [self._cut()] if self._waiting["v"] or self._waiting["a"] else []

    def _push_video(self, unit: Unit) -> list[Part]:
        parts = []
        if unit.key and self._waiting["v"]:
            parts.append(self._cut())
        self._note_video(unit)
        self._take_track(unit)
        waiting = self._waiting["v"]
        waiting.append(unit)
        if unit.dts + self._expected(unit) - waiting[0].dts >= self._part_ticks:
            parts.append(self._cut())
        return parts

    def _push_audio(self, unit: Unit) -> list[Part]:
        self._take_track(unit)
        waiting = self._waiting["a"]
        waiting.append(unit)
        waited = (unit.dts - waiting[0].dts) * MEDIA_TIMESCALE // self._tracks["a"].timescale
        if waited < (self._audio_wait if "v" in self._tracks else self._part_ticks):
            return []
        return [self._cut(video=False)]

    def _note_video(self, unit: Unit) -> None:
        last = self._last_video
        if last is not None:
            self._interval = unit.dts - last.dts
            if not unit.key and self._interval > 2 * self._last_duration:
                self.gaps += 1
        self._last_video = unit
        self._last_duration = self._written(unit)

    def _take_track(self, unit: Unit) -> None:
        track = unit.track
        if track is None or track == self._tracks[unit.kind]:
            return
        self._tracks[unit.kind] = track
        init = Init(track.codec, fmp4.init_segment(track))
        self._inits[unit.kind] = self._changed[unit.kind] = init

    def _expected(self, unit: Unit) -> int:
        """The best guess at a video unit's real duration."""
        return unit.duration or self._interval or GENEROUS_DURATION

    def _written(self, unit: Unit) -> int:
        """The duration a part gives its last video unit: real where known, else generous."""
        return unit.duration or max(GENEROUS_DURATION, 2 * self._interval)

    def _cut(self, *, video: bool = True) -> Part:
        audio_units, self._waiting["a"] = self._waiting["a"], []
        video_units: list[Unit] = []
        if video:
            video_units, self._waiting["v"] = self._waiting["v"], []
        starts = [
            units[0].dts * MEDIA_TIMESCALE // self._tracks[units[0].kind].timescale
            for units in (video_units, audio_units)
            if units
        ]
        part = Part(
            n=self._n,
            t=min(starts),
            key=video_units[0].key if video_units else "v" not in self._tracks,
            v=self._fragment("v", video_units),
            a=self._fragment("a", audio_units),
            init=self._changed or None,
        )
        self._changed = {}
        self._n += 1
        return part

    def _fragment(self, kind: Kind, units: Sequence[Unit]) -> bytes | None:
        if not units:
            return None
        self._sequence[kind] += 1
        last = (
            self._written(units[-1])
            if kind == "v"
            else audio_duration(units[-1], self._tracks["a"])
        )
        durations = [b.dts - a.dts for a, b in itertools.pairwise(units)]
        return fmp4.fragment(self._tracks[kind], self._sequence[kind], units, [*durations, last])


def audio_duration(unit: Unit, track: Track) -> int:
    """An audio unit's length in ticks of its track: as told, or as its codec fixes it."""
    if unit.duration is not None:
        return unit.duration
    return opus.packet_samples(unit.payload) if track.codec == "opus" else 1024
