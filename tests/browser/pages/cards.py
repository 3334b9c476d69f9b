"""Test cards of an unusual kind: one track alone, or a phone that is turned while it broadcasts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

from streamd.media.units import MEDIA_TIMESCALE, Track, Unit
from streamd.relay.stream import Publisher, Stream
from streamd.relay.testcard import CardEncoder

FPS = 25


class Only:
    """A stream that is given the tracks of ``kinds`` alone."""

    def __init__(self, stream: Stream, kinds: str) -> None:
        self._stream = stream
        self._kinds = kinds

    def publish(self, source: str, request_keyframe: Callable[[], None] | None = None) -> OnlyTo:
        """See Stream.publish."""
        return OnlyTo(self._stream.publish(source, request_keyframe), self._kinds)


class OnlyTo:
    """Its publisher."""

    def __init__(self, publisher: Publisher, kinds: str) -> None:
        self._publisher = publisher
        self._kinds = kinds

    @property
    def closed(self) -> bool:
        """See Publisher."""
        return self._publisher.closed

    def announce(self, tracks: Sequence[Track], origin: float | None = None) -> None:
        """See Publisher."""
        self._publisher.announce([one for one in tracks if one.kind in self._kinds], origin)

    def write(self, unit: Unit) -> None:
        """See Publisher."""
        if unit.kind in self._kinds:
            self._publisher.write(unit)

    def close(self) -> None:
        """See Publisher."""
        self._publisher.close()


async def turning(stream: Stream, turn: asyncio.Event) -> None:
    """Pictures without sound, 640 × 360 until ``turn`` is set, then 384 × 660, without a new
    generation: the first picture held upright is a keyframe with its own parameter sets.
    """
    origin = Fraction(int(time.time()) + 1)
    card = CardEncoder(origin, audio="opus", fps=FPS, width=640, height=360)
    publisher = stream.publish("testcard")
    try:
        publisher.announce([card.tracks[0]], float(origin))
        turned_at: int | None = None
        number = 0
        while True:
            await asyncio.sleep(float(origin) + number / FPS - time.time())
            track: Track | None = None
            if turn.is_set() and turned_at is None:
                turned_at = number
                card = CardEncoder(origin, audio="opus", fps=FPS, width=384, height=660)
                track = card.tracks[0]
            for unit in card.encode(number - (turned_at or 0)):
                if unit.kind == "v":
                    later = (turned_at or 0) * MEDIA_TIMESCALE // FPS
                    publisher.write(
                        replace(unit, dts=unit.dts + later, pts=unit.pts + later, track=track)
                    )
                    track = None
            number += 1
    finally:
        publisher.close()
