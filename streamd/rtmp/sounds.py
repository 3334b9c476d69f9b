"""Audio tags into frames: configuration and length. Pure."""

from __future__ import annotations

from streamd.errors import MalformedMedia
from streamd.media import aac, opus
from streamd.media.units import Track
from streamd.rtmp.flv import Packet, Tag, codec_name
from streamd.rtmp.frames import Frame

_PLAYED = {2: "AAC-LC", 5: "HE-AAC", 29: "HE-AAC v2"}
"""Audio object types that browsers decode."""


class Sounds:
    """One publication's audio. ``track`` is the newest configuration, None before the first.

    ``unsupported`` names a codec that came and is not relayed.
    """

    def __init__(self) -> None:
        self.track: Track | None = None
        self.unsupported: str | None = None
        self._samples = 1024
        self._told: Track | None = None

    def take(self, tag: Tag, milliseconds: int) -> Frame | None:
        """The frame in ``tag``, None where there is nothing to relay. Raises MalformedMedia."""
        if tag.packet in (Packet.OTHER, Packet.END):
            return None
        if tag.codec not in ("mp4a", "Opus"):
            self.unsupported = codec_name(tag.codec)
            return None
        if tag.packet is Packet.CONFIG:
            self._configure(tag)
            return None
        if not tag.payload or (self.unsupported and self.track is None):
            return None
        if tag.codec == "Opus":
            return self._opus(tag.payload, milliseconds)
        if self.track is None or self.track.codec == "opus":
            raise MalformedMedia("Sound came before the configuration it needs.")
        return self._frame(tag.payload, milliseconds, self._samples)

    def _configure(self, tag: Tag) -> None:
        if tag.codec == "Opus":
            self.track = opus.opus_track()
            if tag.payload:
                dops = opus.dops_from_head(tag.payload)
                self.track = opus.opus_track(dops[1], dops)
            return
        parsed = aac.parse_config(tag.payload)
        if parsed.object_type not in _PLAYED:
            self.unsupported = f"AAC of object type {parsed.object_type}"
            self.track = None
            return
        self.unsupported = None
        self._samples = parsed.frame_samples
        self.track = aac.audio_track(tag.payload)

    def _opus(self, payload: bytes, milliseconds: int) -> Frame:
        if self.track is None or self.track.codec != "opus":
            self.track = opus.opus_track()
        return self._frame(payload, milliseconds, opus.packet_samples(payload))

    def _frame(self, payload: bytes, milliseconds: int, samples: int) -> Frame:
        track = None
        if self._told != self.track:
            track = self._told = self.track
        return Frame("a", milliseconds, payload, samples=samples, track=track)
