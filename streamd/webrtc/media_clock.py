"""From media time to RTP timestamps and NTP times, for all viewers of a stream. Pure.

Both tracks' RTP timestamps run beside the wall clock: media time 0 of a generation was at its
``origin``, so a new generation goes on where the time in between has led to, and sound stays with
the picture. Offsets are random, as RFC 3550 §5.1 asks, but the stream's own and not a viewer's: a
timestamp then names the same picture at every viewer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from streamd.media.opus import SAMPLE_RATE
from streamd.media.units import MEDIA_TIMESCALE, Kind

RATES: Mapping[Kind, int] = {"v": MEDIA_TIMESCALE, "a": SAMPLE_RATE}
"""RTP clock rates (RFC 6184 §8.2.1, RFC 7587 §4.1)."""

NTP_EPOCH = 2_208_988_800
"""Seconds from NTP's epoch, 1900, to Unix's (RFC 5905 §6)."""

STEP_SECONDS = 0.04
"""What lies at least between the last timestamp of a generation and the first of the next."""


class MediaClock:
    """The RTP timestamps of one stream. ``gen`` is the generation they are made for.

    ``offsets`` are 32 random bits a track.
    """

    def __init__(self, offsets: Mapping[Kind, int]) -> None:
        self.gen = 0
        self.origin = 0.0
        self._offsets = dict(offsets)
        self._zero: dict[Kind, int] = dict(offsets)
        self._last: dict[Kind, int] = {}
        self._first_origin: float | None = None
        self._lift = 0.0

    def begin(self, gen: int, origin: float) -> None:
        """A generation begins whose media time 0 was at ``origin``, Unix time.

        A wall clock that was set back in between does not set the timestamps back.
        """
        if self._first_origin is None:
            self._first_origin = origin
        self.gen, self.origin = gen, origin
        elapsed = origin - self._first_origin
        for kind, last in self._last.items():
            reached = (last - self._offsets[kind]) / RATES[kind]
            self._lift = max(self._lift, reached + STEP_SECONDS - elapsed)
        for kind, offset in self._offsets.items():
            self._zero[kind] = offset + math.ceil((elapsed + self._lift) * RATES[kind])

    def timestamp(self, kind: Kind, ticks: int) -> int:
        """The RTP timestamp (32 bits) of a track's media time in its own clock rate."""
        value = self._zero[kind] + ticks
        self._last[kind] = max(value, self._last.get(kind, value))
        return value & 0xFFFFFFFF

    def zero(self, kind: Kind) -> int:
        """The RTP timestamp (32 bits) of this generation's media time 0."""
        return self._zero[kind] & 0xFFFFFFFF

    def at(self, kind: Kind, wall: float) -> tuple[int, int]:
        """For a sender report: 64-bit NTP time and RTP timestamp of the same Unix time."""
        ticks = round((wall - self.origin) * RATES[kind])
        return ntp_time(wall), (self._zero[kind] + ticks) & 0xFFFFFFFF


def ntp_time(wall: float) -> int:
    """Unix time as 64-bit NTP time (RFC 5905 §6)."""
    return round((wall + NTP_EPOCH) * (1 << 32))
