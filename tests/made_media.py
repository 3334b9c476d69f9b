"""Small media files made on the spot, as faulty as a test wants them."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from streamd.media.units import Kind, Track, Unit
from streamd.relay.demux import FileReader


@dataclass(frozen=True)
class Picture:
    """A video track to make; ``options`` are libx264's own."""

    width: int = 320
    height: int = 180
    fps: int = 25
    pix_fmt: str = "yuv420p"
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sound:
    """An AAC track to make: a tone of 440 Hz."""

    rate: int = 48_000
    layout: str = "stereo"


ZERO_LATENCY = {"tune": "zerolatency", "preset": "ultrafast", "g": "25"}


def made(path: Path, seconds: float, video: Picture | None, audio: Sound | None) -> Path:
    """An MP4 of that length. Without ``options`` a keyframe each second and no B-frames."""
    with av.open(str(path), "w") as container:
        encoders: list[tuple[Any, Any]] = []
        if video is not None:
            stream: Any = container.add_stream("libx264", rate=video.fps)
            stream.width, stream.height, stream.pix_fmt = video.width, video.height, video.pix_fmt
            stream.codec_context.thread_count = 1
            stream.options = video.options or ZERO_LATENCY
            encoders.append((stream, _pictures(video, seconds)))
        if audio is not None:
            stream = container.add_stream("aac", rate=audio.rate)
            stream.layout = audio.layout
            encoders.append((stream, _sounds(audio, seconds)))
        for stream, frames in encoders:
            for frame in [*frames, None]:
                for packet in stream.encode(frame):
                    container.mux(packet)
    return path


def _pictures(video: Picture, seconds: float) -> list[Any]:
    frames = []
    for number in range(int(seconds * video.fps)):
        grey = av.VideoFrame(video.width, video.height, "yuv420p")
        luma = grey.planes[0]
        line = bytes((number * 3 + x) % 220 + 16 for x in range(luma.line_size))
        luma.update(line * video.height)
        for chroma in grey.planes[1:]:
            chroma.update(b"\x80" * chroma.buffer_size)
        frame = grey.reformat(format=video.pix_fmt)
        frame.pts, frame.time_base = number, Fraction(1, video.fps)
        frames.append(frame)
    return frames


def _sounds(audio: Sound, seconds: float) -> list[Any]:
    frames = []
    for start in range(0, int(seconds * audio.rate), 1024):
        frame: Any = av.AudioFrame("fltp", audio.layout, 1024, align=1)
        wave = array(
            "f",
            (
                0.2 * math.sin(2 * math.pi * 440 * n / audio.rate)
                for n in range(start, start + 1024)
            ),
        )
        for plane in frame.planes:
            plane.update(memoryview(wave).cast("B"))
        frame.sample_rate, frame.pts, frame.time_base = audio.rate, start, Fraction(1, audio.rate)
        frames.append(frame)
    return frames


@dataclass
class Broadcast:
    """Tracks and their units, each with the moment at which it would be sent."""

    tracks: list[Track]
    units: list[tuple[float, Unit]]

    @classmethod
    def of(cls, path: Path) -> Broadcast:
        """A file's units, sent at their decode times."""
        reader = FileReader(path)
        try:
            tracks = reader.tracks
            scales = {track.kind: track.timescale for track in tracks}
            units = reader.read(1e9)
        finally:
            reader.close()
        return cls(tracks, [(unit.dts / scales[unit.kind], unit) for unit in units])

    def shifted(self, seconds: float, since: float, *, also_sent: bool = False) -> Broadcast:
        """Timestamps moved by ``seconds`` in all that is sent from ``since`` on; ``also_sent``
        moves the moment of sending too.
        """
        scales = {track.kind: track.timescale for track in self.tracks}

        def move(unit: Unit) -> Unit:
            ticks = round(seconds * scales[unit.kind])
            return replace(unit, dts=unit.dts + ticks, pts=unit.pts + ticks)

        return Broadcast(
            self.tracks,
            [
                (at + (seconds if also_sent else 0.0), move(unit)) if at >= since else (at, unit)
                for at, unit in self.units
            ],
        )

    def followed_by(self, other: Broadcast) -> Broadcast:
        """``other`` after this one's last picture, its configuration with its first keyframe."""
        last_at, last = max(
            ((at, unit) for at, unit in self.units if unit.kind == "v"), key=lambda pair: pair[0]
        )
        first = min(at for at, unit in other.units if unit.kind == "v")
        end = last_at + (last.duration or 0) / 90_000 - first
        later = other.shifted(end, 0.0, also_sent=True).units
        marked: list[tuple[float, Unit]] = []
        told: set[Kind] = {"a"}
        by_kind = {track.kind: track for track in other.tracks}
        for at, unit in later:
            if unit.kind not in told:
                told.add(unit.kind)
                unit = replace(unit, track=by_kind[unit.kind])
            marked.append((at, unit))
        return Broadcast(self.tracks, self.units + marked)
