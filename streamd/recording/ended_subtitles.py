"""The live subtitles of recordings that have ended, for whoever was watching them when they did."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from streamd.recording.live_subtitles import LiveSubtitles, replayed
from streamd.recording.storage import Shelf
from streamd.recording.summary import JOURNAL

KEPT = 4
"""Recordings whose subtitles stay in memory; the one not asked for longest goes first."""


class EndedSubtitles:
    """Made from the journal when they are asked for."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._made: OrderedDict[str, LiveSubtitles] = OrderedDict()
        self._making = asyncio.Lock()

    async def of(self, recording: str) -> LiveSubtitles:
        """Those of a finished recording, made once for all who ask. Raises NoSuchFile."""
        async with self._making:
            made = self._made.get(recording)
            if made is None:
                made = await self._shelf.lend(self._replay, recording)
                self._made[recording] = made
            self._made.move_to_end(recording)
            while len(self._made) > KEPT:
                self._made.popitem(last=False)
            return made

    def _replay(self, recording: str) -> LiveSubtitles:
        return replayed(self._shelf.storage.read_log(f"{recording}/{JOURNAL}"))
