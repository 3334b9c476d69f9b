"""A stream's health: what the studio shows its broadcaster, measured on the units that arrive."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from streamd.media.units import Kind, Track, Unit
from streamd.relay.inspector import profile_of
from streamd.relay.lifecycle import StreamState
from streamd.relay.loudness import Level
from streamd.relay.notices import Notice

SPAN_SECONDS = 3.0
"""Rates are means over this much of the past."""


@dataclass(frozen=True, slots=True)
class LinkHealth:
    """What a way in knows of its line to the publisher; None where it cannot tell.

    ``loss_percent`` of the packets that should have come lately, 0 to 100; ``rtt_ms`` the round
    trip; ``jitter_ms`` as RFC 3550 section 6.4.1 has it.
    """

    loss_percent: float | None = None
    rtt_ms: float | None = None
    jitter_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """A snapshot, as the publisher's units arrive: before the broadcast delay.

    Rates are 0, codecs None and ``profile`` empty where nothing flows. ``ends_in_seconds`` is set
    while the stream is stalled: then it has ended. ``bitrate_kbps`` is of both tracks.
    ``keyframe_seconds`` is the time between the last two keyframes, None before there are two.
    ``b_frames`` counts pictures shown before one that was sent earlier. ``audio`` is true while
    audio arrives. ``level`` and ``link`` are None where they are not measured. ``dropped`` counts
    units lost to slow subscribers or to a full delay and units the relay could not use, since the
    stream was made. ``delay_seconds``: viewers see everything this much later.
    """

    state: StreamState
    source: str | None
    uptime_seconds: float
    ends_in_seconds: float | None
    video_codec: str | None
    profile: str
    width: int
    height: int
    fps: float
    bitrate_kbps: float
    keyframe_seconds: float | None
    b_frames: int
    audio_codec: str | None
    sample_rate: int
    channels: int
    audio: bool
    level: Level | None
    link: LinkHealth | None
    dropped: int
    delay_seconds: float
    notices: tuple[Notice, ...]


class Meter:
    """Counts arriving units; ``now`` is a monotonic clock in seconds."""

    def __init__(self, now: float) -> None:
        self._started = now
        self._arrived: deque[tuple[float, Kind, int]] = deque()
        self._bytes = 0
        self._frames = 0
        self._audio_units = 0
        self._last_key: int | None = None
        self.keyframe_ticks: int | None = None

    def count(self, unit: Unit, now: float) -> None:
        """A unit arrived."""
        self._arrived.append((now, unit.kind, len(unit.payload)))
        self._add(unit.kind, len(unit.payload), 1)
        if unit.kind == "v" and unit.key:
            if self._last_key is not None:
                self.keyframe_ticks = unit.dts - self._last_key
            self._last_key = unit.dts
        self._forget(now)

    def rates(self, now: float) -> tuple[float, float, bool]:
        """Frames a second, kbit/s, and whether audio arrives."""
        self._forget(now)
        span = min(max(now - self._started, 0.001), SPAN_SECONDS)
        return self._frames / span, self._bytes * 8 / 1000 / span, self._audio_units > 0

    def _forget(self, now: float) -> None:
        while self._arrived and self._arrived[0][0] < now - SPAN_SECONDS:
            _, kind, size = self._arrived.popleft()
            self._add(kind, size, -1)

    def _add(self, kind: Kind, size: int, sign: int) -> None:
        self._bytes += sign * size
        if kind == "v":
            self._frames += sign
        else:
            self._audio_units += sign


@dataclass(frozen=True, slots=True)
class Standing:
    """What a stream knows of itself, for a snapshot."""

    state: StreamState
    source: str | None
    ends_in: float | None
    live_since: float | None
    tracks: Mapping[Kind, Track]
    b_frames: int
    level: Level | None
    link: LinkHealth | None
    dropped: int
    delay_seconds: float
    notices: tuple[Notice, ...]


def snapshot(standing: Standing, meter: Meter | None, now: float) -> Health:
    """Health as of ``now``; ``meter`` is None where the stream never was live or has ended."""
    video, audio = standing.tracks.get("v"), standing.tracks.get("a")
    fps, kbps, hears = meter.rates(now) if meter is not None else (0.0, 0.0, False)
    ticks = meter.keyframe_ticks if meter is not None else None
    since, left = standing.live_since, standing.ends_in
    return Health(
        state=standing.state,
        source=standing.source,
        uptime_seconds=now - since if since is not None else 0.0,
        ends_in_seconds=round(left, 1) if left is not None else None,
        video_codec=video.codec if video is not None else None,
        profile=profile_of(video) if video is not None else "",
        width=video.width if video is not None else 0,
        height=video.height if video is not None else 0,
        fps=round(fps, 1),
        bitrate_kbps=round(kbps, 1),
        keyframe_seconds=ticks / video.timescale if ticks is not None and video else None,
        b_frames=standing.b_frames,
        audio_codec=audio.codec if audio is not None else None,
        sample_rate=audio.sample_rate if audio is not None else 0,
        channels=audio.channels if audio is not None else 0,
        audio=hears,
        level=standing.level,
        link=standing.link,
        dropped=standing.dropped,
        delay_seconds=standing.delay_seconds,
        notices=standing.notices,
    )
