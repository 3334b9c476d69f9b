"""One rendition of an HLS stream: its segments, whole and growing, and what can be fetched of them.

It knows nothing of codecs or containers: a rendition of captions is fed the same way.
"""

from __future__ import annotations

import gzip
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from streamd.media.playlist import Entry, PartEntry, RenditionReport
from streamd.relay.hls_state import ListedState, RenditionState
from streamd.relay.hls_waiting import Places, Waiting
from streamd.relay.segmenter import HlsPart, Segment

Place = tuple[int, int | None]
"""A media sequence number and a part's index in it; None for the whole segment."""


@dataclass(frozen=True)
class Resource:
    """A body for HTTP: ``source`` from ``start`` to ``end``.

    ``immutable``: the name never stands for other bytes, in no process.
    """

    source: bytes
    content_type: str
    immutable: bool
    start: int = 0
    end: int | None = None

    @property
    def body(self) -> bytes:
        """The bytes."""
        return self.source[self.start : self.end]

    @property
    def view(self) -> memoryview:
        """The bytes, not copied."""
        return memoryview(self.source)[self.start : self.end]

    @cached_property
    def compressed(self) -> bytes:
        """The bytes in gzip's format, made once; the same in every process."""
        return gzip.compress(self.body, compresslevel=5, mtime=0)


@dataclass(frozen=True, slots=True)
class Listed:
    """A whole segment, and its entry with parts and without."""

    segment: Segment
    entry: Entry
    without_parts: Entry


@dataclass(frozen=True, slots=True)
class _Retired:
    """A segment no longer listed; let go once ``until`` seconds of media have been listed."""

    listed: Listed
    until: float


class Rendition:
    """One rendition. ``kind`` is its short name, which its resources' names begin with."""

    def __init__(self, kind: str, content_type: str, places: Places) -> None:
        self.kind = kind
        self.listed: deque[Listed] = deque()
        self.sequence = 0
        """The media sequence number of the segment that grows."""
        self.discontinuity_sequence = 0
        self.discontinuity = False
        """The segment that grows does not continue the one before."""
        self.all_independent = True
        self.version = 0
        """Rises with every change of what is listed."""
        self.playlists: Waiting[Place] = Waiting(places)
        self.parts: Waiting[str] = Waiting(places)
        self.opened: Entry | None = None
        self.publication = ""
        """What tells this publication's names from another's."""
        self._type = content_type
        self._stem = ""
        self._retired: deque[_Retired] = deque()
        self._seconds = 0.0
        self._found: dict[str, Resource] = {}

    # -- in

    def begin(self, publication: str, sequence: int) -> None:
        """A new publication: lists nothing, counts from ``sequence`` on."""
        while self.listed:
            self._retire_oldest()
        self.opened = None
        self.publication = publication
        self._stem = f"{self.kind}-{publication}"
        self.sequence = sequence
        self.discontinuity_sequence = 0
        self.discontinuity = False
        self.all_independent = True
        self.version += 1

    def clear(self) -> None:
        """The track is gone: lists nothing, counts on."""
        while self.listed:
            self._retire_oldest()
        self.version += 1
        self.playlists.wake_all()
        self.parts.wake_all()

    def add_init(self, number: int, body: bytes) -> str:
        """An initialisation segment; its name."""
        name = f"{self._stem}-i{number}.mp4"
        self.keep_init(name, body)
        return name

    def keep_init(self, name: str, body: bytes) -> None:
        """An initialisation segment that has its name already."""
        self._found[name] = Resource(body, self._type, immutable=True)

    def forget(self, name: str) -> None:
        """Nothing listed or fetchable needs this initialisation segment any more."""
        self._found.pop(name, None)

    def add_part(self, part: HlsPart, map_uri: str) -> None:
        """The next part of the segment that grows."""
        if self.opened is None:
            self.opened = Entry(
                uri="",
                duration=0.0,
                begins=part.begins,
                map_uri=map_uri,
                discontinuity=part.discontinuity or self.discontinuity,
                independent=part.starts_with_key,
            )
        name = self.part_name(self.sequence, len(self.opened.parts))
        row = PartEntry(name, part.seconds, part.independent)
        self.opened = replace(self.opened, parts=(*self.opened.parts, row))
        self._found[name] = Resource(part.body, self._type, immutable=True)
        self.version += 1

    def close(self, segment: Segment) -> None:
        """The segment is whole: ``segment`` gets its number, and its parts are read from it."""
        assert self.opened is not None
        segment.sequence = self.sequence
        segment.discontinuity = self.opened.discontinuity
        name = f"{self._stem}-{self.sequence}.m4s"
        entry = replace(self.opened, uri=name, duration=segment.seconds)
        sizes = [len(self._found[part.uri].view) for part in entry.parts]
        self.listed.append(self._held(segment, entry, sizes))
        self._seconds += segment.seconds
        self.sequence += 1
        self.opened = None
        self.discontinuity = False
        self.all_independent = self.all_independent and segment.independent

    def retire(self, seconds: float) -> None:
        """Takes off the oldest while ``seconds`` stay listed; lets go of what is long retired."""
        total = self._listed_seconds
        while self.listed and total - self.listed[0].segment.seconds >= seconds:
            total -= self.listed[0].segment.seconds
            self._retire_oldest()
        while self._retired and self._retired[0].until < self._seconds:
            self._let_go(self._retired.popleft().listed)

    def wake(self) -> None:
        """Lets those requests go on that waited for what is here now."""
        self.playlists.wake(self.contains)
        self.parts.wake(self._found.__contains__)

    # -- out

    def part_name(self, sequence: int, index: int) -> str:
        """A part's URI, relative to the playlist."""
        return f"{self._stem}-{sequence}.{index}.m4s"

    @property
    def hint(self) -> str:
        """The next part's name: every part that was hinted comes, or the broadcast ends."""
        return self.part_name(self.sequence, len(self.opened.parts) if self.opened else 0)

    def entries(self, parts_seconds: float) -> list[Entry]:
        """What a playlist lists, the segment that grows last; parts where a segment begins within
        ``parts_seconds`` of the end."""
        entries = [] if self.opened is None else [self.opened]
        behind = 0.0 if self.opened is None else sum(one.duration for one in self.opened.parts)
        for one in reversed(self.listed):
            behind += one.entry.duration
            entries.append(one.entry if behind <= parts_seconds else one.without_parts)
        entries.reverse()
        return entries

    @property
    def maps(self) -> set[str]:
        """The initialisation segments that what is listed or fetchable needs."""
        listed = (*self.listed, *(one.listed for one in self._retired))
        return {one.entry.map_uri for one in listed}

    @property
    def oldest(self) -> int:
        """The lowest media sequence number that can be fetched."""
        kept = (*(one.listed for one in self._retired), *self.listed)
        return kept[0].segment.sequence if kept else self.sequence

    def too_far(self, place: Place, part_target: float) -> bool:
        """Whether no player that follows the standard asks for ``place`` (bis section 6.2.5.2)."""
        sequence, part = place
        if sequence > self.sequence + 1:
            return True
        if part is None or sequence < self.sequence:
            return False
        here = len(self.opened.parts) if self.opened and sequence == self.sequence else 0
        advance_part_limit = 3 / part_target if part_target < 1 else 3
        return part + 1 - here > advance_part_limit

    @property
    def report(self) -> RenditionReport | None:
        """For the other renditions' playlists; None while nothing is listed."""
        uri = playlist_name(self.kind)
        if self.opened is not None:
            return RenditionReport(uri, self.sequence, len(self.opened.parts) - 1)
        if not self.listed:
            return None
        return RenditionReport(uri, self.sequence - 1, len(self.listed[-1].entry.parts) - 1)

    def contains(self, place: Place) -> bool:
        """Whether the playlist has come as far as ``place`` (bis section 6.2.5.2)."""
        sequence, part = place
        if part is None or sequence > self.sequence:
            return sequence < self.sequence
        if sequence < self.sequence:
            past = self.sequence - sequence
            if past > len(self.listed) or part < len(self.listed[-past].entry.parts):
                return True
            return self.contains((sequence + 1, 0))  # past the end: the next one's first
        return self.opened is not None and part < len(self.opened.parts)

    def get(self, name: str) -> Resource | None:
        """What stands behind a name: a part, a segment, an initialisation segment."""
        return self._found.get(name)

    @property
    def next_discontinuity_sequence(self) -> int:
        """That of the segment that would be listed next, without a discontinuity of its own."""
        return self.discontinuity_sequence + sum(one.entry.discontinuity for one in self.listed)

    # -- to another process

    @property
    def state(self) -> RenditionState:
        """For ``restore``."""
        growing = self.opened.parts if self.opened is not None else ()
        return RenditionState(
            publication=self.publication,
            sequence=self.sequence,
            discontinuity_sequence=self.discontinuity_sequence,
            discontinuity=self.discontinuity,
            all_independent=self.all_independent,
            version=self.version,
            seconds=self._seconds,
            opened=self.opened,
            part_bodies=[self._found[part.uri].body for part in growing],
            listed=[self._listed_state(one) for one in self.listed],
            retired=[self._listed_state(one.listed, one.until) for one in self._retired],
        )

    def restore(self, state: RenditionState) -> None:
        """Goes on where the one that ``state`` is of stood; it lacks its initialisation segments
        (``keep_init``)."""
        self.publication = state.publication
        self._stem = f"{self.kind}-{state.publication}"
        self.sequence = state.sequence
        self.discontinuity_sequence = state.discontinuity_sequence
        self.discontinuity = state.discontinuity
        self.all_independent = state.all_independent
        self.version = state.version
        self._seconds = state.seconds
        self.opened = state.opened
        self._found = {}
        growing = state.opened.parts if state.opened is not None else ()
        for part, body in zip(growing, state.part_bodies, strict=True):
            self._found[part.uri] = Resource(body, self._type, immutable=True)
        self._retired = deque(
            _Retired(self._held(one.segment, one.entry, one.part_sizes), one.until)
            for one in state.retired
        )
        self.listed = deque(
            self._held(one.segment, one.entry, one.part_sizes) for one in state.listed
        )

    def _listed_state(self, listed: Listed, until: float = 0.0) -> ListedState:
        sizes = [len(self._found[part.uri].view) for part in listed.entry.parts]
        return ListedState(listed.segment, listed.entry, sizes, until)

    # -- within

    def _held(self, segment: Segment, entry: Entry, sizes: Sequence[int]) -> Listed:
        """A whole segment that can be fetched from now on, and its parts as slices of it."""
        self._found[entry.uri] = Resource(segment.body, self._type, immutable=True)
        start = 0
        for part, size in zip(entry.parts, sizes, strict=True):
            end = start + size
            self._found[part.uri] = Resource(segment.body, self._type, True, start, end)
            start = end
        return Listed(segment, entry, replace(entry, parts=()))

    @property
    def _listed_seconds(self) -> float:
        return sum(one.segment.seconds for one in self.listed)

    def _retire_oldest(self) -> None:
        # Section 6.2.2: for its own duration and that of the longest playlist that listed it.
        until = self._seconds + self._listed_seconds
        oldest = self.listed.popleft()
        self.discontinuity_sequence += oldest.entry.discontinuity
        self._retired.append(_Retired(oldest, until + oldest.segment.seconds))

    def _let_go(self, listed: Listed) -> None:
        del self._found[listed.entry.uri]
        for part in listed.entry.parts:
            del self._found[part.uri]


def playlist_name(kind: str) -> str:
    """A media playlist's URI, relative to ``index.m3u8``."""
    return f"{kind}.m3u8"
