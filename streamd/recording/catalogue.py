"""Every recording that this process knows of, in memory; the storage is asked at the start only."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from streamd.recording.errors import UnknownRecording
from streamd.recording.lifecycle import Move, RecordingState, after
from streamd.recording.live_recording import LiveRecording
from streamd.recording.summary import Summary, summarize


@dataclass
class Entry:
    """A recording: its summary as kept, and, while it is made, what is making it."""

    kept: Summary
    live: LiveRecording | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by whoever finishes, notes or removes its files: one at a time."""
    _counted: tuple[tuple[int, RecordingState], Summary] | None = None

    @property
    def id(self) -> str:
        return self.kept.header.id

    @property
    def state(self) -> RecordingState:
        return self.kept.state

    @property
    def summary(self) -> Summary:
        """As it stands now; of a long recording it is counted anew only with each segment."""
        if self.live is None:
            return self.kept
        journal = self.live.journal
        key = sum(len(lines) for lines in journal.segments.values()), self.state
        if self._counted is None or self._counted[0] != key:
            self._counted = key, summarize(journal, self.kept.header, self.state)
        return self._counted[1]

    def move(self, move: Move) -> None:
        """Raises IllegalRecordingMove."""
        self.kept = msgspec.structs.replace(self.kept, state=after(self.id, self.state, move))


class Catalogue:
    """Recordings by id."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}

    def put(self, entry: Entry) -> None:
        """Adds it, or replaces the one of the same id."""
        self._entries[entry.id] = entry

    def drop(self, recording: str) -> None:
        """It is gone."""
        self._entries.pop(recording, None)

    def get(self, recording: str) -> Entry:
        """Raises UnknownRecording, for what is being deleted and has no picture yet too."""
        entry = self._entries.get(recording)
        if entry is None or not _is_shown(entry):
            raise UnknownRecording(recording)
        return entry

    def shown(self, stream: str | None = None) -> list[Summary]:
        """What has something to play, newest first; ``stream`` narrows."""
        found = [
            entry.summary
            for entry in self._entries.values()
            if _is_shown(entry) and stream in (None, entry.kept.header.stream)
        ]
        return sorted(found, key=lambda one: (one.started_at, one.header.id), reverse=True)

    def running(self, stream: str) -> Entry | None:
        """What is being recorded of the stream now and can be played."""
        for entry in self._entries.values():
            if entry.live is not None and entry.kept.header.stream == stream and _is_shown(entry):
                return entry
        return None

    def __contains__(self, recording: str) -> bool:
        return recording in self._entries

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self._entries.values()))


def _is_shown(entry: Entry) -> bool:
    if entry.state is RecordingState.DELETING:
        return False
    return entry.live is None or bool(entry.live.journal.kinds)
