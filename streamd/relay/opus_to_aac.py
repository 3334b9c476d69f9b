"""Opus units into AAC units, by libopus and libavcodec's own AAC encoder. Blocking, no clock.

The encoder's priming is subtracted: a unit's timestamp is the moment of the sound in it, and what
the encoder puts before the first moment is left out. The same units make the same bytes wherever
they are converted from the start of a generation.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av

from streamd.errors import MalformedMedia
from streamd.media import aac, opus
from streamd.media.units import Track, Unit

RATE = opus.SAMPLE_RATE
FRAME_SAMPLES = 1024
"""Samples in an AAC-LC access unit, and in the encoder's priming."""

TOLERANCE = RATE // 100
"""Samples that a packet may lie off where the ones before it end, before silence fills the hole or
the packet is left out. It never adds up: every packet is held against the generation's start."""

LONGEST_SILENCE = 2 * RATE
"""A longer hole stays a hole: the encoder starts anew behind it."""

_BIT_RATES = {1: 96_000, 2: 128_000}
_BIT_RATE_MORE = 64_000
"""For each channel past two."""

_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_TIME_BASE = Fraction(1, RATE)


class OpusToAac:
    """One generation's converter. ``track`` is what its units are of; ``lost`` counts Opus packets
    that could not be decoded or came where sound already was: silence stands for them.

    Raises av.FFmpegError where libavcodec does not take the channel layout.
    """

    def __init__(self, source: Track) -> None:
        self.lost = 0
        self._layout = _LAYOUTS[source.channels]
        self._decoder = _decoder(source, self._layout)
        self._encoder = _encoder(source.channels, self._layout)
        self._channels = source.channels
        self._format = ""
        self._start: int | None = None
        self._samples = 0
        self.track = aac.audio_track(bytes(self._encoder.extradata or b""), source.channels)

    def convert(self, unit: Unit) -> list[Unit]:
        """The AAC units that are complete with ``unit``: sound up to about 40 ms before its end."""
        frame = self._decoded(unit.payload)
        if frame is None:
            self.lost += 1
            return []
        units: list[Unit] = []
        if self._start is None:
            self._start = unit.dts
        off = unit.dts - self._start - self._samples
        if off > LONGEST_SILENCE:
            units += self.finish()
            self._encoder = _encoder(self._channels, self._layout)
            self._start, self._samples = unit.dts, 0
        elif off > TOLERANCE:
            units += self._encoded(self._silence(off))
        elif off < -TOLERANCE:
            self.lost += 1
            return []
        return units + self._encoded(frame)

    def finish(self) -> list[Unit]:
        """What is still in the encoder; its last unit ends in silence."""
        return list(self._units(self._encoder.encode(None))) if self._samples else []

    def _decoded(self, payload: bytes) -> Any:
        try:
            opus.packet_samples(payload)
            frames = self._decoder.decode(av.Packet(payload))
        except (av.FFmpegError, MalformedMedia):
            return None
        if not frames:
            return None
        self._format = frames[0].format.name
        return frames[0]

    def _silence(self, samples: int) -> Any:
        frame = av.AudioFrame(self._format, self._layout, samples, align=1)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.sample_rate = RATE
        return frame

    def _encoded(self, frame: Any) -> list[Unit]:
        frame.pts = self._samples
        frame.time_base = _TIME_BASE
        self._samples += frame.samples
        return list(self._units(self._encoder.encode(frame)))

    def _units(self, packets: Any) -> Iterator[Unit]:
        assert self._start is not None
        for packet in packets:
            # libavcodec stamps the priming before 0: it holds nothing of the sound.
            if packet.pts >= 0:
                at = self._start + packet.pts
                yield Unit("a", at, at, True, bytes(packet), FRAME_SAMPLES)


def _decoder(source: Track, layout: str) -> Any:
    decoder: Any = av.CodecContext.create("libopus", "r")
    decoder.sample_rate = RATE
    decoder.layout = layout
    # Without pre-skip: the units' timestamps already count from the first sound.
    decoder.extradata = opus.head_from_dops(source.config, pre_skip=0)
    decoder.open()
    return decoder


def _encoder(channels: int, layout: str) -> Any:
    encoder: Any = av.CodecContext.create("aac", "w")
    encoder.sample_rate = RATE
    encoder.layout = layout
    encoder.format = "fltp"
    encoder.time_base = _TIME_BASE
    encoder.bit_rate = _BIT_RATES.get(channels) or channels * _BIT_RATE_MORE
    encoder.thread_count = 1
    # Otherwise the library's version stands in the first unit.
    encoder.flags |= int(av.codec.context.Flags.bitexact)
    encoder.open()
    return encoder
