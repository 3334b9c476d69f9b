"""One answer for a crowd that asks for the same: made at most once a second."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Made = TypeVar("Made")

FRESH_SECONDS = 1.0
"""An answer is given again for so long."""

KEPT = 32
"""Answers; the one not asked for longest goes first."""


@dataclass(slots=True)
class _Answer(Generic[Made]):
    """The newest one of a question. Whoever asks while it is made waits for the same one."""

    making: asyncio.Lock = field(default_factory=asyncio.Lock)
    at: float = float("-inf")
    state: Hashable = None
    made: Made | None = None


class SharedAnswers(Generic[Made]):
    """The newest answers, by what was asked."""

    def __init__(self) -> None:
        self._answers: OrderedDict[Hashable, _Answer[Made]] = OrderedDict()

    async def of(
        self,
        asked: Hashable,
        make: Callable[[], Awaitable[Made]],
        state: Callable[[], Hashable] = lambda: None,
    ) -> Made:
        """The answer to ``asked``, from ``make`` where the last one is older than a second or of
        another ``state``. What ``make`` raises is raised, and kept for nobody.
        """
        answer = self._answers.setdefault(asked, _Answer())
        self._answers.move_to_end(asked)
        while len(self._answers) > KEPT:
            self._answers.popitem(last=False)
        async with answer.making:
            now, stands = time.monotonic(), state()
            made = answer.made
            if made is None or now - answer.at >= FRESH_SECONDS or answer.state != stands:
                made = answer.made = await make()
                answer.at, answer.state = now, stands
        return made
