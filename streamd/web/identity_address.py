"""Whose network a request comes from, for the limits per network and for nothing else.

Behind reverse proxies of our own (``[web] proxies``) every request comes from them; what they add
to ``X-Forwarded-For`` is believed, and nothing that anybody else wrote there.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

from aiohttp import web

from streamd.identity_rates import prefix_of
from streamd.web.services import Services


def prefix(request: web.Request, services: Services) -> str:
    """The network of the client, see ``prefix_of``."""
    forwarded = ",".join(request.headers.getall("X-Forwarded-For", ()))
    return prefix_of(client_address(request.remote or "", forwarded, services.config.web.proxies))


def client_address(remote: str, forwarded: str, proxies: Sequence[str]) -> str:
    """The address nearest to us that is none of our ``proxies``.

    ``forwarded`` is X-Forwarded-For: each proxy appends whom it was asked by, so only the end
    that our own proxies wrote can be trusted.
    """
    address = remote
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    while hops and _is_one_of(address, proxies):
        address = hops.pop()
    return address


def _is_one_of(address: str, proxies: Sequence[str]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in ip_network(proxy) for proxy in proxies)
