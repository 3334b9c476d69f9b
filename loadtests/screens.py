"""When a vote was seen: tallies as sampled screens received them, matched with receipts. Pure.

A vote is on a screen with the first tally whose ``seq`` is not below the position in the vote's
receipt: from then on the numbers shown include it.
"""

from __future__ import annotations

import bisect
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Screen:
    """One subscriber's tallies, by poll: positions and, beside them, when each one came (ns)."""

    positions: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    times: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def take(self, time: int, poll: str, position: int) -> None:
        """Adds a tally; one that shows nothing new is passed over."""
        known = self.positions[poll]
        if not known or position > known[-1]:
            known.append(position)
            self.times[poll].append(time)

    def shown_at(self, poll: str, position: int) -> int | None:
        """When the vote at ``position`` was first part of what the screen shows; None: never."""
        at = bisect.bisect_left(self.positions[poll], position)
        return self.times[poll][at] if at < len(self.times[poll]) else None


def read_screens(lines: Iterable[str]) -> dict[int, Screen]:
    """The screens in listener.c's log, by connection. Its last line may be cut off."""
    screens: dict[int, Screen] = defaultdict(Screen)
    for line in lines:
        time, _, rest = line.partition(" ")
        index, _, text = rest.partition(" ")
        try:
            message = json.loads(text)
        except json.JSONDecodeError:
            continue
        screen = screens[int(index)]
        push = message.get("push")
        if push is not None and "pub" in push:
            tally = push["pub"]["data"]
            screen.take(int(time), tally["poll"], tally["seq"])
    return dict(screens)
