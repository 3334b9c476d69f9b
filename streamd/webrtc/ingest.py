"""One publisher's RTP in, tracks and units of media out. Pure: bytes, values and ``now``.

The tracks are announced when both are known, or ``AUDIO_WAIT_SECONDS`` after the first keyframe
without sound; sound without any picture waits ``VIDEO_WAIT_SECONDS``. Until then units are kept,
so that the stream begins with its first keyframe. A track that turns up later is announced, with
the other, at the next keyframe.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace

from streamd.errors import MalformedMedia
from streamd.media.h264 import to_avcc
from streamd.media.opus import SAMPLE_RATE, opus_track, packet_samples
from streamd.media.units import MEDIA_TIMESCALE, Kind, Track, Unit
from streamd.webrtc.alignment import Alignment
from streamd.webrtc.concealment import lost_packets
from streamd.webrtc.depacketizer import Depacketizer, Frame
from streamd.webrtc.parameter_sets import ParameterSets, picture_only
from streamd.webrtc.rtp_clock import SequenceNumbers, Unwrapper

AUDIO_WAIT_SECONDS = 1.0
VIDEO_WAIT_SECONDS = 5.0
WAITING_PICTURES = 300
WAITING_BYTES = 16 * 1_048_576
"""Past these, what waits is dropped up to the next keyframe."""
WAITING_SOUNDS = 300
"""Past these, the oldest sound is dropped."""


@dataclass(frozen=True, slots=True)
class Announce:
    """The set of tracks from here on. Media time 0 was at ``zero``, on the clock of ``now``."""

    tracks: tuple[Track, ...]
    zero: float


Event = Announce | Unit


@dataclass(frozen=True, slots=True)
class _Coded:
    """A unit that has no media time yet."""

    kind: Kind
    timestamp: int
    key: bool
    payload: bytes
    arrival: float
    duration: int | None = None
    track: Track | None = None


class Ingest:
    """One publisher's media. ``sound``: whether an audio track was negotiated."""

    def __init__(self, *, sound: bool, parameter_sets: Iterable[bytes] = ()) -> None:
        self._sound = sound
        self._depacketizer = Depacketizer()
        self._sets = ParameterSets(parameter_sets)
        self._alignment = Alignment({"v": MEDIA_TIMESCALE, "a": SAMPLE_RATE})
        self._audio_sequences = SequenceNumbers()
        self._audio_timestamps = Unwrapper(32)
        self._audio_track: Track | None = None
        self._audio_end: int | None = None
        self._pictures: deque[_Coded] = deque()
        self._sounds: deque[_Coded] = deque(maxlen=WAITING_SOUNDS)
        self._announced: frozenset[Kind] = frozenset()
        self._malformed_key = False
        self._first_key: float | None = None
        self._before = 0
        self.last_key: float | None = None
        """Arrival of the last keyframe."""
        self.late_sounds = self.concealed_sounds = self.malformed_units = 0

    @property
    def needs_key(self) -> bool:
        """Whether no picture can be decoded until a keyframe comes."""
        return self._depacketizer.needs_key or self._malformed_key

    @property
    def corrections(self) -> list[float]:
        """Seconds that sound was moved against the picture by sender reports, newest last."""
        return self._alignment.corrections

    @property
    def lost_pictures(self) -> int:
        """Holes given up, pictures dropped until a keyframe, and pictures that broke the format."""
        return self._before + self._lost_in_source()

    def _lost_in_source(self) -> int:
        source = self._depacketizer
        return source.skips + source.dropped_frames + source.malformed_frames

    def missing(self) -> list[int]:
        """Sequence numbers of video packets worth asking for again."""
        return self._depacketizer.missing()

    def video(
        self, sequence: int, timestamp: int, marker: bool, payload: bytes, now: float
    ) -> list[Event]:
        """One video packet: 16-bit sequence, 32-bit timestamp, RFC 6184 payload."""
        frames = self._depacketizer.push(sequence, timestamp, marker, payload, now)
        return self._pictured(frames, now)

    def audio(self, sequence: int, timestamp: int, payload: bytes, now: float) -> list[Event]:
        """One audio packet: an Opus packet (RFC 7587). It passes at once; a late one is dropped."""
        if not payload:
            return []
        restarts, highest = self._audio_sequences.restarts, self._audio_sequences.highest
        position = self._audio_sequences.take(sequence)
        if self._audio_sequences.restarts > restarts:
            self._audio_timestamps.forget()
        elif position is None or (highest is not None and position <= highest):
            self.late_sounds += 1
            return []
        try:
            duration = packet_samples(payload)
        except MalformedMedia:
            self.malformed_units += 1
            return []
        moment = self._audio_timestamps.take(timestamp)
        self._alignment.arrived("a", moment, now)
        if self._audio_track is None:
            self._audio_track = opus_track()
        coded = _Coded("a", moment, True, payload, now, duration)
        if "a" in self._announced:
            return self._sounded(coded)
        if not self._announced:
            self._sounds.append(coded)
            return self._begin(now)
        return []

    def new_source(self, kind: Kind) -> None:
        """Another source took the track over: its sequence and timestamps begin anew."""
        if kind == "v":
            self._before += self._lost_in_source()
            self._depacketizer = Depacketizer()
        else:
            self._audio_sequences.forget()
            self._audio_timestamps.forget()

    def report(self, kind: Kind, ntp: int, timestamp: int) -> None:
        """A sender report's 64-bit NTP time and 32-bit RTP timestamp (RFC 3550 §6.4.1)."""
        if kind == "v":
            moment = self._depacketizer.unwrapped(timestamp)
        else:
            moment = self._audio_timestamps.peek(timestamp)
        self._alignment.reported(kind, ntp / (1 << 32), moment)

    def tick(self, now: float) -> list[Event]:
        """Time passes: holes are given up, the start stops waiting."""
        events = self._pictured(self._depacketizer.expire(now), now)
        return events + self._begin(now)

    def _pictured(self, frames: list[Frame], now: float) -> list[Event]:
        events: list[Event] = []
        for frame in frames:
            self._alignment.arrived("v", frame.timestamp, frame.arrival)
            coded = self._coded(frame)
            if coded is None:
                continue
            if not self._announced:
                self._keep(coded)
                events += self._begin(now)
            else:
                events += self._shown(coded)
        return events

    def _coded(self, frame: Frame) -> _Coded | None:
        self._sets.learn(frame.nals)
        nals = list(frame.nals)
        track = None
        if frame.key:
            try:
                track = self._sets.settle()
            except MalformedMedia:
                self.malformed_units += 1
                self._malformed_key = True
                return None
            self._malformed_key = False
            self.last_key = frame.arrival
            nals = picture_only(nals)
        if self._malformed_key or not picture_only(nals):
            return None
        return _Coded("v", frame.timestamp, frame.key, to_avcc(nals), frame.arrival, None, track)

    def _keep(self, coded: _Coded) -> None:
        if coded.key:
            self._pictures.clear()
            if self._first_key is None:
                self._first_key = coded.arrival
        if not coded.key and not self._pictures:
            return
        self._pictures.append(coded)
        size = sum(len(kept.payload) for kept in self._pictures)
        if len(self._pictures) > WAITING_PICTURES or size > WAITING_BYTES:
            self._pictures.clear()

    def _begin(self, now: float) -> list[Event]:
        """Starts the stream once its tracks are known, or enough time was given to them."""
        if self._announced or not self._ready(now):
            return []
        first = self._pictures[0] if self._pictures else self._sounds[0]
        self._alignment.start(first.kind, first.timestamp)
        kept = [*self._pictures, *self._sounds]
        kept.sort(key=lambda coded: self._alignment.wall(coded.kind, coded.timestamp))
        events: list[Event] = [self._announce(pictured=bool(self._pictures))]
        self._pictures.clear()
        self._sounds.clear()
        for coded in kept:
            plain = replace(coded, track=None)
            events += self._sounded(plain) if coded.kind == "a" else [self._unit(plain)]
        return events

    def _ready(self, now: float) -> bool:
        if self._pictures:
            waited = self._first_key is not None and now - self._first_key >= AUDIO_WAIT_SECONDS
            return not self._sound or bool(self._sounds) or waited
        return bool(self._sounds) and now - self._sounds[0].arrival >= VIDEO_WAIT_SECONDS

    def _announce(self, *, pictured: bool) -> Announce:
        video = self._sets.track if pictured else None
        tracks = tuple(track for track in (video, self._audio_track) if track is not None)
        self._announced = frozenset(track.kind for track in tracks)
        return Announce(tracks, self._alignment.zero())

    def _shown(self, coded: _Coded) -> list[Event]:
        known = {"v"} if self._audio_track is None else {"v", "a"}
        if coded.key and self._announced != known:
            return [self._announce(pictured=True), self._unit(replace(coded, track=None))]
        if "v" not in self._announced:
            return []
        return [self._unit(coded)]

    def _sounded(self, coded: _Coded) -> list[Event]:
        """The sound's unit, after what conceals a hole before it."""
        if self._alignment.precedes("a", coded.timestamp):
            return []
        unit = self._unit(coded)
        events: list[Event] = []
        if self._audio_end is not None and unit.dts > self._audio_end:
            for dts, payload, duration in lost_packets(self._audio_end, unit.dts, coded.payload):
                events.append(Unit("a", dts, dts, True, payload, duration))
            self.concealed_sounds += len(events)
        self._audio_end = unit.dts + (coded.duration or 0)
        return [*events, unit]

    def _unit(self, coded: _Coded) -> Unit:
        dts = self._alignment.place(
            coded.kind,
            coded.timestamp,
            coded.arrival,
            keyframe=coded.kind == "v" and coded.key,
        )
        return Unit(coded.kind, dts, dts, coded.key, coded.payload, coded.duration, coded.track)
