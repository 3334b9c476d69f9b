"""Two packets of sound in one, for half the packets a viewer. Pure.

Most of what a packet costs, it costs whatever its size. RFC 7587 §4.2 lets an RTP packet carry any
lawful Opus packet, and two frames that follow one another make one without being touched. The
price is that the first of the two waits for the second.
"""

from __future__ import annotations

from dataclasses import dataclass

from streamd.errors import MalformedMedia
from streamd.media.opus import joined, packet_samples

PAIR_SAMPLES = 1_920
"""40 ms: what a pair lasts at most; longer packets go as they came."""
PAIR_MS = PAIR_SAMPLES // 48
PAIR_BYTES = 1_200
HOLD_SECONDS = 0.03
"""A packet whose successor is later than this goes alone: its sound is about to be missed."""


@dataclass(frozen=True, slots=True)
class Sound:
    """An Opus packet and the time of its first sample, in the track's ticks (48,000 a second)."""

    payload: bytes
    pts: int


class SoundPairs:
    """Takes packets in order. One at most is held: ``held_since`` tells from when on."""

    def __init__(self) -> None:
        self.held_since: float | None = None
        self._held: Sound | None = None
        self._samples = 0

    def push(self, payload: bytes, pts: int, now: float) -> list[Sound]:
        """The next packet; returns what is to be sent now."""
        first, samples = self._held, self._samples
        if first is not None and abs(pts - first.pts - samples) <= samples // 4:
            # Some ways in round to milliseconds, so "right after" has to have room.
            both = joined(first.payload, payload)
            if both is not None and len(both) <= PAIR_BYTES:
                self._let_go()
                return [Sound(both, first.pts)]
        ready = self.flush()
        newest = Sound(payload, pts)
        self._samples = _single_frame(payload)
        if not self._samples:
            return [*ready, newest]
        self._held, self.held_since = newest, now
        return ready

    def flush(self) -> list[Sound]:
        """What is held, to go alone."""
        held = self._held
        self._let_go()
        return [] if held is None else [held]

    def _let_go(self) -> None:
        self._held = self.held_since = None


def _single_frame(payload: bytes) -> int:
    """Samples of a packet that may become half of a pair; 0 for any other."""
    try:
        samples = packet_samples(payload)
    except MalformedMedia:
        return 0
    return samples if payload[0] & 3 == 0 and 2 * samples <= PAIR_SAMPLES else 0
