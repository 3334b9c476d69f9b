"""A media file as units on a continuous media time, loop after loop, without decoding.

libavformat reads the container and applies MP4 edit lists. Blocking: run it off the event loop.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av
import av.error

from streamd.errors import MalformedMedia, UnsupportedMedia
from streamd.media import aac, h264, opus
from streamd.media.units import Kind, Track, Unit

_PROBE_PACKETS = 2_000
"""Packets read at most in search of each track's first one."""

_SKEW_SECONDS = 0.25
"""How much later than the other track's a frame may stand in the file and still be put in order."""

_NAMES = {"hevc": "H.265", "vp9": "VP9", "vp8": "VP8", "av1": "AV1", "mpeg4": "MPEG-4 Part 2"}

Packet = Any
"""av.Packet, whose stubs do not tell its buffer from its stream."""


class _Source:
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
        self.first = _dts(packet) * self.time_base
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
        dts = _dts(packet)
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
        if held is not None:
            held = replace(held, duration=max(unit.dts - held.dts, 1))
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


class FileReader:
    """Reads a file's H.264 and its AAC or Opus as units, over and over where ``loop`` is set.

    Media time starts at 0 with the earliest decode time of the file. A pass lasts as long as the
    file's longest track, and the next one continues the timestamps. Raises MalformedMedia or
    UnsupportedMedia, with a sentence that names the file.
    """

    def __init__(self, path: Path | str, *, loop: bool = False) -> None:
        self.name = Path(path).name
        self._path = str(path)
        self._loop = loop
        self._lock = threading.Lock()
        self._closed = False
        self._container: Any = self._open()
        try:
            self._sources = self._choose()
            self._opening = self._probe()
        except BaseException:
            self._container.close()
            raise
        self._units = self._all_units()
        self._ahead: list[Unit] = []
        self._until = 0.0

    @property
    def tracks(self) -> list[Track]:
        """What the units belong to."""
        return [source.track for source in self._sources.values()]

    def read(self, seconds: float) -> list[Unit]:
        """The next ``seconds`` of media in decoding order over all tracks; empty at the end."""
        with self._lock:
            if self._closed:
                return []
            scales = {track.kind: track.timescale for track in self.tracks}

            def time_of(unit: Unit) -> float:
                return unit.dts / scales[unit.kind]

            units = self._ahead
            if units:
                self._until = max(self._until, time_of(units[0]))
            self._until += seconds
            for unit in self._units:
                units.append(unit)
                if time_of(unit) >= self._until + _SKEW_SECONDS:
                    break
            units.sort(key=time_of)
            count = max(bisect_left(units, self._until, key=time_of), min(len(units), 1))
            self._ahead = units[count:]
            return units[:count]

    def close(self) -> None:
        """Waits for a running ``read``, then lets go of the file."""
        with self._lock:
            self._closed = True
            self._container.close()

    def _open(self) -> Any:
        try:
            return av.open(self._path)
        except (av.error.FFmpegError, OSError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise MalformedMedia(f"{self.name} cannot be read as media: {reason}.") from error

    def _choose(self) -> dict[int, _Source]:
        """The first video and the first audio stream. Raises UnsupportedMedia."""
        sources: dict[int, _Source] = {}
        accepted: tuple[tuple[Kind, str, tuple[str, ...]], ...] = (
            ("v", "video", ("h264",)),
            ("a", "audio", ("aac", "opus")),
        )
        for kind, medium, codecs in accepted:
            stream = next(
                (
                    stream
                    for stream in self._container.streams
                    if stream.type == medium and not _is_cover(stream)
                ),
                None,
            )
            if stream is None:
                continue
            codec = stream.codec_context.name if stream.codec_context is not None else "unknown"
            if codec not in codecs:
                raise UnsupportedMedia(
                    f"{self.name} holds {_NAMES.get(codec, codec)} {medium}. streamd relays H.264 "
                    "video with AAC or Opus audio, and does not convert."
                )
            sources[stream.index] = _Source(kind, stream)
        if not sources:
            raise UnsupportedMedia(f"{self.name} holds neither video nor audio.")
        return sources

    def _probe(self) -> list[Packet]:
        """Reads until each track's first packet is there; keeps what was read."""
        opening: list[Packet] = []
        missing = set(self._sources)
        for packet in self._packets():
            opening.append(packet)
            if packet.stream_index in missing:
                missing.discard(packet.stream_index)
                self._sources[packet.stream_index].start(packet)
            if not missing or len(opening) >= _PROBE_PACKETS:
                break
        for index in missing:
            del self._sources[index]
        if not self._sources:
            raise MalformedMedia(f"{self.name} holds no frames.")
        return [packet for packet in opening if packet.stream_index in self._sources]

    def _packets(self) -> Iterator[Packet]:
        streams = [self._container.streams[index] for index in self._sources]
        try:
            for packet in self._container.demux(streams):
                if packet.size:
                    yield packet
        except av.error.FFmpegError as error:
            raise MalformedMedia(f"{self.name} is damaged: {error.strerror}.") from error

    def _all_units(self) -> Iterator[Unit]:
        sources = self._sources
        firsts = [source.first for source in sources.values() if source.first is not None]
        origin = min(firsts)
        shift = -origin
        packets: Iterator[Packet] = chain(self._opening, self._packets())
        while True:
            count = 0
            for packet in packets:
                unit = sources[packet.stream_index].take(packet, shift)
                if unit is not None:
                    count += 1
                    yield unit
            length = max(source.end for source in sources.values()) - origin
            again = self._loop and length > 0
            for source in sources.values():
                following = (source.first or origin) + shift + length if again else None
                unit = source.release(following)
                if unit is not None:
                    count += 1
                    yield unit
                source.rewind()
            if not again or not count:
                return
            shift += length
            self._container.close()
            self._container = self._open()
            packets = self._packets()


def _dts(packet: Packet) -> int:
    dts = packet.dts if packet.dts is not None else packet.pts
    if dts is None:
        raise UnsupportedMedia("The file holds frames without timestamps.")
    return int(dts)


def _is_cover(stream: Any) -> bool:
    return bool(stream.disposition & stream.disposition.attached_pic)
