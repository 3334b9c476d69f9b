"""How often one network may do something: a bounded table of prefixes, kept in memory alone.

Many people share one address (a hall, a mobile operator), and one person has many (an IPv6 /48),
so what is limited is a prefix. Nothing here stands beside a device, a voter or a ballot, and
nothing of it is written anywhere.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from ipaddress import IPv6Address, ip_address, ip_network

_PREFIX_BITS = {4: 24, 6: 48}
_WINDOW_SECONDS = 60.0


def prefix_of(address: str) -> str:
    """The network of ``address``: IPv4 /24, IPv6 /48; all that is no address is one network."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return str(ip_network((parsed, _PREFIX_BITS[parsed.version]), strict=False))


class PrefixRates:
    """Lets each prefix act ``per_minute`` times a minute, all at once or spread (GCRA).

    The table holds ``most`` prefixes. When it is full the one that acted longest ago is
    forgotten, and so may act anew; ``forgotten`` counts those that were still held back.
    ``per_minute`` 0: no limit. Times are Unix or monotonic seconds, always of one clock.
    """

    def __init__(self, per_minute: int, most: int = 65_536) -> None:
        self._step = _WINDOW_SECONDS / per_minute if per_minute else 0.0
        self._most = most
        self._free_at: OrderedDict[str, float] = OrderedDict()
        self.refused = 0
        self.forgotten = 0

    def __len__(self) -> int:
        return len(self._free_at)

    def wait(self, prefix: str, now: float) -> int:
        """Seconds until ``prefix`` may act, at least 1; 0: now. Takes nothing."""
        over = self._free_at.get(prefix, now) + self._step - now - _WINDOW_SECONDS
        # A microsecond of slack: sums of floats are not exact, and no limit depends on it.
        return math.ceil(over) if over > 1e-6 else 0

    def take(self, prefix: str, now: float) -> int:
        """0 where ``prefix`` may act, and has; else the seconds to wait."""
        if not self._step:
            return 0
        if seconds := self.wait(prefix, now):
            self.refused += 1
            return seconds
        self._free_at[prefix] = max(self._free_at.get(prefix, now), now) + self._step
        self._free_at.move_to_end(prefix)
        self._make_room(now)
        return 0

    def give_back(self, prefix: str) -> None:
        """Undoes one ``take`` of ``prefix``: what it did is not to be counted."""
        if prefix in self._free_at:
            self._free_at[prefix] -= self._step

    def _make_room(self, now: float) -> None:
        while len(self._free_at) > self._most:
            _, free_at = self._free_at.popitem(last=False)
            self.forgotten += free_at > now
