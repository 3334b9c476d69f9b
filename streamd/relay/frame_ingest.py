"""One publisher's frame messages in, tracks and units of media out. Pure: values and ``now``.

The tracks are announced when every kind that was promised is there, or ``SOUND_WAIT_SECONDS``
after the first keyframe without sound; sound without any picture waits ``PICTURE_WAIT_SECONDS``.
Until then units are kept, so that the stream begins with its first keyframe. A track that turns up
later is announced, with the other, at the next keyframe. Clocks that jump and profiles that nobody
decodes are the stream's own matter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from streamd.errors import MalformedMedia, UnsupportedMedia
from streamd.media import h264
from streamd.media.frame_messages import (
    AudioDescription,
    FrameMessage,
    Message,
    VideoDescription,
)
from streamd.media.h264_active import active_sets
from streamd.media.opus import packet_samples
from streamd.media.units import MEDIA_TIMESCALE, Kind, Track, Unit

SOUND_WAIT_SECONDS = 1.0
PICTURE_WAIT_SECONDS = 5.0
WAITING_UNITS = 300
WAITING_BYTES = 16 * 1_048_576
"""Past these, what waits is dropped up to the next keyframe."""

KEYLESS_SECONDS = 10.0
"""Pictures that come for this long without a keyframe are something to tell."""

REORDER_MICROSECONDS = 500_000
"""A picture that steps back by no more than this is a B-frame; by more, the clock has jumped."""

EARLY_SECONDS = 1
"""Sound from before the first picture, up to this, is left out."""

STEADY_SAMPLES = 480
"""Sounds follow each other without a gap while their timestamps are within 10 ms of it: those are
measured by a clock that is not the microphone's, and a player would hear each hair of a gap."""


@dataclass(frozen=True, slots=True)
class Announce:
    """The set of tracks from here on. Media time 0 was at ``zero``, on the clock of ``now``."""

    tracks: tuple[Track, ...]
    zero: float


Event = Announce | Unit


class ReorderedPictures(UnsupportedMedia):
    """The encoder makes B-frames, which this way in has no decoding times for."""

    def __init__(self) -> None:
        super().__init__(
            "The pictures are not in the order in which they are shown: the encoder makes "
            "B-frames. Switch them off."
        )


@dataclass(frozen=True, slots=True)
class _Coded:
    """A unit that has no media time yet; ``timestamp`` in microseconds."""

    kind: Kind
    timestamp: int
    key: bool
    payload: bytes
    arrival: float
    duration: int | None
    track: Track | None


class FrameIngest:
    """One publisher's frames. ``expected``: the kinds that it said it would send."""

    def __init__(self, expected: frozenset[Kind]) -> None:
        self._expected = expected
        self._description: VideoDescription | None = None
        self._sets: tuple[tuple[bytes, ...], tuple[bytes, ...]] = ((), ())
        self._tracks: dict[Kind, Track] = {}
        self._announced: frozenset[Kind] = frozenset()
        self._waiting: list[_Coded] = []
        self._since: dict[Kind, float] = {}
        """When the first unit of a kind began to wait."""
        self._zero = (0, 0.0)
        """Timestamp and arrival of media time 0."""
        self._last: dict[Kind, int] = {}
        self._sound_end: int | None = None
        self._keyless_since: float | None = None

    @property
    def newest(self) -> int | None:
        """The newest picture's timestamp, the newest sound's where there is no picture."""
        return self._last.get("v", self._last.get("a"))

    @property
    def needs_key(self) -> bool:
        """Whether the stream waits for a keyframe to begin with."""
        pictured = any(coded.kind == "v" for coded in self._waiting)
        return "v" in self._expected and not self._announced and not pictured

    def keyless(self, now: float) -> bool:
        """Whether pictures have come for ``KEYLESS_SECONDS`` that no keyframe lets be shown."""
        return self._keyless_since is not None and now - self._keyless_since >= KEYLESS_SECONDS

    def take(self, message: Message, now: float) -> list[Event]:
        """One message. Raises MalformedMedia or ReorderedPictures."""
        if isinstance(message, VideoDescription):
            self._description = message
            self._learn(message.nals)
            return []
        if isinstance(message, AudioDescription):
            self._tracks["a"] = message.track
            return []
        self._order(message)
        coded = self._picture(message, now) if message.kind == "v" else self._sound(message, now)
        if coded is None:
            return []
        if coded.kind == "v":
            self._note_key(coded)
        if self._announced:
            return self._flowing(coded)
        self._keep(coded)
        return self._begin(now)

    def _order(self, frame: FrameMessage) -> None:
        last = self._last.get(frame.kind, frame.timestamp)
        if frame.kind == "v" and 0 < last - frame.timestamp <= REORDER_MICROSECONDS:
            raise ReorderedPictures
        self._last[frame.kind] = frame.timestamp

    def _picture(self, frame: FrameMessage, now: float) -> _Coded | None:
        if self._description is None:
            raise MalformedMedia("A picture came before the description of its codec.")
        size = self._description.length_size
        nals = h264.split_avcc(frame.payload, size) if size else h264.split_annexb(frame.payload)
        self._learn(nals)
        key = h264.is_key(nals)
        track = self._settle(nals) if key else None
        seen = h264.to_avcc(
            nal
            for nal in nals
            if h264.nal_type(nal) not in (h264.SPS, h264.PPS, h264.AUD, h264.FILLER)
        )
        if not seen:
            return None
        duration = None
        if frame.duration is not None:
            duration = _ticks(frame.duration, MEDIA_TIMESCALE) or None
        return _Coded("v", frame.timestamp, key, seen, now, duration, track)

    def _sound(self, frame: FrameMessage, now: float) -> _Coded:
        if "a" not in self._tracks:
            raise MalformedMedia("A sound came before the description of its codec.")
        samples = packet_samples(frame.payload)
        return _Coded("a", frame.timestamp, True, frame.payload, now, samples, None)

    def _learn(self, nals: tuple[bytes, ...] | list[bytes]) -> None:
        sps, pps = h264.parameter_sets(nals)
        if sps or pps:
            self._sets = (sps or self._sets[0], pps or self._sets[1])

    def _settle(self, nals: list[bytes]) -> Track | None:
        """At a keyframe: the new Track where the parameter sets changed, else None."""
        sps, pps = active_sets(*self._sets, nals)
        if not sps or not pps:
            raise MalformedMedia("A keyframe came without the parameter sets that decode it.")
        track = h264.video_track(sps, pps)
        if track == self._tracks.get("v"):
            return None
        self._tracks["v"] = track
        return track

    def _note_key(self, coded: _Coded) -> None:
        shown = "v" in self._announced or any(kept.kind == "v" for kept in self._waiting)
        if coded.key or shown:
            self._keyless_since = None
        elif self._keyless_since is None:
            self._keyless_since = coded.arrival

    def _keep(self, coded: _Coded) -> None:
        if coded.kind == "v":
            if coded.key:
                self._waiting = [kept for kept in self._waiting if kept.kind == "a"]
            elif not any(kept.kind == "v" for kept in self._waiting):
                return
        self._since.setdefault(coded.kind, coded.arrival)
        self._waiting.append(coded)
        size = sum(len(kept.payload) for kept in self._waiting)
        if len(self._waiting) > WAITING_UNITS or size > WAITING_BYTES:
            self._waiting.clear()

    def _begin(self, now: float) -> list[Event]:
        """Starts the stream once its tracks are there, or enough time was given to them."""
        here = frozenset(coded.kind for coded in self._waiting)
        patience = SOUND_WAIT_SECONDS if "v" in here else PICTURE_WAIT_SECONDS
        waited = now - self._since.get("v" if "v" in here else "a", now) >= patience
        if not here or not (here >= self._expected or waited):
            return []
        first = next((one for one in self._waiting if one.kind == "v"), self._waiting[0])
        self._zero = (first.timestamp, first.arrival)
        self._sound_end = None
        kept, self._waiting = self._waiting, []
        kept.sort(key=lambda coded: coded.timestamp)
        events: list[Event] = [self._announce(here)]
        for coded in kept:
            events += self._unit(replace(coded, track=None))
        return events

    def _announce(self, kinds: frozenset[Kind]) -> Announce:
        self._announced = kinds
        return Announce(tuple(self._tracks[kind] for kind in sorted(kinds)[::-1]), self._zero[1])

    def _flowing(self, coded: _Coded) -> list[Event]:
        here = frozenset(self._tracks)
        if coded.kind == "v" and coded.key and self._announced != here:
            return [self._announce(here), *self._unit(replace(coded, track=None))]
        return self._unit(coded) if coded.kind in self._announced else []

    def _unit(self, coded: _Coded) -> list[Event]:
        timescale = self._tracks[coded.kind].timescale
        time = _ticks(coded.timestamp - self._zero[0], timescale)
        if -EARLY_SECONDS * timescale < time < 0:
            return []
        if coded.kind == "a":
            end = self._sound_end
            time = end if end is not None and abs(time - end) <= STEADY_SAMPLES else time
            self._sound_end = time + (coded.duration or 0)
        return [Unit(coded.kind, time, time, coded.key, coded.payload, coded.duration, coded.track)]


def _ticks(microseconds: int, timescale: int) -> int:
    return (microseconds * timescale + 500_000) // 1_000_000
