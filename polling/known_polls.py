"""The polls that one process remembers, each in the newest state it was told of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import structlog

from polling import rules
from polling.model import Poll
from polling.rules import PollState

log = structlog.get_logger()

REMEMBERED: Final = 1_024
"""Polls kept for their questions; those past it are read again when someone votes."""


class KnownPolls:
    """Polls by id. ``on_poll`` is told of each one that moved or was edited; it must not block."""

    def __init__(self, on_poll: Callable[[Poll], None]) -> None:
        self._on_poll = on_poll
        self._polls: dict[str, Poll] = {}
        self.changes = 0
        """How often ``on_poll`` was told."""
        self.get = self._polls.get
        """The poll of that id, or None. A bound method of the dict: every vote asks."""

    def __iter__(self) -> Iterator[Poll]:
        return iter(tuple(self._polls.values()))

    def remember(self, poll: Poll, *, tell: bool = True) -> Poll:
        """Takes ``poll`` as it was read, and tells of it where it is news; the newest one known."""
        known = self._polls.pop(poll.id, None)
        if known is not None and (
            rules.is_before(poll.state, known.state)
            or poll.version < known.version
            or len(poll.deadlines) < len(known.deadlines)
        ):
            # Read before a change that has been told since.
            poll = known
        elif known == poll:
            # The one that is known has its answers with it.
            poll = known
        self._polls[poll.id] = poll
        if len(self._polls) > REMEMBERED:
            # The clock task puts the open ones at the end again and again; these stay.
            oldest = next(iter(self._polls.values()))
            if oldest.state is not PollState.OPEN:
                del self._polls[oldest.id]
        if tell and poll is not known:
            self._tell(poll)
        return poll

    def _tell(self, poll: Poll) -> None:
        self.changes += 1
        try:
            self._on_poll(poll)
        except Exception:
            log.exception("a poll could not be announced", poll=poll.id)
