"""One publisher's messages in, tracks and units of media out. Pure: bytes, values and ``now``.

The tracks are announced when each expected one has shown its configuration and a frame, or
WAIT_SECONDS after the first frame. What was expected is what ``onMetaData`` names, or both. A
track that turns up later is announced, with the other, at the next keyframe.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace

from streamd.errors import MediaError
from streamd.media.units import Kind, Track, Unit
from streamd.relay.inspector import NO_KEYFRAME_SECONDS
from streamd.relay.notices import NoticeCode
from streamd.rtmp import flv
from streamd.rtmp.amf0 import Value
from streamd.rtmp.clocks import Milliseconds, SampleClock
from streamd.rtmp.errors import CodecRefused, Refused, TagError
from streamd.rtmp.frames import Frame
from streamd.rtmp.pictures import Pictures
from streamd.rtmp.sounds import Sounds

WAIT_SECONDS = 1.0
LONE_SOUND_SECONDS = 5.0
"""How long sound that is not relayed may wait for a picture before the broadcast is refused."""

WAITING_BYTES = 16 * 1_048_576
WAITING_FRAMES = 600
"""Past these the tracks are announced at once."""

BROKEN_IN_A_ROW = 50
"""Unreadable messages without one good frame between them, after which the broadcast is refused."""


@dataclass(frozen=True, slots=True)
class Announce:
    """The set of tracks from here on."""

    tracks: tuple[Track, ...]


@dataclass(frozen=True, slots=True)
class Tell:
    """Something for the broadcaster to read."""

    code: NoticeCode
    facts: Mapping[str, str | int | float]


Event = Announce | Tell | Unit


class Ingest:
    """One publication's media."""

    def __init__(self) -> None:
        self._pictures = Pictures()
        self._sounds = Sounds()
        self._time = Milliseconds()
        self._zero: int | None = None
        self._sample_clock: SampleClock | None = None
        self._expected: frozenset[Kind] = frozenset(("v", "a"))
        self._announced: tuple[Track, ...] = ()
        self._placed: set[Kind] = set()
        self._held: deque[Frame] = deque()
        self._held_bytes = 0
        self._first: float | None = None
        self._broken_in_a_row = 0
        self.broken = 0
        """Messages that could not be read."""

    @property
    def keyless(self) -> bool:
        """Whether pictures of NO_KEYFRAME_SECONDS, by their times, came without a keyframe."""
        return self._pictures.keyless_milliseconds >= NO_KEYFRAME_SECONDS * 1_000

    def metadata(self, values: Mapping[str, Value]) -> None:
        """``onMetaData``: which tracks to expect."""
        named: dict[Kind, str] = {"v": "videocodecid", "a": "audiocodecid"}
        expected = frozenset(kind for kind, name in named.items() if name in values)
        if expected and not self._announced:
            self._expected = expected

    def take(self, kind: Kind, timestamp: int, payload: bytes, now: float) -> list[Event]:
        """One audio or video message. Raises Refused; what cannot be read is told and counted."""
        if not payload:
            return []
        if self._first is None:
            self._first = now
        try:
            frame = self._frame(kind, timestamp, payload)
        except (TagError, MediaError) as error:
            if kind == "v":
                self._pictures.lose()
            return [self.spoiled(error)]
        events = self._complain(now)
        if kind == "v" and self.keyless:
            # The relay counts from the first keyframe on: it never sees these pictures.
            events.append(Tell(NoticeCode.NO_KEYFRAME, {}))
        if frame is not None:
            self._broken_in_a_row = 0
            events += self._place(frame, now)
        return events

    def spoiled(self, error: Exception) -> Tell:
        """A message could not be read. Raises Refused where hardly anything can."""
        self.broken += 1
        self._broken_in_a_row += 1
        facts: dict[str, str | int | float] = {"reason": str(error)}
        if self._broken_in_a_row >= BROKEN_IN_A_ROW:
            raise Refused(
                f"{BROKEN_IN_A_ROW} messages in a row could not be read. The last one: {error}",
                NoticeCode.BROKEN_INPUT,
                **facts,
            )
        return Tell(NoticeCode.BROKEN_INPUT, facts)

    def _frame(self, kind: Kind, timestamp: int, payload: bytes) -> Frame | None:
        if kind == "v":
            return self._pictures.take(flv.video_tag(payload), self._time.take(timestamp))
        return self._sounds.take(flv.audio_tag(payload), self._time.take(timestamp))

    def _complain(self, now: float) -> list[Event]:
        """Tells of sound that is not relayed; alone it is no broadcast."""
        codec = self._sounds.unsupported
        if codec is None:
            return []
        self._expected = frozenset(("v",))
        assert self._first is not None
        if self._pictures.track is None and now - self._first >= LONE_SOUND_SECONDS:
            raise CodecRefused(codec, "audio")
        return [Tell(NoticeCode.AUDIO_UNSUPPORTED, {"codec": codec})]

    # -- times and tracks

    def _tracks(self) -> tuple[Track, ...]:
        known = (self._pictures.track, self._sounds.track)
        return tuple(track for track in known if track is not None)

    def _place(self, frame: Frame, now: float) -> list[Event]:
        if not self._announced:
            self._held.append(frame)
            self._held_bytes += len(frame.payload)
            return self._begin(now)
        events: list[Event] = []
        if self._stale(frame):
            events.append(self._announce(self._tracks()))
            frame = replace(frame, track=None)
        if frame.kind not in {track.kind for track in self._announced}:
            return events
        unit = self._unit(frame)
        return [*events, unit] if unit is not None else events

    def _stale(self, frame: Frame) -> bool:
        """Whether the announced set of tracks ends with this frame."""
        announced = {track.kind: track for track in self._announced}
        tracks = {track.kind: track for track in self._tracks()}
        if frame.kind == "a" and frame.track is not None and "a" in announced:
            before, after = announced["a"], frame.track
            return (before.timescale, before.codec) != (after.timescale, after.codec)
        if announced.keys() == tracks.keys():
            return False
        return frame.key and (frame.kind == "v" or "v" not in tracks)

    def _announce(self, tracks: tuple[Track, ...]) -> Announce:
        self._announced = tracks
        sound = next((track for track in tracks if track.kind == "a"), None)
        self._sample_clock = SampleClock(sound.timescale) if sound is not None else None
        return Announce(tracks)

    def _begin(self, now: float) -> list[Event]:
        """Starts once each expected track has shown a frame, or enough time was given to them."""
        shown = {frame.kind for frame in self._held}
        waited = self._first is not None and now - self._first >= WAIT_SECONDS
        full = len(self._held) >= WAITING_FRAMES or self._held_bytes >= WAITING_BYTES
        if not (shown >= self._expected or waited or full):
            return []
        held = list(self._held)
        self._held.clear()
        self._held_bytes = 0
        firsts = {frame.kind: frame for frame in reversed(held)}
        self._zero = min(frame.milliseconds for frame in firsts.values())
        tracks = tuple(frame.track for frame in firsts.values() if frame.track is not None)
        events: list[Event] = [self._announce(tracks)]
        for frame in held:
            first = frame is firsts[frame.kind]
            unit = self._unit(replace(frame, track=None) if first else frame)
            if unit is not None:
                events.append(unit)
        return events

    def _unit(self, frame: Frame) -> Unit | None:
        assert self._zero is not None
        milliseconds = frame.milliseconds - self._zero
        if milliseconds < 0 and frame.kind not in self._placed:
            if frame.kind == "a":
                return None  # sound from before the start
            milliseconds = 0
        self._placed.add(frame.kind)
        if frame.kind == "a":
            assert self._sample_clock is not None
            start = self._sample_clock.take(milliseconds, frame.samples)
            return Unit("a", start, start, True, frame.payload, frame.samples, frame.track)
        dts = milliseconds * 90 + frame.nanoseconds * 9 // 100_000
        pts = dts + frame.composition * 90
        return Unit("v", dts, pts, frame.key, frame.payload, None, frame.track)
