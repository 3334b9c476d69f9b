"""Looks after what is kept: finishes, finds, tries again, deletes what is old."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import structlog

from streamd import config
from streamd.recording import finishing, retention
from streamd.recording.catalogue import Catalogue, Entry
from streamd.recording.downloads import Downloads, Free
from streamd.recording.errors import NoSuchFile, RecordingError
from streamd.recording.lifecycle import Move, RecordingState
from streamd.recording.storage import Shelf
from streamd.recording.summary import summarize
from streamd.recording.workshop import Workshop

log = structlog.get_logger(__name__)

LOOK_SECONDS = 60.0
"""How often free space is looked at, and what could not be done is tried again."""

TIDY_SECONDS = 3_600.0
"""How often old recordings and unused downloads are looked for."""


class Caretaker:
    """Whatever goes wrong with one recording is logged and tried again; the others do not notice.

    ``quiet_seconds``: on a storage that others share, an unfinished recording is taken for
    somebody else's until it was quiet so long.
    """

    def __init__(
        self,
        settings: config.Recording,
        shelf: Shelf,
        catalogue: Catalogue,
        workshop: Workshop,
        downloads: Downloads,
        free: Free,
        clock: Callable[[], float],
        quiet_seconds: float,
    ) -> None:
        self._settings = settings
        self._shelf = shelf
        self._storage = shelf.storage
        self._catalogue = catalogue
        self._workshop = workshop
        self._downloads = downloads
        self._free = free
        self._clock = clock
        self._quiet_seconds = quiet_seconds
        self._foreign: set[str] = set()
        self._ended = asyncio.Event()
        self.free_bytes: int | None = None
        """As seen a moment ago; None before, and where nobody can tell."""

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        tidied = loop.time()
        await self._find()
        await self._delete_old()
        await self._downloads.delete_old(self._clock())
        while True:
            await self._look()
            if self._ended.is_set():
                self._ended.clear()
                await self._delete_old()
            if loop.time() - tidied >= TIDY_SECONDS:
                tidied = loop.time()
                await self._delete_old()
                await self._downloads.delete_old(self._clock())
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._ended.wait()
            except TimeoutError:
                continue

    async def finish(self, entry: Entry, *, interrupted: bool = False) -> None:
        """Makes the VOD. On failure the entry stays incomplete and is tried again later."""
        async with entry.lock:
            if entry.state in (RecordingState.RECORDING, RecordingState.INCOMPLETE):
                await self._finish(entry, interrupted)

    async def _finish(self, entry: Entry, interrupted: bool) -> None:
        try:
            journal = (
                entry.live.journal
                if entry.live is not None
                else await self._shelf.do(finishing.read_journal, self._storage, entry.id)
            )
            kept = await self._shelf.do(
                finishing.finish, self._storage, journal, interrupted=interrupted
            )
        except Exception as error:
            _log("a recording is not finished yet", entry.id, error)
            if entry.state is RecordingState.RECORDING:
                entry.move(Move.BREAK)
            return
        if entry.state is RecordingState.DELETING:
            return
        entry.move(Move.FINISH)
        entry.kept, entry.live = kept, None
        log.info("recording finished", recording=entry.id, seconds=kept.seconds, bytes=kept.bytes)
        self._workshop.ask_poster(entry.id)
        self._ended.set()

    async def remove(self, entry: Entry) -> None:
        """Deletes an entry that is DELETING. Raises StorageFailed; then it is tried again later."""
        async with entry.lock:
            if entry.id not in self._catalogue:
                return
            self._workshop.forget(entry.id)
            await self._shelf.do(finishing.delete, self._storage, entry.kept)
            self._catalogue.drop(entry.id)
            log.info("recording deleted", recording=entry.id)

    async def note_poster(self, recording: str, made: bool) -> None:
        """A poster was made, or cannot be."""
        try:
            entry = self._catalogue.get(recording)
            async with entry.lock:
                if entry.state is not RecordingState.FINISHED:
                    return
                entry.kept = msgspec.structs.replace(entry.kept, poster=made)
                await self._shelf.do(finishing.write_summary, self._storage, entry.kept)
        except RecordingError as error:
            log.warning("a poster is not noted", recording=recording, reason=str(error))

    # -- within

    async def _look(self) -> None:
        try:
            free = await self._shelf.do(self._free)
            self.free_bytes = await self._downloads.make_room(free)
        except RecordingError as error:
            log.error("free space is not known", reason=str(error))
        if self._foreign:
            await self._find()
        for entry in self._catalogue:
            try:
                await self._retry(entry)
            except Exception as error:
                _log("a recording is not looked after", entry.id, error)

    async def _retry(self, entry: Entry) -> None:
        if entry.state is RecordingState.INCOMPLETE:
            await self.finish(entry, interrupted=entry.live is None)
        elif entry.state is RecordingState.DELETING:
            await self.remove(entry)
        elif entry.state is RecordingState.FINISHED and entry.kept.poster is None:
            self._workshop.ask_poster(entry.id)

    async def _find(self) -> None:
        """Lists what is on the storage and not known yet."""
        try:
            found = await self._shelf.do(self._storage.recordings)
        except RecordingError as error:
            log.error("recordings cannot be listed", reason=str(error))
            return
        for recording in found:
            if recording not in self._catalogue:
                try:
                    await self._find_one(recording)
                except Exception as error:
                    _log("a recording cannot be read", recording, error)

    async def _find_one(self, recording: str) -> None:
        kept = await self._shelf.do(finishing.read_summary, self._storage, recording)
        if kept is not None:
            self._foreign.discard(recording)
            self._catalogue.put(Entry(kept))
            return
        try:
            journal = await self._shelf.do(finishing.read_journal, self._storage, recording)
        except NoSuchFile:
            await self._shelf.do(finishing.clear_leftovers, self._storage, recording)
            return
        if journal.header is None or not journal.kinds:
            return
        is_quiet = journal.ended_at < self._clock() - self._quiet_seconds
        if self._storage.shared and not is_quiet:
            self._foreign.add(recording)
            return
        self._foreign.discard(recording)
        entry = Entry(summarize(journal, journal.header, RecordingState.INCOMPLETE))
        self._catalogue.put(entry)
        await self.finish(entry, interrupted=True)

    async def _delete_old(self) -> None:
        settings = self._settings
        due = retention.due(
            [entry.kept for entry in self._catalogue],
            self._clock(),
            keep_days=settings.keep_days,
            keep_newest=settings.keep_newest,
        )
        for recording in due:
            try:
                entry = self._catalogue.get(recording)
                entry.move(Move.DELETE)
                await self.remove(entry)
            except Exception as error:
                _log("a recording is not deleted yet", recording, error)


def _log(what: str, recording: str, error: Exception) -> None:
    """One line for what storage refuses; all of it for what nobody thought of."""
    if isinstance(error, RecordingError):
        log.error(what, recording=recording, reason=str(error))
    else:
        log.error(what, recording=recording, exc_info=error)
