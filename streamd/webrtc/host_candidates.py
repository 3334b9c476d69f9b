"""The addresses that a server announces to its peers (RFC 8445 §5.1.1, host candidates only)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

import ifaddr
from aioice import Candidate

from streamd import config
from streamd.errors import ConfigError

_HOST_PREFERENCE = 126 << 24
_MOST = 16

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def announced_addresses(settings: config.WebRtc) -> list[str]:
    """The addresses to announce, the preferred one first.

    ``[webrtc] addresses`` where set; else the one listened on; else this machine's own. Raises
    ConfigError for what is no address.
    """
    if settings.addresses:
        return _with_loopback([str(_checked(one)) for one in settings.addresses], settings)
    listened = listening_address(settings)
    if not listened.is_unspecified:
        return [str(listened)]
    return _with_loopback(own_addresses(ipv6=listened.version == 6), settings)


def listening_address(settings: config.WebRtc) -> _Address:
    """The address that ``[webrtc] host`` names. Raises ConfigError for a name."""
    return _checked(settings.host)


def own_addresses(*, ipv6: bool) -> list[str]:
    """This machine's addresses that another one can reach: no loopback, no link-local ones."""
    found: dict[str, None] = {}
    for adapter in ifaddr.get_adapters():
        for entry in adapter.ips:
            text = entry.ip if isinstance(entry.ip, str) else entry.ip[0]
            address = ipaddress.ip_address(text)
            reachable = not (address.is_loopback or address.is_link_local)
            if reachable and (ipv6 or address.version == 4):
                found[str(address)] = None
    # IPv4 first, as long as more networks carry it.
    return sorted(found, key=lambda one: ":" in one)


def candidates(addresses: Sequence[str], port: int) -> list[Candidate]:
    """Host candidates for component 1 (RTP and RTCP multiplexed), priorities descending."""
    return [
        Candidate(
            foundation=str(index + 1),
            component=1,
            transport="udp",
            priority=_HOST_PREFERENCE + ((65_535 - index) << 8) + 255,
            host=address,
            port=port,
            type="host",
        )
        for index, address in enumerate(addresses[:_MOST])
    ]


def _with_loopback(addresses: Iterable[str], settings: config.WebRtc) -> list[str]:
    """A browser on this machine may have nothing but loopback; it comes last."""
    local = ["127.0.0.1"] if settings.loopback else []
    return list(dict.fromkeys([*addresses, *local]))


def _checked(text: str) -> _Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        raise ConfigError(
            f"{text!r} in [webrtc] is no IP address. Name one, such as 203.0.113.7."
        ) from None
