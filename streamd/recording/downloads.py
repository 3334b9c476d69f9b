"""MP4 files of recordings: made when asked for, kept a day, the first to go when space runs short.

Whoever visits may ask for one, so they may never cost a recording its room: they are made only
while RESERVE times what recordings keep free is there, on both disks where there are two, and go
once it is not.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from streamd import config
from streamd.recording.catalogue import Catalogue
from streamd.recording.disk_guard import DiskGuard
from streamd.recording.errors import (
    DiskFull,
    DownloadRefused,
    DownloadUnready,
    NoSuchFile,
    RecordingError,
    UnknownRecording,
)
from streamd.recording.lifecycle import RecordingState
from streamd.recording.storage import Shelf
from streamd.recording.summary import download_name
from streamd.recording.workshop import Workshop

log = structlog.get_logger(__name__)

RESERVE = 2
"""Times ``[recording] free_bytes``."""

DOWNLOAD_SECONDS = 86_400.0
"""An MP4 is kept so long after it was made; asked for again, it is made again."""

Free = Callable[[], int | None]


class Downloads:
    """``free`` gives the free bytes where recordings lie, ``scratch_free`` where MP4s grow."""

    def __init__(
        self,
        settings: config.Recording,
        shelf: Shelf,
        catalogue: Catalogue,
        workshop: Workshop,
        free: Free,
        scratch_free: Free,
    ) -> None:
        self._least = RESERVE * settings.free_bytes
        self._guards = [DiskGuard(self._least, one) for one in (free, scratch_free)]
        self._shelf = shelf
        self._storage = shelf.storage
        self._catalogue = catalogue
        self._workshop = workshop

    async def path(self, recording: str, chapter: int, *, make: bool = True) -> str:
        """The path of a chapter's MP4; one that is not there is made, if ``make``.

        Raises UnknownRecording, NoSuchFile, DownloadUnready, DownloadRefused, StorageFailed.
        """
        kept = self._catalogue.get(recording).kept
        wanted = next((one for one in kept.chapters if one.n == chapter), None)
        if wanted is None or kept.state is not RecordingState.FINISHED:
            raise UnknownRecording(recording)
        path = f"{recording}/{download_name(chapter)}"
        try:
            await self._shelf.lend(self._storage.size, path)
        except NoSuchFile:
            if not make:
                raise
            await self._make(recording, chapter, wanted.bytes)
        return path

    async def delete_old(self, now: float) -> None:
        """Deletes those that were made longer than DOWNLOAD_SECONDS ago."""
        for modified, path in await self._found():
            if modified < now - DOWNLOAD_SECONDS:
                await self._remove(path)

    async def make_room(self, free: int | None) -> int | None:
        """Deletes, the oldest first, until the reserve is free again. ``free``: what is free.

        Gives what is free then.
        """
        if self._least == 0 or free is None or free >= self._least:
            return free
        for _, path in sorted(await self._found()):
            size = await self._remove(path)
            log.info("a download makes room for recordings", file=path, bytes=size)
            free += size
            if free >= self._least:
                break
        return free

    async def _make(self, recording: str, chapter: int, wanted: int) -> None:
        """Has the file made, and raises that it is not there yet."""
        if self._workshop.share(recording, chapter) is None:
            # It grows in one place and may have to be copied to another.
            promised = 2 * (wanted + self._workshop.promised)
            try:
                for guard in self._guards:
                    await self._shelf.lend(guard.check, promised)
            except DiskFull as error:
                raise DownloadRefused("There is no room to make this file now.") from error
        if not self._workshop.ask_mp4(recording, chapter, wanted):
            raise DownloadRefused("This file cannot be made right now. Try again in a minute.")
        raise DownloadUnready("The file is being made. Ask again in a moment.")

    async def _found(self) -> list[tuple[float, str]]:
        """When each was made, and its path."""
        found = []
        for entry in self._catalogue:
            chapters = entry.kept.chapters if entry.state is RecordingState.FINISHED else ()
            for chapter in chapters:
                path = f"{entry.id}/{download_name(chapter.n)}"
                try:
                    found.append((await self._shelf.do(self._storage.modified, path), path))
                except NoSuchFile:
                    continue
                except RecordingError as error:
                    log.warning("a download is not looked at", file=path, reason=str(error))
        return found

    async def _remove(self, path: str) -> int:
        """What is gained by it, in bytes."""
        try:
            size = await self._shelf.do(self._storage.size, path)
            await self._shelf.do(self._storage.remove, path)
        except RecordingError as error:
            log.warning("a download stays", file=path, reason=str(error))
            return 0
        return size
