"""A stream's HLS window in memory: whole segments, real durations.

Video is cut at the first keyframe after about two seconds, else at the target without one (then
the segment is not independent). Audio is cut at the first audio unit at or after
each video cut. The generations of one publication follow one another in one playlist, with
EXT-X-DISCONTINUITY between; a publication after EXT-X-ENDLIST starts with none of the last one's
segments, so that nobody who tunes in starts in the old broadcast.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from streamd import config
from streamd.media import playlist
from streamd.media.parts import Init
from streamd.media.units import Kind, Track, Unit
from streamd.relay.segmenter import Segment, Segmenter

OnSegment = Callable[[Segment, Init], None]

KINDS: tuple[Kind, Kind] = ("v", "a")

SEGMENT_TYPE: dict[Kind, str] = {"v": "video/mp4", "a": "audio/mp4"}


@dataclass(frozen=True, slots=True)
class Resource:
    """A body for HTTP. ``immutable``: the name never stands for other bytes, in no process."""

    body: bytes
    content_type: str
    immutable: bool


@dataclass(frozen=True, slots=True)
class _Retired:
    """A segment no longer listed; let go once ``until`` seconds of media have been listed."""

    segment: Segment
    until: float


class _Rendition:
    """One track's listed segments, and those retired but still fetchable (section 6.2.2)."""

    def __init__(self) -> None:
        self.listed: deque[Segment] = deque()
        self.retired: deque[_Retired] = deque()
        self.seconds = 0.0
        """Media time listed since the start: the clock that retired segments are let go by."""
        self.sequence = 0
        self.discontinuity_sequence = 0
        self.discontinuity = False
        self.all_independent = True

    def add(self, segment: Segment) -> None:
        self.listed.append(segment)
        self.seconds += segment.seconds
        self.sequence += 1
        self.discontinuity = False
        self.all_independent = self.all_independent and segment.independent

    def retire(self, count: int, seconds: float) -> None:
        """Takes off the oldest while ``count`` and ``seconds`` stay listed; lets go of older."""
        total = self._listed_seconds
        while len(self.listed) > count and total - self.listed[0].seconds >= seconds:
            total -= self.listed[0].seconds
            self._retire_oldest()
        while self.retired and self.retired[0].until < self.seconds:
            self.retired.popleft()

    def clear(self) -> None:
        """Lists nothing any more."""
        while self.listed:
            self._retire_oldest()

    def segments(self) -> Iterator[Segment]:
        """All that can still be fetched."""
        yield from self.listed
        yield from (one.segment for one in self.retired)

    def find(self, gen: int, sequence: int) -> Segment:
        for segment in self.segments():
            if segment.gen == gen and segment.sequence == sequence:
                return segment
        raise KeyError((gen, sequence))

    @property
    def next_discontinuity_sequence(self) -> int:
        """That of the segment that would be listed next, without a discontinuity of its own."""
        return self.discontinuity_sequence + sum(s.discontinuity for s in self.listed)

    @property
    def _listed_seconds(self) -> float:
        return sum(segment.seconds for segment in self.listed)

    def _retire_oldest(self) -> None:
        # Section 6.2.2: for its own duration and that of the longest playlist that listed it.
        until = self.seconds + self._listed_seconds
        oldest = self.listed.popleft()
        self.discontinuity_sequence += oldest.discontinuity
        self.retired.append(_Retired(oldest, until + oldest.seconds))


class Hls:
    """Segments of the current generation and of what remains of earlier ones.

    ``token`` (of ``a–z 0–9``) stands in every segment's name: where each process start and stream
    has its own, no name ever stands for other bytes, and caches may keep them for ever.
    """

    def __init__(self, settings: config.Relay, token: str) -> None:
        self._token = token
        self._target = settings.target_seconds
        self._count = settings.window_segments
        self._renditions: dict[Kind, _Rendition] = {"v": _Rendition(), "a": _Rendition()}
        self._inits: dict[tuple[Kind, int, int], Init] = {}
        self._tracks: dict[Kind, Track] = {}
        self._segmenter: Segmenter | None = None
        self._gen = 0
        self._ended = False
        self._followers: dict[object, tuple[OnSegment, Callable[[], None]]] = {}

    def follow(self, on_segment: OnSegment, on_end: Callable[[], None]) -> Callable[[], None]:
        """See Window.follow."""
        token = object()
        self._followers[token] = (on_segment, on_end)

        def unfollow() -> None:
            self._followers.pop(token, None)

        return unfollow

    # -- in

    def reset(
        self, gen: int, tracks: Mapping[Kind, Track], inits: Mapping[Kind, Init], origin: float
    ) -> None:
        """A new generation; the last one's open segments are closed first."""
        self._close_segments()
        renditions = self._renditions.values()
        for kind, rendition in self._renditions.items():
            if self._ended or kind not in tracks:
                rendition.clear()
            rendition.all_independent = all(segment.independent for segment in rendition.listed)
        # Section 6.2.4: renditions have the same discontinuity sequence at the same time, though
        # one of them was not there before. An empty one can be set anew: it lists nothing.
        place = max(rendition.next_discontinuity_sequence for rendition in renditions)
        started = any(rendition.sequence for rendition in renditions)
        for rendition in renditions:
            if not rendition.listed:
                rendition.discontinuity_sequence = place
            rendition.discontinuity = started
        self._tracks = dict(tracks)
        self._gen = gen
        self._ended = False
        self._segmenter = Segmenter(gen, tracks, origin, self._target)
        for kind, init in inits.items():
            self._inits[kind, gen, 0] = init

    def push(self, unit: Unit, inits: Mapping[Kind, Init]) -> None:
        """Takes the next unit; ``inits`` are the configurations it is to be decoded with."""
        assert self._segmenter is not None
        kind = unit.kind
        if unit.track is not None and unit.track != self._tracks[kind]:
            self._tracks[kind] = unit.track
            self._add(self._segmenter.change(unit))
            self._inits[kind, self._gen, self._segmenter.version(kind)] = inits[kind]
        self._add(self._segmenter.push(unit))

    def end(self) -> None:
        """No more units: the playlists get EXT-X-ENDLIST."""
        self._close_segments()
        self._ended = True
        for _, on_end in tuple(self._followers.values()):
            on_end()

    # -- out

    def multivariant_playlist(self) -> str:
        """KeyError while a track has no whole segment.

        A second video segment without any audio means that the announced audio never came: then
        the playlist is of video alone.
        """
        listed = {kind: len(self._renditions[kind].listed) for kind in self._tracks}
        kinds = [kind for kind in self._tracks if listed[kind]]
        if not kinds or (len(kinds) < len(listed) and listed.get("v", 0) < 2):
            raise KeyError("multivariant")
        video, audio = (self._tracks[kind] if kind in kinds else None for kind in KINDS)
        peaks, means = zip(*(self._bit_rates(kind) for kind in kinds), strict=True)
        return playlist.multivariant_playlist(
            None
            if video is None
            else playlist.VideoRendition(
                video.codec, video.width, video.height, self._frame_rate(), playlist_name("v")
            ),
            None
            if audio is None
            else playlist.AudioRendition(audio.codec, audio.channels, playlist_name("a")),
            bandwidth=sum(peaks),
            average_bandwidth=sum(means),
        )

    def media_playlist(self, kind: Kind) -> str:
        """KeyError while the track has no whole segment."""
        rendition = self._require(kind)
        return playlist.media_playlist(
            [self._entry(kind, segment) for segment in rendition.listed],
            target_seconds=self._target,
            media_sequence=rendition.listed[0].sequence,
            discontinuity_sequence=rendition.discontinuity_sequence,
            all_independent=rendition.all_independent,
            ended=self._ended,
        )

    def init_segment(self, kind: Kind, gen: int, version: int) -> bytes:
        return self._inits[kind, gen, version].init

    def segment(self, kind: Kind, gen: int, sequence: int) -> bytes:
        return self._renditions[kind].find(gen, sequence).body

    def resource(self, name: str) -> Resource:
        """The bytes behind a name that a playlist holds, or ``index.m3u8``."""
        if name == "index.m3u8":
            return _text(self.multivariant_playlist())
        stem, _, extension = name.rpartition(".")
        kind: Kind = "v" if stem[:1] == "v" else "a"
        if extension == "m3u8" and stem == kind:
            return _text(self.media_playlist(kind))
        try:
            prefix, token, gen, number = stem.split("-")
            key = int(gen), int(number)
        except ValueError:
            raise KeyError(name) from None
        if (prefix, token) != (kind, self._token):
            raise KeyError(name)
        if extension == "m4s":
            body = self.segment(kind, *key)
        elif extension == "mp4":
            body = self.init_segment(kind, *key)
        else:
            raise KeyError(name)
        return Resource(body, SEGMENT_TYPE[kind], immutable=True)

    # -- within

    def _close_segments(self) -> None:
        if self._segmenter is not None:
            self._add(self._segmenter.finish())
            self._segmenter = None

    def _add(self, segments: list[Segment]) -> None:
        for segment in segments:
            rendition = self._renditions[segment.kind]
            segment.sequence = rendition.sequence
            segment.discontinuity = segment.discontinuity or rendition.discontinuity
            rendition.add(segment)
            # Section 6.2.2: a live playlist holds at least three target durations.
            rendition.retire(self._count, 3.0 * self._target)
            init = self._inits[segment.kind, segment.gen, segment.version]
            for on_segment, _ in tuple(self._followers.values()):
                on_segment(segment, init)
            self._forget_inits(segment.kind, rendition)

    def _forget_inits(self, kind: Kind, rendition: _Rendition) -> None:
        used = {(segment.gen, segment.version) for segment in rendition.segments()}
        for key in [key for key in self._inits if key[0] == kind]:
            if key[1:] not in used and key[1] < self._gen:
                del self._inits[key]

    def _entry(self, kind: Kind, segment: Segment) -> playlist.Entry:
        stem = f"{kind}-{self._token}-{segment.gen}"
        return playlist.Entry(
            uri=f"{stem}-{segment.sequence}.m4s",
            duration=segment.seconds,
            begins=segment.begins,
            map_uri=f"{stem}-{segment.version}.mp4",
            discontinuity=segment.discontinuity,
            independent=segment.independent,
        )

    def _require(self, kind: Kind) -> _Rendition:
        rendition = self._renditions[kind]
        if not rendition.listed:
            raise KeyError(kind)
        return rendition

    def _bit_rates(self, kind: Kind) -> tuple[float, float]:
        """The peak over segments and the mean, in bit/s."""
        listed = self._renditions[kind].listed
        rates = [len(s.body) * 8 / s.seconds for s in listed]
        mean = sum(len(s.body) for s in listed) * 8 / sum(s.seconds for s in listed)
        return max(rates), mean

    def _frame_rate(self) -> float:
        listed = self._renditions["v"].listed
        return sum(s.units for s in listed) / sum(s.seconds for s in listed)


def playlist_name(kind: Kind) -> str:
    """A media playlist's URI, relative to ``index.m3u8``."""
    return f"{kind}.m3u8"


def _text(text: str) -> Resource:
    return Resource(text.encode(), playlist.CONTENT_TYPE, immutable=False)
