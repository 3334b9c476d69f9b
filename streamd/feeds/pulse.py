"""Whose ping is due: one wheel for all connections instead of a timer each. Pure.

The wheel has one slot a second of the ping period; a connection sits in the slot that was emptiest
when it came, so pings spread evenly however the connections arrived.
"""

from __future__ import annotations

from typing import Final, Generic, TypeVar

T = TypeVar("T")

PONG_SECONDS: Final = 10
"""How long a client has to answer a ping, where the period is longer than that."""


class Pulse(Generic[T]):
    """A wheel of ``period`` seconds; ``tick`` is to be called once a second."""

    def __init__(self, period: int) -> None:
        self._period = max(1, period)
        self._patience = min(PONG_SECONDS, max(1, self._period - 1))
        self._slots: list[set[T]] = [set() for _ in range(self._period)]
        self._slot_of: dict[T, int] = {}
        self._now = 0

    def __len__(self) -> int:
        return len(self._slot_of)

    def add(self, member: T) -> None:
        """Puts ``member`` on the wheel."""
        slot = min(range(self._period), key=lambda index: len(self._slots[index]))
        self._slots[slot].add(member)
        self._slot_of[member] = slot

    def remove(self, member: T) -> None:
        """Takes ``member`` off the wheel; no error where it is not on it."""
        slot = self._slot_of.pop(member, None)
        if slot is not None:
            self._slots[slot].discard(member)

    def tick(self) -> tuple[list[T], list[T]]:
        """One second has passed: (who must have answered by now, whose ping is due)."""
        self._now += 1
        answered = self._slots[(self._now - self._patience) % self._period]
        due = self._slots[self._now % self._period]
        return list(answered), list(due)
