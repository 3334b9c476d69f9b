"""A visitor's device and its pass as cookies, in one of two jars.

On our own pages they are ``SameSite=Lax``. In another site's frame a browser takes a cookie only
with ``Secure; SameSite=None``, and where it blocks third-party cookies only with ``Partitioned``
too (CHIPS): one jar for each site around us, so that nobody is followed from site to site. Those
have names of their own, lest a browser that does not know ``Partitioned`` lays them over the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from streamd.web.services import SERVICES, Services

_DAY = 86_400
_OWN: Final = ""
_FRAMED: Final = "_framed"
_FRAMES: Final = ("iframe", "frame", "embed", "object")


def in_foreign_frame(request: web.Request) -> bool:
    """Whether a page is asked for by another site's frame (Fetch Metadata, section 2).

    Browsers tell so over HTTPS and to localhost alone, which is also where they take cookies there.
    """
    frame = request.headers.get("Sec-Fetch-Dest") in _FRAMES
    return frame and request.headers.get("Sec-Fetch-Site") == "cross-site"


def device_of(request: web.Request) -> str | None:
    """The id of the device that sent the request, or None."""
    return _held(request)[1]


def pass_of(request: web.Request) -> str | None:
    """The pass that came with the device, unchecked, or None."""
    jar, _ = _held(request)
    return request.cookies.get(request.app[SERVICES].tiers.passes.name + jar)


def give_device(request: web.Request, response: web.StreamResponse, secure: bool) -> None:
    """Makes a page's visitor a device, unless it is one. ``secure``: our pages are on HTTPS."""
    cookies = request.app[SERVICES].cookies
    jar = _FRAMED if in_foreign_frame(request) else _OWN
    if cookies.device(request.cookies.get(cookies.name + jar)) is None:
        days = request.app[SERVICES].config.identity.cookie_days
        _set(response, cookies.name + jar, cookies.issue(), days, secure)


def give_pass(request: web.Request, response: web.StreamResponse, value: str, secure: bool) -> None:
    """Puts a pass beside the device that it was made for."""
    services = request.app[SERVICES]
    jar, _ = _held(request)
    name = services.tiers.passes.name + jar
    _set(response, name, value, services.config.identity.pow_days, secure)


def _held(request: web.Request) -> tuple[str, str | None]:
    """The jar and the device in it. A frame's requests carry only what its browser lets it have."""
    services: Services = request.app[SERVICES]
    sent: Mapping[str, str] = request.cookies
    for jar in (_OWN, _FRAMED):
        device = services.cookies.device(sent.get(services.cookies.name + jar))
        if device is not None:
            return jar, device
    return _OWN, None


def _set(response: web.StreamResponse, name: str, value: str, days: int, secure: bool) -> None:
    if not name.endswith(_FRAMED):
        response.set_cookie(
            name, value, max_age=days * _DAY, httponly=True, samesite="Lax", secure=secure
        )
        return
    # http.cookies knows Partitioned from Python 3.14 on only.
    kept = f"Path=/; Max-Age={days * _DAY}; HttpOnly; Secure; SameSite=None; Partitioned"
    response.headers.add("Set-Cookie", f"{name}={value}; {kept}")
