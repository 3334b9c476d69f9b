"""A messenger vouches for its user: the platform's signed JWT, checked claim by claim.

The algorithm is the platform's setting and never the token's word (RFC 8725 section 3.1); audience,
issuer and expiry are required; a token that lives longer than an hour is refused, so that one that
leaks is soon worth nothing.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jwt

from streamd.config import Platform
from streamd.errors import Unauthenticated
from streamd.identity_jwks import JWKS_BYTES, JwksKeys, Source

LIFETIME_SECONDS = 3_600
LEEWAY_SECONDS = 30
"""How far a platform's clock may be off ours."""

_SUBJECT = re.compile(r"[\x21-\x7e]{1,128}")


@dataclass(frozen=True, slots=True)
class PlatformUser:
    """Whom a platform vouches for, as the voter ``platform:{id}:{sub}``."""

    voter: str
    region: str


class Platforms:
    """The configured platforms, by issuer. ``fetch`` gets a URL's document: see Source."""

    def __init__(
        self,
        platforms: Sequence[Platform],
        regions: Collection[str],
        fetch: Callable[[str], Awaitable[bytes]],
    ) -> None:
        self._platforms = {platform.issuer: platform for platform in platforms}
        self._regions = frozenset(regions)
        self._keys = {
            platform.id: JwksKeys(platform.id, _source(platform, fetch))
            for platform in platforms
            if platform.algorithm == "EdDSA"
        }

    async def user(self, token: str) -> PlatformUser:
        """The user in ``token``. Raises Unauthenticated, IssuerUnreachable."""
        if not token.isascii():
            raise Unauthenticated("The platform's token is not valid. Get a new one.")
        try:
            platform, kid = self._issuer(token)
            claims = self._claims(token, platform, await self._key(platform, kid))
        except jwt.ExpiredSignatureError as error:
            raise Unauthenticated("The platform's token has expired. Get a new one.") from error
        except jwt.InvalidAudienceError as error:
            raise Unauthenticated("The platform's token is meant for somebody else.") from error
        except (jwt.PyJWTError, OverflowError, RecursionError, TypeError) as error:
            raise Unauthenticated("The platform's token is not valid. Get a new one.") from error
        subject = claims["sub"]
        if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
            raise Unauthenticated(
                "The platform's token names its user in a way that we do not take: "
                "“sub” is 1 to 128 visible ASCII characters."
            )
        return PlatformUser(f"platform:{platform.id}:{subject}", self._region(platform, claims))

    def _issuer(self, token: str) -> tuple[Platform, str | None]:
        """Whose token it claims to be, which nothing but its choice of key is based on."""
        header = jwt.get_unverified_header(token)
        claimed = jwt.decode(token, options={"verify_signature": False})
        issuer = claimed.get("iss")
        platform = self._platforms.get(issuer) if isinstance(issuer, str) else None
        if platform is None:
            raise Unauthenticated("The token is of no platform that this event knows.")
        if header.get("alg") != platform.algorithm:
            raise Unauthenticated(
                f"This platform's tokens are signed with {platform.algorithm}, and this one is not."
            )
        kid = header.get("kid")
        return platform, None if kid is None else str(kid)

    async def _key(self, platform: Platform, kid: str | None) -> Any:
        if platform.algorithm == "HS256":
            return platform.secret
        return await self._keys[platform.id].key(kid)

    def _claims(self, token: str, platform: Platform, key: Any) -> Mapping[str, Any]:
        claims = jwt.decode(
            token,
            key,
            algorithms=[platform.algorithm],
            audience=platform.audience,
            issuer=platform.issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "sub", "aud", "iss"]},
        )
        if int(claims["exp"]) > time.time() + LIFETIME_SECONDS + LEEWAY_SECONDS:
            raise Unauthenticated("The platform's token lives longer than an hour. Get a new one.")
        return claims

    def _region(self, platform: Platform, claims: Mapping[str, Any]) -> str:
        region = claims.get(platform.region_claim) if platform.region_claim else None
        if region is None:
            return ""
        if not isinstance(region, str) or region not in self._regions:
            raise Unauthenticated(
                f"The platform's token has a “{platform.region_claim}” that is no region of this "
                "event."
            )
        return region


def _source(platform: Platform, fetch: Callable[[str], Awaitable[bytes]]) -> Source:
    if platform.jwks_url:
        return partial(fetch, platform.jwks_url)
    return partial(asyncio.to_thread, _read, Path(platform.jwks))


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(JWKS_BYTES + 1)
