"""How many sockets are let in, and what is said of those that are not. Pure.

A socket takes a place when it is accepted, not when its handshake is done: whoever opens sockets
and sends nothing fills the gateway too, and file descriptors are what runs out first.
"""

from __future__ import annotations

from typing import Final

REFUSALS: Final = 256
"""Sockets beyond the bound that are kept until they have been told so; past these, a new one is
closed without a word."""
REPORT_SECONDS: Final = 60.0
"""A gateway that refuses says so at most this often."""


class Door:
    """The places of one gateway: ``places`` sockets, and REFUSALS more to be refused politely."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._inside: set[object] = set()
        self._turned_away = 0
        self._reported_at = float("-inf")

    def __len__(self) -> int:
        return len(self._inside)

    def enter(self, socket: object) -> bool:
        """Takes a place for an accepted socket; False where it is to be closed at once."""
        if len(self._inside) >= self._places + REFUSALS:
            self._turned_away += 1
            return False
        self._inside.add(socket)
        return True

    def leave(self, socket: object) -> None:
        """Gives the place back; no error where there is none."""
        self._inside.discard(socket)

    def refuses(self, socket: object) -> bool:
        """Whether ``socket``, about to finish its handshake, is one too many; it leaves then."""
        if len(self._inside) <= self._places:
            return False
        self.leave(socket)
        self._turned_away += 1
        return True

    def report(self, now: float) -> int:
        """How many were turned away since the last report; 0 where none is due at ``now``."""
        if not self._turned_away or now < self._reported_at + REPORT_SECONDS:
            return 0
        turned_away, self._turned_away = self._turned_away, 0
        self._reported_at = now
        return turned_away
