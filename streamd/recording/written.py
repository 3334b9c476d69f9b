"""Long texts that many ask for: encoded and packed once for each version, beside the loop."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable, Hashable
from dataclasses import dataclass

_LEVEL = 3


@dataclass(frozen=True, slots=True)
class Text:
    """A text as it travels; ``packed`` is its gzip."""

    plain: bytes
    packed: bytes


def pack(text: str | bytes) -> Text:
    """Blocking: some 15 ms a megabyte."""
    plain = text.encode() if isinstance(text, str) else text
    return Text(plain, gzip.compress(plain, compresslevel=_LEVEL, mtime=0))


class Written:
    """The newest version of one text. Whoever asks while it is made waits for the same one."""

    def __init__(self) -> None:
        self._version: Hashable = None
        self._made: asyncio.Future[Text] | None = None

    async def get(self, version: Hashable, compose: Callable[[], str]) -> Text:
        """``compose`` runs in a thread, once a version; what it reads must not change."""
        made = self._made
        if made is None or version != self._version:
            loop = asyncio.get_running_loop()
            made = loop.run_in_executor(None, lambda: pack(compose()))
            self._version, self._made = version, made
        try:
            return await asyncio.shield(made)
        except Exception:
            if self._made is made:
                self._made = None
            raise
