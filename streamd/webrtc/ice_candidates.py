"""Which of a client's ICE candidates are worth a check (RFC 8839 §5.1). Pure.

Checks are datagrams sent where a stranger said, so their number and kind are bounded. The
server is reachable itself: a client whose candidates are all left out still gets through, by the
peer-reflexive candidate that its own check makes (RFC 8445 §7.3.1.3). So names (mDNS) are never
resolved here, and the end of candidates is not passed on: it would fail such a client at once.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

CANDIDATES = 12

_CANDIDATE = re.compile(
    r"([A-Za-z0-9+/]{1,32}) 1 udp ([0-9]{1,10}) ([0-9A-Fa-f.:]{2,45}) ([0-9]{1,5})"
    r" typ (host|srflx|relay)(?: .*)?",
    re.IGNORECASE,
)


def kept_candidates(values: Iterable[str]) -> list[str]:
    """SDP lines for the candidates worth checking, at most ``CANDIDATES``, without repetition."""
    lines: dict[tuple[str, int], str] = {}
    for value in values:
        match = _CANDIDATE.fullmatch(value)
        if match is None:
            continue
        foundation, priority, host, port, kind = match.groups()
        address = _address(host)
        if address is None or not 1 <= int(port) <= 65_535 or not 0 < int(priority) < 1 << 31:
            continue
        lines.setdefault(
            (address, int(port)),
            f"a=candidate:{foundation} 1 udp {int(priority)} {address} {int(port)} "
            f"typ {kind.lower()}",
        )
        if len(lines) == CANDIDATES:
            break
    return list(lines.values())


def _address(host: str) -> str | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if address.is_multicast or address.is_unspecified or address.is_reserved:
        return None
    if isinstance(address, ipaddress.IPv4Address) and str(address) == "255.255.255.255":
        return None
    return str(address)
