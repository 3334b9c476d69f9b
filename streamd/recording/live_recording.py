"""One recording while it is made: a bounded queue, and the one task that empties it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from streamd.errors import MalformedMedia
from streamd.media import webvtt
from streamd.media.parts import Init
from streamd.media.units import Kind
from streamd.recording.admission import Admission
from streamd.recording.beside import Beside
from streamd.recording.boxes import channel_count, media_time, picture_size
from streamd.recording.captions import PlacedCaptions
from streamd.recording.counters import Counters, Trouble
from streamd.recording.disk_guard import DiskGuard
from streamd.recording.errors import DiskFull, RecordingError
from streamd.recording.journal import (
    CaptionLine,
    Header,
    Journal,
    Line,
    MapLine,
    PollNote,
    SegmentLine,
    encode,
)
from streamd.recording.live_subtitles import LiveSubtitles
from streamd.recording.playlists import Index, MediaPlaylist
from streamd.recording.polls import RecordedPolls
from streamd.recording.storage import Shelf
from streamd.recording.summary import JOURNAL
from streamd.recording.written import Text, Written
from streamd.relay.segmenter import Segment

log = structlog.get_logger(__name__)

MOST_WAITING = 64
MOST_WAITING_BYTES = 33_554_432
"""The queue's bounds. Full: newer segments are left out until there is room (admission.py)."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A segment on its way to the storage, with the map it needs."""

    line: SegmentLine
    map: MapLine
    init: bytes
    body: bytes


class LiveRecording:
    """Takes a broadcast's segments, without ever waiting, until ``end``.

    ``journal`` holds what is on the storage, nothing else. ``on_trouble`` hears why segments are
    left out, and None once they are kept again.
    """

    def __init__(
        self,
        header: Header,
        shelf: Shelf,
        guard: DiskGuard,
        counters: Counters,
        on_trouble: Callable[[Trouble | None], None],
    ) -> None:
        self.header = header
        self.journal = Journal()
        self.playlists: dict[Kind, MediaPlaylist] = {
            "v": MediaPlaylist(self.journal, "v"),
            "a": MediaPlaylist(self.journal, "a"),
        }
        self.index = Index(self.journal)
        self.subtitles = LiveSubtitles()
        self.polls = RecordedPolls(header.delay_seconds)
        self._placed = PlacedCaptions(self.journal)
        self._captions_written = Written()
        self._shelf = shelf
        self._guard = guard
        self._counters = counters
        self._on_trouble = on_trouble
        self._trouble: Trouble | None = None
        self._admission = Admission()
        self._maps: dict[tuple[Kind, bytes], MapLine] = {}
        self._queue: deque[_Waiting] = deque()
        self._queued_bytes = 0
        self._beside = Beside(counters)
        self._wake = asyncio.Event()
        self._ended = False

    @property
    def waiting(self) -> int:
        """Segments that wait for the storage."""
        return len(self._queue)

    def put(self, segment: Segment, init: Init) -> None:
        """Queues the segment, or leaves it out and counts it."""
        place = self._admission.admit(segment, room=self._has_room())
        if place is None:
            self._miss(self._trouble or Trouble.SLOW_STORAGE)
            return
        known = self._map(segment.kind, init)
        line = SegmentLine(
            kind=segment.kind,
            n=place.n,
            map=known.n,
            run=place.run,
            begins=segment.begins,
            seconds=segment.seconds,
            independent=segment.independent,
            units=segment.units,
            bytes=len(segment.body),
            media=_media_time(segment, init),
        )
        self._queue.append(_Waiting(line, known, init.init, segment.body))
        self._queued_bytes += line.bytes
        self._wake.set()

    def say(self, caption: CaptionLine) -> None:
        """Keeps a caption: it is written with the next segments, or at the end."""
        self._beside.say(caption)

    def note(self, line: PollNote) -> None:
        """Keeps what everybody is told of a poll, likewise."""
        self._beside.note(line)

    async def captions(self) -> Text:
        """What was said so far as WebVTT, made once for all who ask between two captions."""
        cues = tuple(self._placed.cues)
        return await self._captions_written.get(
            (len(cues), cues[-1:]), lambda: webvtt.document(cues)
        )

    def end(self) -> None:
        """Nothing more comes: ``run`` returns when all is written."""
        self._ended = True
        self._wake.set()

    async def run(self) -> None:
        """Writes what is put until the end. Cancelled, it loses what waits in the queue."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            batch, said = list(self._queue), self._beside.lines
            if batch:
                self._take_note(batch, *await self._shelf.do(self._write, batch, said))
                self._wake.set()
            elif self._ended:
                break
        if (said := self._beside.lines) and self.journal.header is not None:
            # What was said when the last picture had been written already.
            self._take_note([], *await self._shelf.do(self._append, said))
        await self._shelf.do(self._shelf.storage.close_log, self._path(JOURNAL))

    # -- within

    def _has_room(self) -> bool:
        return len(self._queue) < MOST_WAITING and self._queued_bytes < MOST_WAITING_BYTES

    def _map(self, kind: Kind, init: Init) -> MapLine:
        known = self._maps.get((kind, init.init))
        if known is None:
            n = sum(one == kind for one, _ in self._maps)
            known = MapLine(kind, n, init.codec)
            if kind == "v":
                width, height = picture_size(init.init)
                known = MapLine(kind, n, init.codec, width=width, height=height)
            else:
                known = MapLine(kind, n, init.codec, channels=channel_count(init.init))
            self._maps[kind, init.init] = known
        return known

    def _write(
        self, batch: list[_Waiting], said: Sequence[Line]
    ) -> tuple[Sequence[Line], RecordingError | None]:
        """In a thread: the files first, then the lines that tell of them."""
        storage = self._shelf.storage
        # What was said first: it was, before these segments came to be listed.
        head: list[Line] = [] if self.journal.header is not None else [self.header]
        lines: list[Line] = []
        written = set(self.journal.maps)
        error: RecordingError | None = None
        try:
            for waiting in batch:
                self._guard.check(waiting.line.bytes)
                if (waiting.map.kind, waiting.map.n) not in written:
                    storage.write(self._path(waiting.map.name), waiting.init)
                    written.add((waiting.map.kind, waiting.map.n))
                    lines.append(waiting.map)
                storage.write(self._path(waiting.line.name), waiting.body)
                lines.append(waiting.line)
        except RecordingError as failure:
            error = failure
        if any(isinstance(line, SegmentLine) for line in lines):
            kept, unwritten = self._append([*head, *said, *lines])
            return kept, unwritten or error
        return [], error

    def _append(self, lines: Sequence[Line]) -> tuple[Sequence[Line], RecordingError | None]:
        """In a thread: all of the lines, or none."""
        try:
            self._shelf.storage.append(self._path(JOURNAL), encode(lines))
        except RecordingError as failure:
            return [], failure
        return lines, None

    def _take_note(
        self, batch: list[_Waiting], lines: Sequence[Line], error: RecordingError | None
    ) -> None:
        """The batch has left the queue: what of it was kept, and what was not."""
        for line in lines:
            self.journal.add(line)
            self.subtitles.take(line)
            self.polls.take(line)
            if isinstance(line, SegmentLine):
                self._counters.segments += 1
                self._counters.bytes += line.bytes
        self._beside.drop(lines)
        for waiting in batch:
            self._queue.popleft()
            self._queued_bytes -= waiting.line.bytes
        if error is None:
            if not self._admission.skipping:
                self._set_trouble(None)
            return
        kept = sum(isinstance(line, SegmentLine) for line in lines)
        reason = Trouble.DISK_FULL if isinstance(error, DiskFull) else Trouble.STORAGE_FAILED
        if reason is Trouble.STORAGE_FAILED:
            self._counters.failures += 1
            log.error("recording failed", recording=self.header.id, reason=str(error))
        for _ in range(len(batch) - kept + len(self._queue)):
            self._counters.missed[reason] += 1
        self._queue.clear()
        self._queued_bytes = 0
        self._admission.interrupt(self.journal.last_run)
        self._set_trouble(reason)

    def _miss(self, reason: Trouble) -> None:
        self._counters.missed[reason] += 1
        self._set_trouble(reason)

    def _set_trouble(self, trouble: Trouble | None) -> None:
        self._trouble = trouble
        self._on_trouble(trouble)

    def _path(self, name: str) -> str:
        return f"{self.header.id}/{name}"


def _media_time(segment: Segment, init: Init) -> float | None:
    try:
        return media_time(segment.body, init.init)
    except MalformedMedia:
        return None
