"""What was recorded of polls in recordings that have ended, kept for who asks next."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

import msgspec
import structlog

from streamd.recording.errors import NoSuchFile
from streamd.recording.polls import POLLS, Document, read
from streamd.recording.storage import Shelf

log = structlog.get_logger(__name__)

KEPT = 16
"""Recordings; the one not asked for longest goes first."""


class EndedPolls:
    """Reads each recording's ``polls.json`` when it is asked for."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._read: OrderedDict[str, Document] = OrderedDict()
        self._reading = asyncio.Lock()

    async def of(self, recording: str) -> Document:
        """Those of a finished recording; none where it has no file of them. Raises StorageFailed.

        Nobody changes what is returned.
        """
        async with self._reading:
            found = self._read.get(recording)
            if found is None:
                found = self._read[recording] = await self._shelf.lend(self._load, recording)
            self._read.move_to_end(recording)
            while len(self._read) > KEPT:
                self._read.popitem(last=False)
            return found

    def _load(self, recording: str) -> Document:
        try:
            return read(self._shelf.storage.read(f"{recording}/{POLLS}"))
        except NoSuchFile:
            return Document()
        except msgspec.MsgspecError as error:
            log.error("a recording's polls cannot be read", recording=recording, why=str(error))
            return Document()
