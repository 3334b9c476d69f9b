"""One elementary stream of a media file: libavformat's packets become units here."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from streamd.errors import UnsupportedMedia
from streamd.media import aac, h264, opus
from streamd.media.units import Kind, Track, Unit

Packet = Any
"""av.Packet, whose stubs do not tell its buffer from its stream."""


class FileTrack:
    """One elementary stream of the file: its packets become units here.

    A video unit is held back until its successor is known, since the distance between their decode
    times is the only duration that is always right.
    """

    def __init__(self, kind: Kind, stream: Any) -> None:
        self.kind = kind
        self.time_base = Fraction(stream.time_base)
        self.codec: str = stream.codec_context.name
        self.extradata = bytes(stream.codec_context.extradata or b"")
        self.channels = int(getattr(stream, "channels", 0) or 0)
        self.first: Fraction | None = None
        self.end = Fraction(0)
        self._length_size = 0
        self._original: Track | None = None
        self._current: Track | None = None
        self._held: Unit | None = None
        self._started = False

    @property
    def track(self) -> Track:
        assert self._original is not None
        return self._original

    def start(self, packet: Packet) -> None:
        """The first packet settles the track. Raises MediaError."""
        self.first = decode_time(packet) * self.time_base
        if self.kind == "v":
            self._original = self._video_track(bytes(packet))
        elif self.codec == "opus":
            dops = opus.dops_from_head(self.extradata)
            self._original = opus.opus_track(dops[1], dops)
        else:
            config = self.extradata or aac.split_adts(bytes(packet))[0].config
            self._original = aac.audio_track(config, self.channels)
        self._current = self._original

    def rewind(self) -> None:
        """The file starts again from its beginning."""
        self._started = False

    def take(self, packet: Packet, shift: Fraction) -> Unit | None:
        """The unit that is complete with this packet; ``shift`` seconds are added to its times."""
        dts = decode_time(packet)
        pts = dts if packet.pts is None else packet.pts
        duration = Fraction(packet.duration or 0) * self.time_base
        self.end = max(self.end, dts * self.time_base + duration)
        unit = Unit(
            kind=self.kind,
            dts=self._ticks(dts * self.time_base + shift),
            pts=self._ticks(pts * self.time_base + shift),
            key=self.kind == "a" or bool(packet.is_keyframe),
            payload=bytes(packet),
            duration=self._ticks(duration) or None,
        )
        if self.kind == "a":
            if self.codec == "aac" and not self.extradata:
                unit = replace(unit, payload=aac.split_adts(unit.payload)[0].payload)
            return unit
        return self._hold(unit)

    def release(self, following: Fraction | None) -> Unit | None:
        """The last unit of a pass; ``following`` is the first decode time of the next one."""
        unit, self._held = self._held, None
        if unit is not None and following is not None:
            unit = replace(unit, duration=max(self._ticks(following) - unit.dts, 1))
        return unit

    def _hold(self, unit: Unit) -> Unit | None:
        nals = (
            h264.split_avcc(unit.payload, self._length_size)
            if self._length_size
            else h264.split_annexb(unit.payload)
        )
        if self._length_size != 4:
            unit = replace(unit, payload=h264.to_avcc(nals))
        if unit.key:
            unit = self._with_track(unit, nals)
        elif not self._started:
            return None
        self._started = True
        held, self._held = self._held, unit
        if held is not None and unit.dts > held.dts:
            # Where timestamps step back, the packet's own duration is all there is.
            held = replace(held, duration=unit.dts - held.dts)
        return held

    def _with_track(self, unit: Unit, nals: list[bytes]) -> Unit:
        """Marks a keyframe whose parameter sets are not those the track has now."""
        wanted = self._current if self._started else self._original
        sps, pps = h264.parameter_sets(nals)
        if sps and pps and wanted is not None:
            known = h264.parse_avcc(wanted.config)
            if (known.sps, known.pps) != (sps, pps):
                wanted = h264.video_track(sps, pps)
        if wanted == self._current:
            return unit
        self._current = wanted
        return replace(unit, track=wanted)

    def _video_track(self, payload: bytes) -> Track:
        if self.extradata[:1] == b"\x01":
            config = h264.parse_avcc(self.extradata)
            self._length_size = config.length_size
            if config.length_size == 4:
                return h264.track_from_avcc(self.extradata)
            return h264.video_track(config.sps, config.pps)
        sps, pps = h264.parameter_sets(h264.split_annexb(payload))
        if not sps or not pps:
            sps, pps = h264.parameter_sets(h264.split_annexb(self.extradata))
        return h264.video_track(sps, pps)

    def _ticks(self, seconds: Fraction) -> int:
        return round(seconds * self.track.timescale)


def decode_time(packet: Packet) -> int:
    dts = packet.dts if packet.dts is not None else packet.pts
    if dts is None:
        raise UnsupportedMedia("The file holds frames without timestamps.")
    return int(dts)
