"""What a publication's units say about it that its broadcaster should be told, as notices.

No clock of its own: arrival times are given, in seconds of any steady clock.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from streamd.errors import MalformedMedia, UnsupportedMedia
from streamd.media import h264
from streamd.media.h264_profiles import (
    bits,
    chroma_name,
    is_chroma_decoded,
    is_profile_decoded,
    profile_name,
)
from streamd.media.units import Kind, Track, Unit
from streamd.relay.notices import NoticeCode, Notices

NO_KEYFRAME_SECONDS = 10.0
"""Without a keyframe for this long, whoever joins waits and nobody who fell behind recovers."""

RARE_SECONDS = 4.0
"""Keyframes further apart make joining slow and HLS segments dependent on one another."""

MISSING_SECONDS = 5.0
"""A track that has not come for this long, while the other does, is missed."""

SPACING_SECONDS = 10.0
"""Jumps that follow each other are told of this seldom."""

CALM_SECONDS = 30.0
"""After this without another, a jump, a turned picture or a B-frame is no news any more."""

MEASURED = (
    NoticeCode.B_FRAMES,
    NoticeCode.NO_KEYFRAME,
    NoticeCode.RARE_KEYFRAMES,
    NoticeCode.TIMESTAMPS_JUMPED,
    NoticeCode.PICTURE_CHANGED,
    NoticeCode.NO_AUDIO,
    NoticeCode.NO_VIDEO,
    NoticeCode.DELAY_FULL,
)
"""What is told from here. It ends with the publication; what others told stays."""


class Inspector:
    """Looks at the units of one generation, in the order in which they arrive."""

    def __init__(self, notices: Notices, tracks: Mapping[Kind, Track], now: float) -> None:
        self.reordered = 0
        """Pictures shown before one that was sent earlier: B-frames."""
        self._notices = notices
        self._tracks = dict(tracks)
        self._heard: dict[Kind, float] = {"v": now, "a": now}
        self._key_at = now
        self._last_key: Unit | None = None
        self._highest_pts = -1
        self._since: dict[NoticeCode, float] = {}

    def see(self, unit: Unit, now: float) -> None:
        """A unit arrived and is relayed."""
        self._heard[unit.kind] = now
        if unit.kind != "v":
            return
        if unit.track is not None:
            self._see_track(unit.track, now)
        if unit.key:
            self._see_key(unit, now)
        if unit.pts < self._highest_pts:
            self.reordered += 1
            self._tell(NoticeCode.B_FRAMES, now, profile=profile_of(self._tracks["v"]))
        else:
            self._highest_pts = unit.pts

    def pass_over(self, unit: Unit, now: float) -> None:
        """A unit arrived that no decoder can use: video before the first keyframe."""
        self._heard[unit.kind] = now

    def overflowed(self, now: float) -> None:
        """The broadcast delay holds no more of this."""
        self._tell(NoticeCode.DELAY_FULL, now)

    def jumped(self, times: int, now: float) -> None:
        """The publisher's clock jumped, for the ``times``-th time."""
        last = self._since.get(NoticeCode.TIMESTAMPS_JUMPED)
        # A clock that jumps with every picture is told of once in a while, not in each.
        if last is None or now - last >= SPACING_SECONDS:
            self._tell(NoticeCode.TIMESTAMPS_JUMPED, now, times=times)

    def tick(self, now: float) -> None:
        """A second has passed."""
        for code, at in tuple(self._since.items()):
            if now - at >= CALM_SECONDS:
                del self._since[code]
                self._notices.drop(code)
        gaps = {kind: now - at for kind, at in self._heard.items()}
        flows = min(gaps.values()) < MISSING_SECONDS
        self._set(NoticeCode.NO_AUDIO, flows and gaps["a"] >= MISSING_SECONDS)
        self._set(NoticeCode.NO_VIDEO, flows and gaps["v"] >= MISSING_SECONDS)
        if "v" in self._tracks and gaps["v"] < MISSING_SECONDS:
            self._set(NoticeCode.NO_KEYFRAME, now - self._key_at >= NO_KEYFRAME_SECONDS)

    def end(self) -> None:
        """The publication is over, and what was measured with it."""
        self._notices.drop(*MEASURED)

    def _see_key(self, unit: Unit, now: float) -> None:
        self._key_at = now
        self._highest_pts = -1
        self._notices.drop(NoticeCode.NO_KEYFRAME)
        if self._last_key is not None:
            seconds = (unit.dts - self._last_key.dts) / self._tracks["v"].timescale
            if seconds > RARE_SECONDS:
                self._notices.add(NoticeCode.RARE_KEYFRAMES, seconds=round(seconds))
            else:
                self._notices.drop(NoticeCode.RARE_KEYFRAMES)
        self._last_key = unit

    def _see_track(self, track: Track, now: float) -> None:
        before, self._tracks["v"] = self._tracks["v"], track
        if (before.width, before.height) != (track.width, track.height):
            self._tell(NoticeCode.PICTURE_CHANGED, now, width=track.width, height=track.height)

    def _tell(self, code: NoticeCode, now: float, **facts: str | int) -> None:
        self._since[code] = now
        self._notices.add(code, **facts)

    def _set(self, code: NoticeCode, holds: bool) -> None:
        if holds:
            self._notices.add(code)
        else:
            self._notices.drop(code)


def profile_of(track: Track) -> str:
    """The name of a video track's H.264 profile; empty where its configuration tells none."""
    sps = _sps(track)
    return profile_name(sps) if sps is not None else ""


def refuse_undecodable(track: Track, notices: Notices) -> None:
    """Raises UnsupportedMedia, and leaves a notice, for video that browsers do not decode."""
    sps = _sps(track) if track.kind == "v" else None
    if sps is None:
        return
    name, depth, chroma = profile_name(sps), bits(sps), chroma_name(sps)
    said = f"The video is H.264 {name}, {depth} bits, chroma {chroma}."
    if not is_chroma_decoded(sps):
        notices.add(NoticeCode.CHROMA, profile=name, chroma=chroma)
        raise UnsupportedMedia(
            f"{said} Browsers decode 4:2:0 only: choose the pixel format yuv420p (NV12 in OBS)."
        )
    if not is_profile_decoded(sps):
        notices.add(NoticeCode.PROFILE, profile=name, bits=depth)
        raise UnsupportedMedia(
            f"{said} Browsers decode 8-bit Baseline, Main and High: choose one of these profiles."
        )


def _sps(track: Track) -> h264.Sps | None:
    # A configuration that cannot be read is for the way in to judge; it built the track.
    with contextlib.suppress(MalformedMedia):
        sets = h264.parse_avcc(track.config).sps
        if sets:
            return h264.parse_sps(sets[0])
    return None
