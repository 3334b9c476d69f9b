"""``/api/v1/token``: a connect token for whoever can show an identity, of any of three tiers.

The tier follows from what the request brings: a platform's JWT as Bearer, an access code in the
body, else the device cookie. A page of another site gets nothing by our cookies: they count from
our own pages and configured origins alone, and the other two are the request's own.
"""

from __future__ import annotations

import time

import msgspec
from aiohttp import web

from polling.errors import NoIdentity
from streamd.errors import ProofNeeded
from streamd.identity import Identity
from streamd.identity_tiers import Grant
from streamd.web.device_cookies import device_of, give_pass, pass_of
from streamd.web.identity_address import prefix
from streamd.web.json_bodies import read, reply
from streamd.web.problems import BadRequest
from streamd.web.security import acts_by_key, check_origin, is_secure
from streamd.web.services import SERVICES, Services, bearer

routes = web.RouteTableDef()

_KINDS = ("pbkdf2", "scrypt")


class TokenAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``POST /api/v1/token``. ``altcha`` is a solved challenge, ``code`` an access code for
    ``poll``; all empty where the device is known or a platform's token comes as Bearer.
    """

    altcha: str = ""
    code: str = ""
    poll: str = ""


def identity_of(request: web.Request) -> Identity | None:
    """Who the request votes as: a connect token as Bearer, else the device cookie.

    The cookie counts only from our own pages and configured origins, and with its pass: raises
    Forbidden, ProofNeeded, and Unauthenticated for a token that does not hold.
    """
    services = request.app[SERVICES]
    token = bearer(request)
    if token is not None:
        return services.tokens.verify(token)
    device = device_of(request)
    if device is None:
        return None
    check_origin(request, services)
    now = time.time()
    tiers = services.tiers
    if not tiers.is_admitted(device, pass_of(request), now):
        raise ProofNeeded
    return Identity(f"device:{device}", "device", int(now) + services.tokens.lifetime_seconds)


@routes.get("/api/v1/identity")
async def held(request: web.Request) -> web.Response:
    """Whether a device cookie came with this request; in a frame, whether its browser lets one."""
    return reply({"device": device_of(request) is not None})


@routes.get("/api/v1/identity/challenge")
async def challenge(request: web.Request) -> web.Response:
    """What a new device has to solve, as altcha's clients take it; 204 where it need not.

    ``?kind=scrypt``: for a page without WebCrypto.
    """
    services = request.app[SERVICES]
    now = time.time()
    kind = request.query.get("kind", _KINDS[0])
    if kind not in _KINDS:
        raise BadRequest("There are challenges of kind “pbkdf2” and of kind “scrypt”.")
    if not services.tiers.needs_proof(device_of(request) or "", pass_of(request), now):
        return web.Response(status=204, headers={"Cache-Control": "no-store"})
    return reply(services.tiers.proofs.challenge(now, kind))


@routes.post("/api/v1/token")
@acts_by_key
async def connect_token(request: web.Request) -> web.Response:
    """A five-minute token for the feed socket and for votes over HTTP."""
    services = request.app[SERVICES]
    asked = await read(request, TokenAsked)
    token = bearer(request)
    if token is not None:
        return _reply(services, await services.tiers.platform(token))
    if asked.code:
        network = prefix(request, services)
        grant = await services.tiers.code(asked.code, asked.poll, network, time.time())
        return _reply(services, grant)
    return await _device_token(request, services, asked.altcha)


async def _device_token(request: web.Request, services: Services, proof: str) -> web.Response:
    check_origin(request, services)
    device = device_of(request)
    if device is None:
        raise NoIdentity
    tiers, now = services.tiers, time.time()
    made = await tiers.admit(device, pass_of(request), proof, prefix(request, services), now)
    response = _reply(services, Grant(f"device:{device}", "device"))
    if made is not None:
        give_pass(request, response, made, is_secure(request, services))
    return response


def _reply(services: Services, grant: Grant) -> web.Response:
    token = services.tokens.issue(grant.voter, grant.tier, grant.region, grant.poll)
    return reply(
        {
            "token": token,
            "expires_in": services.tokens.lifetime_seconds,
            "tier": grant.tier,
            "region": grant.region,
            "holder": services.tokens.holder(grant.voter, grant.tier),
        }
    )
