"""The keys of polls' ballot digests, read from the store once and remembered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from polling.errors import StoreDown
from polling.store_single import Server
from polling.store_wire import keys_of

_KEPT: Final = 4_096
"""Polls whose salt is remembered; those past it are read again."""


class Salts:
    """A poll's salt never changes. See ``store_digests``."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._known: dict[str, bytes] = {}

    async def of(self, polls: Iterable[str]) -> dict[str, bytes]:
        """The salts of those of ``polls`` that there are. Raises StoreDown."""
        wanted = dict.fromkeys(polls)
        unread = [poll for poll in wanted if poll not in self._known]
        found = {poll: self._known[poll] for poll in wanted if poll in self._known}
        if unread:
            # As a change, though it is none: a vote must not wait for those who only read.
            calls = [("HGET", *keys_of("poll", poll), "salt") for poll in unread]
            for poll, salt in zip(unread, await self._server.change_all(calls), strict=True):
                if isinstance(salt, StoreDown):
                    raise salt
                if isinstance(salt, Exception):
                    raise StoreDown(str(salt)) from salt
                if salt is not None:
                    found[poll] = salt
                    self._remember(poll, salt)
        return found

    def _remember(self, poll: str, salt: bytes) -> None:
        self._known[poll] = salt
        if len(self._known) > _KEPT:
            del self._known[next(iter(self._known))]
