"""What ``streamd publish`` sends: a file, or the test card, in batches before they are due."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from streamd.media.units import Track, Unit
from streamd.relay.demux import FileReader
from streamd.relay.testcard import CardEncoder

BATCH_SECONDS = 0.5
CARD_FPS, CARD_WIDTH, CARD_HEIGHT = 25, 640, 360


class Source(Protocol):
    """Something to broadcast: opened anew for each connection."""

    tracks: list[Track]

    def units(self) -> AsyncGenerator[list[Unit], None]:
        """Batches in decoding order, each ready before it is due; empty at the end."""


class FileSource:
    """A file from its beginning. Raises MalformedMedia, UnsupportedMedia."""

    def __init__(self, path: Path, loop: bool) -> None:
        self._reader = FileReader(path, loop=loop)
        self.tracks = self._reader.tracks

    async def units(self) -> AsyncGenerator[list[Unit], None]:
        """See Source."""
        try:
            while batch := await asyncio.to_thread(self._reader.read, BATCH_SECONDS):
                yield batch
        finally:
            await asyncio.to_thread(self._reader.close)


class CardSource:
    """The test card from the next whole picture on, its sound coded for the way out."""

    def __init__(self, whip: bool) -> None:
        wall = time.time()
        self._origin = Fraction(math.ceil((wall + 0.2) * CARD_FPS), CARD_FPS)
        self._card = CardEncoder(
            self._origin,
            audio="opus" if whip else "aac",
            fps=CARD_FPS,
            width=CARD_WIDTH,
            height=CARD_HEIGHT,
        )
        self.tracks = self._card.tracks

    async def units(self) -> AsyncGenerator[list[Unit], None]:
        """See Source. A picture that could not be made in time is left out."""
        number = 0
        while True:
            due = float(self._origin) + number / CARD_FPS - time.time()
            if due < -1 / CARD_FPS:
                number += int(-due * CARD_FPS)
            await asyncio.sleep(max(due, 0))
            yield await asyncio.to_thread(self._card.encode, number)
            number += 1
