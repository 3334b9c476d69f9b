"""A media file as units on a continuous media time, loop after loop, without decoding.

libavformat reads the container and applies MP4 edit lists. Blocking: run it off the event loop.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import av
import av.error

from streamd.errors import MalformedMedia, MediaError, UnsupportedMedia
from streamd.media.units import Kind, Track, Unit
from streamd.relay.file_track import FileTrack, Packet

_PROBE_PACKETS = 2_000
"""Packets read at most in search of each track's first one."""

_SKEW_SECONDS = 0.25
"""How much later than the other track's a frame may stand in the file and still be put in order."""

_NAMES = {"hevc": "H.265", "vp9": "VP9", "vp8": "VP8", "av1": "AV1", "mpeg4": "MPEG-4 Part 2"}


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
        except MediaError as error:
            self._container.close()
            raise self._named(error) from error
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
            try:
                for unit in self._units:
                    units.append(unit)
                    if time_of(unit) >= self._until + _SKEW_SECONDS:
                        break
            except MediaError as error:
                raise self._named(error) from error
            units.sort(key=time_of)
            count = max(bisect_left(units, self._until, key=time_of), min(len(units), 1))
            self._ahead = units[count:]
            return units[:count]

    def close(self) -> None:
        """Waits for a running ``read``, then lets go of the file."""
        with self._lock:
            self._closed = True
            self._container.close()

    def _named(self, error: MediaError) -> MediaError:
        """The error with a sentence that names the file."""
        said = str(error)
        return error if self.name in said else type(error)(f"{self.name} cannot be used: {said}")

    def _open(self) -> Any:
        try:
            return av.open(self._path)
        except (av.error.FFmpegError, OSError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise MalformedMedia(f"{self.name} cannot be read as media: {reason}.") from error

    def _choose(self) -> dict[int, FileTrack]:
        """The first video and the first audio stream. Raises UnsupportedMedia."""
        sources: dict[int, FileTrack] = {}
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
            sources[stream.index] = FileTrack(kind, stream)
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


def _is_cover(stream: Any) -> bool:
    return bool(stream.disposition & stream.disposition.attached_pic)
