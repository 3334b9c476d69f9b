"""AAC units into Opus units of 20 ms, for a publisher that goes by WebRTC. Blocking, no clock."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av

from streamd.errors import MalformedMedia
from streamd.media.opus import SAMPLE_RATE, opus_track
from streamd.media.units import Track, Unit

FRAME_SAMPLES = 960
TOLERANCE = SAMPLE_RATE // 100
"""Samples that a unit may lie off where the ones before it end: 10 ms. Further ahead, silence
stands between; further back, it is left out, for sound is there already."""
LONGEST_SILENCE = 2 * SAMPLE_RATE
"""Past this, either way, the sound starts anew."""

_BIT_RATE = 128_000


class AacToOpus:
    """One broadcast's converter, from any rate and layout to stereo at 48 kHz."""

    def __init__(self, source: Track) -> None:
        self.track = opus_track()
        self._rate = source.timescale
        self._decoder: Any = av.CodecContext.create("aac", "r")
        self._decoder.extradata = source.config
        self._decoder.open()
        self._next: int | None = None
        """Where the sound taken so far ends, at 48 kHz."""
        self._begin(0)

    def convert(self, unit: Unit) -> list[Unit]:
        """The Opus units that are complete with ``unit``. Raises MalformedMedia."""
        moment = unit.dts * SAMPLE_RATE // self._rate
        try:
            decoded = self._decoder.decode(av.Packet(unit.payload))
        except av.error.FFmpegError as error:
            raise MalformedMedia("The sound cannot be decoded.") from error
        if self._next is None or abs(moment - self._next) > LONGEST_SILENCE:
            self._begin(moment)
            self._next = moment
        elif moment - self._next < -TOLERANCE:
            return []
        elif moment - self._next > TOLERANCE:
            self._write(_silence(moment - self._next))
        for frame in decoded:
            for even in self._resampler.resample(frame):
                self._write(even)
        return self._encoded()

    def _write(self, frame: Any) -> None:
        assert self._next is not None
        frame.pts = None
        self._next += frame.samples
        self._fifo.write(frame)

    def _encoded(self) -> list[Unit]:
        made: list[Unit] = []
        while (ready := self._fifo.read(FRAME_SAMPLES)) is not None:
            ready.pts, ready.time_base = self._samples, Fraction(1, SAMPLE_RATE)
            self._samples += FRAME_SAMPLES
            # What libavcodec stamps before 0 is the encoder's delay, which it has taken off.
            packets = [packet for packet in self._encoder.encode(ready) if packet.pts >= 0]
            made += [self._unit(packet) for packet in packets]
        return made

    def _unit(self, packet: Any) -> Unit:
        at = self._base + packet.pts
        return Unit("a", at, at, True, bytes(packet), FRAME_SAMPLES)

    def _begin(self, moment: int) -> None:
        self._base, self._samples = moment, 0
        self._fifo: Any = av.AudioFifo()
        self._resampler: Any = av.AudioResampler(format="flt", layout="stereo", rate=SAMPLE_RATE)
        encoder: Any = av.CodecContext.create("libopus", "w")
        encoder.sample_rate, encoder.layout, encoder.format = SAMPLE_RATE, "stereo", "flt"
        encoder.time_base = Fraction(1, SAMPLE_RATE)
        encoder.bit_rate = _BIT_RATE
        encoder.open()
        self._encoder = encoder


def _silence(samples: int) -> Any:
    frame = av.AudioFrame("flt", "stereo", samples, align=1)
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    frame.sample_rate = SAMPLE_RATE
    return frame
