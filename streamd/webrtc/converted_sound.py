"""A broadcast's AAC as Opus, which is what browsers take by WebRTC: made once for all viewers.

In a thread of its own, and only while somebody watches: one stereo stream takes a few per cent of
a core, which a broadcast without such viewers is spared.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from streamd.errors import MalformedMedia
from streamd.media.opus import opus_track
from streamd.media.units import Track, Unit
from streamd.relay.audio_conversion import AudioConversion
from streamd.webrtc.aac_to_opus import AacToOpus

log = structlog.get_logger(__name__)


class ConvertedSound:
    """One stream's. ``on_units`` gets the Opus units, ``on_failed`` the track that none can be
    made of; neither is called for a track that is not followed any more.
    """

    def __init__(
        self, on_units: Callable[[list[Unit]], None], on_failed: Callable[[Track], None]
    ) -> None:
        self._on_units = on_units
        self._on_failed = on_failed
        self._source: Track | None = None
        self._conversion: AudioConversion | None = None

    @property
    def is_made(self) -> bool:
        """Whether the sound is the publisher's in another codec."""
        return self._source is not None

    @property
    def runs(self) -> bool:
        """Whether it is being converted now."""
        return self._conversion is not None

    def follow(self, track: Track) -> Track:
        """The stream's sound is of this track; returns what viewers hear."""
        self.forget()
        if not track.codec.startswith("mp4a."):
            return track
        self._source = track
        return opus_track()

    def push(self, unit: Unit, *, watched: bool) -> None:
        """The next unit of the track; it is converted where somebody watches."""
        if self._source is None:
            return
        if not watched:
            self.rest()
            return
        if self._conversion is None:
            self._conversion = AudioConversion(_Opus(self._source), self._on_units, self._fail)
        self._conversion.push(unit)

    def rest(self) -> None:
        """Nobody watches: nothing is converted until the next ``push`` that somebody does."""
        if self._conversion is not None:
            self._conversion.stop()
            self._conversion = None

    def forget(self) -> None:
        """The track is over."""
        self.rest()
        self._source = None

    def _fail(self, reason: str) -> None:
        source, self._source, self._conversion = self._source, None, None
        if source is not None:
            log.warning("sound cannot be made Opus", codec=source.codec, reason=reason)
            self._on_failed(source)


class _Opus:
    """The converter as the thread uses it; made there, since opening codecs takes time too."""

    def __init__(self, source: Track) -> None:
        self.track = opus_track()
        self.lost = 0
        self._source = source
        self._converter: AacToOpus | None = None

    def convert(self, unit: Unit) -> list[Unit]:
        """What is complete with ``unit``; one that cannot be decoded leaves a hole."""
        if self._converter is None:
            self._converter = AacToOpus(self._source)
        try:
            return self._converter.convert(unit)
        except MalformedMedia:
            self.lost += 1
            return []

    def finish(self) -> list[Unit]:
        """Nothing: who listens live is at the end already."""
        return []
