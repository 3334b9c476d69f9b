"""Video tags into frames: configuration, validation, keyframes. Pure."""

from __future__ import annotations

from streamd.errors import MalformedMedia
from streamd.media import h264
from streamd.media.units import Track
from streamd.rtmp.errors import CodecRefused
from streamd.rtmp.flv import Packet, Tag, codec_name
from streamd.rtmp.frames import Frame

_SLICES = range(h264.SLICE, h264.IDR + 1)


class Pictures:
    """One publication's video. ``track`` is the newest configuration, None before the first."""

    def __init__(self) -> None:
        self.track: Track | None = None
        self._sets = h264.AvcConfig((), ())
        self._length_size = 4
        self._awaiting_key = True
        self._passed_over: tuple[int, int] | None = None
        self._told: Track | None = None

    @property
    def keyless_milliseconds(self) -> int:
        """For how long there have been pictures, and none that a decoder could begin with."""
        return self._passed_over[1] - self._passed_over[0] if self._passed_over else 0

    def lose(self) -> None:
        """A message was lost: what follows cannot be decoded until a keyframe comes."""
        self._awaiting_key = True

    def take(self, tag: Tag, milliseconds: int) -> Frame | None:
        """The frame in ``tag``, None where there is nothing to relay.

        Raises MalformedMedia, CodecRefused.
        """
        if tag.packet in (Packet.OTHER, Packet.END):
            return None
        if tag.codec != "avc1":
            raise CodecRefused(codec_name(tag.codec), "video")
        if tag.packet is Packet.CONFIG:
            self._configure(tag.payload)
            return None
        return self._frame(tag, milliseconds)

    def _configure(self, record: bytes) -> None:
        """A sequence header: an avcC record, or nothing where the sets stand in the stream."""
        if not record or (self.track is not None and record == self.track.config):
            return
        sets = h264.parse_avcc(record)
        self._length_size = sets.length_size
        if not sets.sps or not sets.pps:
            return
        if sets.length_size == 4:
            self.track = h264.track_from_avcc(record)
        else:
            self.track = h264.video_track(sets.sps, sets.pps)
        self._sets = sets
        self._awaiting_key = True

    def _frame(self, tag: Tag, milliseconds: int) -> Frame | None:
        nals = h264.split_avcc(tag.payload, self._length_size)
        self._learn(nals)
        if not any(h264.nal_type(nal) in _SLICES for nal in nals):
            return None
        key = h264.is_key(nals)
        if self._awaiting_key and not key:
            first = self._passed_over[0] if self._passed_over else milliseconds
            self._passed_over = first, milliseconds
            return None
        if self.track is None:
            raise MalformedMedia("A picture came before the configuration it needs.")
        self._awaiting_key = False
        self._passed_over = None
        payload = tag.payload
        if self._length_size != 4 or len(payload) != sum(len(nal) + 4 for nal in nals):
            payload = h264.to_avcc(nals)
        track = None
        if key and self._told != self.track:
            track = self._told = self.track
        return Frame(
            "v",
            milliseconds,
            payload,
            key,
            composition=tag.composition,
            nanoseconds=tag.nanoseconds,
            track=track,
        )

    def _learn(self, nals: list[bytes]) -> None:
        """Parameter sets within the stream, where they are not those of the configuration."""
        sps, pps = h264.parameter_sets(nals)
        known = self._sets
        if set(sps) <= set(known.sps) and set(pps) <= set(known.pps):
            return
        sets = h264.AvcConfig(sps or known.sps, pps or known.pps)
        if not sets.sps or not sets.pps:
            return
        self.track = h264.video_track(sets.sps, sets.pps)
        self._sets = sets
        self._awaiting_key = True
