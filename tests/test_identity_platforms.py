"""Platforms' tokens: what holds, each thing that does not, and keys from a real HTTP server."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from streamd.config import Platform
from streamd.errors import IssuerUnreachable, Unauthenticated
from streamd.identity_jwks import FRESH_SECONDS, JWKS_BYTES, PAUSE_SECONDS, JwksKeys
from streamd.identity_platforms import Platforms
from streamd.web.identity_fetch import fetch

SHARED = "a-secret-of-more-than-thirty-two-characters"
HS256 = Platform("chat", "https://chat.example", "streamd", "HS256", SHARED, region_claim="region")


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    plain = {"iss": "https://chat.example", "aud": "streamd", "sub": "u-1", "exp": now + 600}
    return {name: value for name, value in {**plain, **changes}.items() if value is not None}


def signed(**changes: Any) -> str:
    # Below PyJWT's own check of claims, which a platform need not have.
    return jwt.PyJWS().encode(json.dumps(claims(**changes)).encode(), SHARED, "HS256")


class KeyServer:
    """A platform's JWK Set over HTTP, and how often it was asked for."""

    def __init__(self) -> None:
        self.keys: dict[str, Ed25519PrivateKey] = {}
        self.asked = 0
        self.body: bytes | None = None
        self.status = 200
        self.url = ""

    def new_key(self, kid: str) -> None:
        self.keys[kid] = Ed25519PrivateKey.generate()

    async def answer(self, _request: web.Request) -> web.Response:
        self.asked += 1
        rows = [
            {**OKPAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}
            for kid, key in self.keys.items()
        ]
        body = json.dumps({"keys": rows}).encode() if self.body is None else self.body
        return web.Response(body=body, status=self.status)

    def platform(self) -> Platform:
        return Platform("mail", "https://mail.example", "streamd", "EdDSA", jwks_url=self.url)

    def signed(self, kid: str, header: dict[str, Any] | None = None, **changes: Any) -> str:
        sent = claims(iss="https://mail.example", **changes)
        return jwt.encode(sent, self.keys[kid], "EdDSA", headers={"kid": kid, **(header or {})})


@pytest.fixture
async def key_server() -> AsyncIterator[KeyServer]:
    """Serves on a free port of this machine."""
    served = KeyServer()
    app = web.Application()
    app.router.add_get("/keys", served.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    served.url = f"http://127.0.0.1:{runner.addresses[0][1]}/keys"
    served.new_key("one")
    yield served
    await runner.cleanup()


async def test_a_token_names_its_user_and_region() -> None:
    platforms = Platforms([HS256], ["north"], fetch)
    user = await platforms.user(signed(region="north"))
    assert (user.voter, user.region) == ("platform:chat:u-1", "north")
    assert (await platforms.user(signed())).region == ""
    assert (await platforms.user(signed(aud=["other", "streamd"]))).voter == "platform:chat:u-1"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"aud": "another-service"}, "somebody else"),
        ({"aud": None}, "not valid"),
        ({"iss": "https://other.example"}, "no platform"),
        ({"iss": None}, "no platform"),
        ({"iss": ["https://chat.example"]}, "no platform"),
        ({"exp": "9" * 400}, "longer|not valid"),
        ({"exp": float("inf")}, "not valid"),
        ({"exp": []}, "not valid"),
        ({"exp": str(int(time.time()) + 7_200)}, "longer"),
        ({"exp": int(time.time()) - 60}, "expired"),
        ({"exp": None}, "not valid"),
        ({"exp": int(time.time()) + 7_200}, "longer than an hour"),
        ({"nbf": int(time.time()) + 600}, "not valid"),
        ({"sub": None}, "not valid"),
        ({"sub": ""}, "sub"),
        ({"sub": "two words"}, "sub"),
        ({"sub": "x" * 129}, "sub"),
        ({"region": "atlantis"}, "no region"),
        ({"region": ["north"]}, "no region"),
    ],
)
async def test_a_claim_that_does_not_hold(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(Unauthenticated, match=says):
        await Platforms([HS256], ["north"], fetch).user(signed(**changes))


async def test_another_secret_and_no_algorithm_are_refused() -> None:
    platforms = Platforms([HS256], [], fetch)
    with pytest.raises(Unauthenticated, match="not valid"):
        await platforms.user(jwt.encode(claims(), SHARED[::-1], "HS256"))
    with pytest.raises(Unauthenticated, match="HS256"):
        await platforms.user(jwt.encode(claims(), "", "none"))
    with pytest.raises(Unauthenticated, match="HS256"):
        await platforms.user(jwt.encode(claims(), SHARED * 2, "HS512"))


def nested() -> str:
    """A token whose header and claims are nested deeper than JSON is read."""
    deep = base64.urlsafe_b64encode(b"[" * 3_000).decode().rstrip("=")
    return f"{deep}.{deep}.AAAA"


@pytest.mark.parametrize(
    "rubbish", ["", "x", "a.b.c", "eyJ.eyJ.", "\udcff", "é.é.é", nested(), f"eyJ9.{nested()}"]
)
async def test_what_is_no_token_is_refused(rubbish: str) -> None:
    with pytest.raises(Unauthenticated):
        await Platforms([HS256], [], fetch).user(rubbish)


async def test_keys_come_from_the_platform_once(key_server: KeyServer) -> None:
    platforms = Platforms([key_server.platform(), HS256], [], fetch)
    tokens = [key_server.signed("one", sub=f"u-{number}") for number in range(20)]
    users = await asyncio.gather(*(platforms.user(token) for token in tokens))
    assert [user.voter for user in users] == [f"platform:mail:u-{number}" for number in range(20)]
    assert key_server.asked == 1


async def test_a_public_key_is_never_taken_for_a_secret(key_server: KeyServer) -> None:
    platforms = Platforms([key_server.platform()], [], fetch)
    public = key_server.keys["one"].public_key().public_bytes_raw()
    forged = jwt.encode(claims(iss="https://mail.example"), public, "HS256", headers={"kid": "one"})
    with pytest.raises(Unauthenticated, match="EdDSA"):
        await platforms.user(forged)


async def test_an_unknown_key_id_is_refused(key_server: KeyServer) -> None:
    platforms = Platforms([key_server.platform()], [], fetch)
    with pytest.raises(Unauthenticated, match="does not publish"):
        await platforms.user(key_server.signed("one", {"kid": "two"}))


async def test_another_key_under_a_known_id_is_refused(key_server: KeyServer) -> None:
    stranger = KeyServer()
    stranger.new_key("one")
    with pytest.raises(Unauthenticated, match="not valid"):
        await Platforms([key_server.platform()], [], fetch).user(stranger.signed("one"))


async def test_a_key_changes_by_its_id_and_the_old_one_ends(key_server: KeyServer) -> None:
    now = [0.0]

    async def source() -> bytes:
        return await fetch(key_server.url)

    keys = JwksKeys("mail", source, clock=lambda: now[0])
    await keys.key("one")
    key_server.new_key("two")
    with pytest.raises(Unauthenticated):
        await keys.key("two")  # the pause is not over
    assert key_server.asked == 1
    now[0] += PAUSE_SECONDS
    await keys.key("two")
    assert key_server.asked == 2
    del key_server.keys["one"]
    await keys.key("one")  # not yet known to be gone
    now[0] += FRESH_SECONDS + 1
    with pytest.raises(Unauthenticated):
        await keys.key("one")
    await keys.key("two")
    await keys.key(None)  # a token without an id, where the set has one key


async def test_while_the_platform_is_away_its_keys_go_on(key_server: KeyServer) -> None:
    now = [0.0]

    async def source() -> bytes:
        return await fetch(key_server.url)

    keys = JwksKeys("mail", source, clock=lambda: now[0])
    await keys.key("one")
    key_server.status = 500
    now[0] += FRESH_SECONDS + 1
    await keys.key("one")
    assert key_server.asked == 2


@pytest.mark.parametrize(
    "body",
    [
        b"x",
        b"[]",
        b"{}",
        b"\xff",
        b'{"keys": [1]}',
        b'{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": 5}, {"kty": "RSA"}]}',
        b'{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AA", "kid": [1]}]}',
        b" " * (JWKS_BYTES + 1),
    ],
)
async def test_a_broken_key_set_is_not_used(key_server: KeyServer, body: bytes) -> None:
    key_server.body = body
    platforms = Platforms([key_server.platform()], [], fetch)
    with pytest.raises(IssuerUnreachable):
        await platforms.user(key_server.signed("one"))


async def test_where_nobody_answers_the_user_is_told_to_try_again(key_server: KeyServer) -> None:
    key_server.status = 302
    with pytest.raises(IssuerUnreachable, match="Try again"):
        await Platforms([key_server.platform()], [], fetch).user(key_server.signed("one"))
    nobody = Platform("mail", "https://mail.example", "s", "EdDSA", jwks_url="http://127.0.0.1:1/")
    with pytest.raises(IssuerUnreachable):
        await Platforms([nobody], [], fetch).user(key_server.signed("one"))


async def test_keys_may_lie_in_a_file(tmp_path: Path, key_server: KeyServer) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(await fetch(key_server.url))
    platform = Platform("mail", "https://mail.example", "streamd", "EdDSA", jwks=str(path))
    user = await Platforms([platform], [], fetch).user(key_server.signed("one"))
    assert user.voter == "platform:mail:u-1"
