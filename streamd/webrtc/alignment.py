"""Where a publisher's RTP timestamps fall on the stream's media time. Pure: no clock of its own.

Each track counts its own RTP clock from a random start, so sound and picture have to be brought
together (RFC 3550 §6.4.1). Until both tracks have a sender report they are aligned by arrival:
the least delayed packet so far tells when a timestamp was meant. Then by the reports' (NTP, RTP)
pairs, the middle one of the last three since single ones are off by up to 15 ms in Chromium: an
error over ``CORRECTION_SECONDS`` is taken away once, at a keyframe, by moving the early track
forward, so that media time never steps back. After that the reports are only watched: where the
publisher's sound card and its clock drift as far apart, the same is done again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from streamd.media.units import Kind

CORRECTION_SECONDS = 0.020
"""A smaller error is left alone: nobody hears it, and each correction leaves a small hole."""
ABSURD_SECONDS = 2.0
"""Reports that move a track further than this against its arrival are not believed."""
JUMP_SECONDS = 2.0
"""A timestamp this far from what its arrival says began anew: a restarted or replaced source."""


@dataclass(slots=True)
class _TrackClock:
    rate: int
    least: float | None = None
    """Arrival minus timestamp, in seconds, of the least delayed packet so far."""
    base: int | None = None
    """The RTP timestamp at media time 0."""
    reports: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=3))
    """The last sender reports: NTP seconds and the RTP timestamp of the same instant."""
    last: int = -1
    last_timestamp: int = 0
    last_arrival: float = 0.0

    def ntp_at_zero(self) -> float | None:
        """NTP seconds at this track's media time 0, by the middle one of its reports."""
        base = self.base
        if not self.reports or base is None:
            return None
        zeros = sorted(ntp - (timestamp - base) / self.rate for ntp, timestamp in self.reports)
        return zeros[len(zeros) // 2]


class Alignment:
    """The map from (track, unwrapped RTP timestamp) to media time, in the track's own ticks."""

    def __init__(self, rates: Mapping[Kind, int]) -> None:
        self._clocks = {kind: _TrackClock(rate) for kind, rate in rates.items()}
        self._origin: float | None = None
        self.corrections: list[float] = []
        """Seconds that sound was moved against the picture, newest last, at most 32 kept."""

    @property
    def started(self) -> bool:
        """Whether media time runs."""
        return self._origin is not None

    def arrived(self, kind: Kind, timestamp: int, now: float) -> None:
        """A packet with this timestamp came at ``now`` (seconds, any steady clock)."""
        clock = self._clocks[kind]
        delay = now - timestamp / clock.rate
        if clock.least is None or delay < clock.least:
            clock.least = delay

    def reported(self, kind: Kind, ntp_seconds: float, timestamp: int) -> None:
        """A sender report. NTP 0 means that the sender has no wall clock: no use here."""
        if ntp_seconds > 0:
            self._clocks[kind].reports.append((ntp_seconds, timestamp))

    def wall(self, kind: Kind, timestamp: int) -> float:
        """When the timestamp was meant, by arrival, on the clock that ``arrived`` was given."""
        clock = self._clocks[kind]
        assert clock.least is not None, "arrived() comes first"
        return timestamp / clock.rate + clock.least

    def start(self, kind: Kind, timestamp: int) -> None:
        """Media time 0 is this timestamp; both tracks count from there."""
        self._origin = self.wall(kind, timestamp)
        self._clocks[kind].base = timestamp

    def precedes(self, kind: Kind, timestamp: int) -> bool:
        """Whether the timestamp lies before media time 0: its unit came too late to be in it."""
        clock = self._clocks[kind]
        if clock.base is None:
            assert self._origin is not None, "start() comes first"
            return self.wall(kind, timestamp) < self._origin
        return clock.last < 0 and timestamp < clock.base

    def zero(self) -> float:
        """When media time 0 was, by arrival, on the clock that ``arrived`` was given."""
        kind: Kind = "v" if self._clocks["v"].base is not None else "a"
        base = self._clocks[kind].base
        assert base is not None, "start() comes first"
        return self.wall(kind, base)

    def place(self, kind: Kind, timestamp: int, now: float, *, keyframe: bool = False) -> int:
        """Media time of a unit, in the track's ticks; always later than the unit before it.

        ``keyframe`` is true for a video keyframe: the moment at which tracks may be moved.
        """
        clock = self._clocks[kind]
        if clock.base is None:
            self._join(clock)
        elif clock.last >= 0:
            self._follow_jump(clock, timestamp, now)
        if keyframe:
            self._correct()
        assert clock.base is not None
        clock.last = max(timestamp - clock.base, clock.last + 1, 0)
        clock.last_timestamp, clock.last_arrival = timestamp, now
        return clock.last

    def _join(self, clock: _TrackClock) -> None:
        """Gives a track its place on the running media time, by arrival."""
        assert self._origin is not None, "start() comes first"
        assert clock.least is not None, "arrived() comes first"
        clock.base = round((self._origin - clock.least) * clock.rate)

    def _follow_jump(self, clock: _TrackClock, timestamp: int, now: float) -> None:
        assert clock.base is not None
        elapsed = now - clock.last_arrival
        step = (timestamp - clock.last_timestamp) / clock.rate
        if abs(step - elapsed) <= JUMP_SECONDS:
            return
        clock.base = timestamp - clock.last - max(1, round(elapsed * clock.rate))
        clock.least = now - timestamp / clock.rate
        clock.reports.clear()

    def _correct(self) -> None:
        if len(self._clocks) < 2:
            return
        video, audio = self._clocks["v"], self._clocks["a"]
        at_zero_v, at_zero_a = video.ntp_at_zero(), audio.ntp_at_zero()
        if at_zero_v is None or at_zero_a is None:
            return
        assert video.base is not None
        assert audio.base is not None
        # Positive: a sound of the same instant has the smaller media time, so it plays early.
        early = at_zero_a - at_zero_v
        if not CORRECTION_SECONDS <= abs(early) <= ABSURD_SECONDS:
            return
        if early > 0:
            audio.base -= round(early * audio.rate)
        else:
            video.base += round(early * video.rate)
        self.corrections = [*self.corrections[-31:], early]
