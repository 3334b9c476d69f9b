"""A stream's sound as RTP packets (RFC 7587): in pairs, and as it came for those who ask for that.

Each way has numbers and a history of its own, since a viewer gets all of one and none of the other.
"""

from __future__ import annotations

from collections.abc import Mapping

from streamd.media.opus import SAMPLE_RATE
from streamd.media.units import Track, Unit
from streamd.webrtc.history import History
from streamd.webrtc.media_clock import MediaClock
from streamd.webrtc.rtp_packets import Packets
from streamd.webrtc.sound_pairs import Sound, SoundPairs

SOUND_SECONDS = 0.5
SOUND_BYTES = 262_144

Sounds = Mapping[bool, tuple[Packets, ...]]
"""What to send now: under True to those who get pairs, under False to those who do not."""


class SoundPackets:
    """One stream's. ``histories``: under True that of the pairs, under False the other."""

    def __init__(self, clock: MediaClock) -> None:
        self.histories: Mapping[bool, History] = {
            pairs: History(SOUND_SECONDS, SOUND_BYTES) for pairs in (True, False)
        }
        self._clock = clock
        self._pairs = SoundPairs()
        self._numbers = {True: 0, False: 0}

    @property
    def holds(self) -> bool:
        """Whether a packet waits for its other half."""
        return self._pairs.held_since is not None

    def push(self, unit: Unit, now: float) -> Sounds:
        """The next unit: an Opus packet, at its time on the clock."""
        return {
            True: self._made(True, self._pairs.push(unit.payload, unit.pts, now), now),
            False: self._made(False, [Sound(unit.payload, unit.pts)], now),
        }

    def flush(self, now: float) -> Sounds:
        """What waits goes alone."""
        return {True: self._made(True, self._pairs.flush(), now), False: ()}

    def clear(self) -> None:
        """Forgets everything, what waits too."""
        self._pairs.flush()
        for history in self.histories.values():
            history.clear()

    def _made(self, pairs: bool, sounds: list[Sound], now: float) -> tuple[Packets, ...]:
        made = []
        for sound in sounds:
            packets = Packets(
                "a",
                (sound.payload,),
                number=self._numbers[pairs],
                timestamp=self._clock.timestamp("a", sound.pts),
                arrival=now,
            )
            self._numbers[pairs] += 1
            self.histories[pairs].add(packets)
            made.append(packets)
        return tuple(made)


def is_carried(track: Track) -> bool:
    """Whether WebRTC carries this sound: Opus, mono or stereo."""
    return track.codec == "opus" and track.channels <= 2 and track.timescale == SAMPLE_RATE
