"""Where a publisher's RTP timestamps fall on the stream's media time. Pure: no clock of its own.

Each track counts its own RTP clock from a random start, so sound and picture have to be brought
together (RFC 3550 §6.4.1). Until both tracks have a sender report they are aligned by arrival:
the least delayed packet so far tells when a timestamp was meant. Then by the reports' (NTP, RTP)
pairs: an error over ``CORRECTION_SECONDS`` is taken away once, at a keyframe, by moving the early
track forward, so that media time never steps back.

After that the reports are only watched, for the publisher's sound card and its clock may drift
apart: the same is done again, at most every ``REST_SECONDS``, and only where the last three
reports of each track agree. Single reports are off by up to 15 ms in Chromium, and by any amount
from senders that stamp them when they happen to send.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from streamd.media.units import Kind

CORRECTION_SECONDS = 0.020
"""A smaller error is left alone: nobody hears it, and each correction leaves a small hole."""
FIRST_SECONDS = 0.5
"""The most that one report of each track may move; beyond it, three must agree."""
ABSURD_SECONDS = 2.0
"""Reports that move a track further than this against its arrival are not believed."""
AGREEMENT_SECONDS = 0.020
REPORTS = 3
REST_SECONDS = 30.0
JUMP_SECONDS = 2.0
"""A timestamp this far from what its arrival says began anew: a restarted or replaced source."""


@dataclass(slots=True)
class _TrackClock:
    rate: int
    least: float | None = None
    """Arrival minus timestamp, in seconds, of the least delayed packet so far."""
    base: int | None = None
    """The RTP timestamp at media time 0."""
    reports: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=REPORTS))
    """The last sender reports: NTP seconds and the RTP timestamp of the same instant."""
    last: int = -1
    last_timestamp: int = 0
    last_arrival: float = 0.0

    def ntp_at_zero(self) -> list[float]:
        """NTP seconds at this track's media time 0, by each of its reports, in rising order."""
        base = self.base
        if base is None:
            return []
        return sorted(ntp - (timestamp - base) / self.rate for ntp, timestamp in self.reports)


def _agree(zeros: list[float]) -> bool:
    return len(zeros) == REPORTS and zeros[-1] - zeros[0] <= AGREEMENT_SECONDS


class Alignment:
    """The map from (track, unwrapped RTP timestamp) to media time, in the track's own ticks."""

    def __init__(self, rates: Mapping[Kind, int]) -> None:
        self._clocks = {kind: _TrackClock(rate) for kind, rate in rates.items()}
        self._origin: float | None = None
        self._corrected_at: float | None = None
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
            self._correct(now)
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
        self._corrected_at = None

    def _correct(self, now: float) -> None:
        if len(self._clocks) < 2:
            return
        video, audio = self._clocks["v"], self._clocks["a"]
        zeros_v, zeros_a = video.ntp_at_zero(), audio.ntp_at_zero()
        if not zeros_v or not zeros_a:
            return
        # Positive: a sound of the same instant has the smaller media time, so it plays early.
        early = zeros_a[len(zeros_a) // 2] - zeros_v[len(zeros_v) // 2]
        if not CORRECTION_SECONDS <= abs(early) <= ABSURD_SECONDS:
            return
        if not (_agree(zeros_v) and _agree(zeros_a)) and (
            self._corrected_at is not None or abs(early) > FIRST_SECONDS
        ):
            return
        if self._corrected_at is not None and now - self._corrected_at < REST_SECONDS:
            return
        self._corrected_at = now
        self._move(early)

    def _move(self, early: float) -> None:
        """Moves sound forward by ``early`` seconds, or the picture where it is negative."""
        video, audio = self._clocks["v"], self._clocks["a"]
        assert video.base is not None
        assert audio.base is not None
        if early > 0:
            audio.base -= round(early * audio.rate)
        else:
            video.base += round(early * video.rate)
        self.corrections = [*self.corrections[-31:], early]
