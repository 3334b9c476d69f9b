"""All recordings: what is being made, what is kept, and who may have it how."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path

import structlog

from streamd import config
from streamd.recording.caretaker import Caretaker
from streamd.recording.catalogue import Catalogue, Entry
from streamd.recording.counters import Counters
from streamd.recording.disk_guard import DiskGuard
from streamd.recording.downloads import Downloads
from streamd.recording.ended_polls import EndedPolls
from streamd.recording.ended_subtitles import EndedSubtitles
from streamd.recording.journal import CandidateNote, Header
from streamd.recording.lifecycle import Move, RecordingState
from streamd.recording.live_recording import LiveRecording
from streamd.recording.offline import Job
from streamd.recording.places import storage_at
from streamd.recording.poll_track import PollTracks
from streamd.recording.recorder import OnTrouble, Recorder
from streamd.recording.storage import Shelf, Storage
from streamd.recording.summary import summarize
from streamd.recording.workshop import Workshop
from streamd.relay.captions import Captions
from streamd.relay.stream import Stream

log = structlog.get_logger(__name__)

QUIET_SECONDS = 120.0
"""See Caretaker."""

RESTART_SECONDS = 5.0


class Recordings:
    """Records every stream it is told to watch; lists, finishes, deletes.

    ``free`` replaces the storage's own answer about free bytes.
    """

    def __init__(
        self,
        settings: config.Recording,
        home: Path,
        event: config.Event,
        *,
        storage: Storage | None = None,
        free: Callable[[], int | None] | None = None,
        clock: Callable[[], float] = time.time,
        quiet_seconds: float = QUIET_SECONDS,
    ) -> None:
        folder, scratch = home / "recordings", home / "scratch"
        self._settings = settings
        self._event = event
        self._storage = storage or storage_at(settings.url, folder)
        free = free or self._storage.free_bytes
        self._guard = DiskGuard(settings.free_bytes, free)
        self._recorders: dict[str, Recorder] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.shelf = Shelf(self._storage)
        self.catalogue = Catalogue()
        self.ended_subtitles = EndedSubtitles(self.shelf)
        self.ended_polls = EndedPolls(self.shelf)
        self.polls = PollTracks()
        """Who tells of polls tells it here."""
        self.counters = Counters()
        self.workshop = Workshop(settings.url, folder, scratch, self._on_made)
        self._downloads = Downloads(
            settings, self.shelf, self.catalogue, self.workshop, free, lambda: _free_bytes(home)
        )
        self.caretaker = Caretaker(
            settings,
            self.shelf,
            self.catalogue,
            self.workshop,
            self._downloads,
            free,
            clock,
            quiet_seconds,
        )

    def watch(self, stream: Stream, captions: Captions) -> None:
        """Records the stream's broadcasts and captions from now on. May be called again."""
        if self._settings.enabled and stream.id not in self._recorders:
            longest = self._settings.longest_minutes * 60.0
            self._recorders[stream.id] = Recorder(
                stream, captions, self.polls.of(stream.id), self._begin, longest
            )

    def unwatch(self, stream: str) -> None:
        """Records the stream no longer; what is being recorded of it ends here."""
        recorder = self._recorders.pop(stream, None)
        if recorder is not None:
            recorder.close()

    # -- what people ask

    async def delete(self, recording: str) -> None:
        """Deletes a recording for good.

        Raises UnknownRecording, IllegalRecordingMove while it is being made, StorageFailed.
        """
        entry = self.catalogue.get(recording)
        entry.move(Move.DELETE)
        await self.caretaker.remove(entry)

    async def download(self, recording: str, chapter: int, *, make: bool = True) -> str:
        """See Downloads.path."""
        return await self._downloads.path(recording, chapter, make=make)

    # -- life

    async def run(self) -> None:
        """Finds what an earlier process left, then looks after everything, until cancelled."""
        if not self._settings.enabled:
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(_again(self.workshop.run), name="recordings workshop")
            group.create_task(_again(self.caretaker.run), name="recordings caretaker")

    async def stop(self) -> None:
        """Ends and finishes what is being recorded. Cancelled, its journal is all that is left."""
        for stream in tuple(self._recorders):
            self.unwatch(stream)
        if self._tasks:
            await asyncio.wait(self._tasks)
        self.shelf.close()

    # -- within

    def _begin(self, stream: Stream, begins: float, on_trouble: OnTrouble) -> LiveRecording:
        header = self._header(stream.id, begins)
        live = LiveRecording(header, self.shelf, self._guard, self.counters, on_trouble)
        entry = Entry(summarize(live.journal, header, RecordingState.RECORDING), live)
        self.catalogue.put(entry)
        self._own(asyncio.create_task(self._keep(entry, live), name=f"recording {header.id}"))
        log.info("recording begins", recording=header.id)
        return live

    def _header(self, stream: str, begins: float) -> Header:
        moment = datetime.fromtimestamp(begins, UTC)
        spoke = next((one for one in self._event.candidates if one.stream == stream), None)
        note = None
        if spoke is not None:
            note = CandidateNote(spoke.number, spoke.name, spoke.about, spoke.portrait)
        return Header(
            id=f"{stream}-{moment:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}",
            stream=stream,
            candidate=note,
            simulated=self._event.simulated,
            delay_seconds=self._event.delay_seconds,
        )

    async def _keep(self, entry: Entry, live: LiveRecording) -> None:
        """From the first segment to the finished VOD."""
        try:
            await live.run()
        except Exception:
            log.exception("a recording broke off", recording=entry.id)
        if live.journal.kinds:
            await self.caretaker.finish(entry)
        else:
            self.catalogue.drop(entry.id)

    def _on_made(self, job: Job, made: bool) -> None:
        if job.what == "poster":
            noting = self.caretaker.note_poster(job.recording, made)
            self._own(asyncio.create_task(noting, name=f"poster {job.recording}"))

    def _own(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _again(work: Callable[[], Coroutine[None, None, None]]) -> None:
    """Runs ``work`` for ever: whatever is wrong with recordings, broadcasts go on."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("recordings are not looked after; trying again")
        await asyncio.sleep(RESTART_SECONDS)


def _free_bytes(home: Path) -> int:
    home.mkdir(parents=True, exist_ok=True)
    return shutil.disk_usage(home).free
