"""Who a connection votes as: the device cookie, the connect token, and the identity both yield.

The cookie is a signed random device id; the token is a 5-minute JWT (HS256, RFC 7519) that
``POST /api/v1/token`` hands out, because the gateway never reads a cookie. A voter's name, such
as ``device:3f…``, never enters a log.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from typing import Literal

import jwt

from streamd.errors import Unauthenticated

Tier = Literal["device", "platform", "code"]
_AUDIENCE = "streamd.feeds"
_TYPE = "streamd-connect+jwt"


@dataclass(frozen=True, slots=True)
class Identity:
    """A voter (tier-prefixed, stable), the Unix second at which the token expires, and its bounds.

    ``region`` is an id from ``[[event.regions]]`` as the tier's issuer stated it; empty: unknown.
    ``poll`` is the one poll that a code made for it may vote in; empty: any.
    """

    voter: str
    tier: Tier
    expires_at: int
    region: str = ""
    poll: str = ""

    def may_vote_in(self, poll: str) -> bool:
        """Whether this identity was given for ``poll``, or for any."""
        return self.poll in ("", poll)


class DeviceCookies:
    """Issues and checks the device cookie: ``{id}.{HMAC-SHA256}``, both base64url."""

    name = "streamd_device"

    def __init__(self, secret: bytes) -> None:
        self._secret = hashlib.sha256(b"device-cookie" + secret).digest()

    def issue(self) -> str:
        """A new cookie value with 128 random bits."""
        device = secrets.token_urlsafe(16)
        return f"{device}.{self._sign(device)}"

    def device(self, value: str | None) -> str | None:
        """The device id in ``value``, or None where it is missing or not ours."""
        device, _, signature = (value or "").partition(".")
        if device and hmac.compare_digest(_bytes(signature), _bytes(self._sign(device))):
            return device
        return None

    def _sign(self, device: str) -> str:
        digest = hmac.digest(self._secret, _bytes(device), "sha256")
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class ConnectTokens:
    """Issues and checks the connect tokens of ``POST /api/v1/token``."""

    def __init__(self, secret: bytes, lifetime_seconds: int) -> None:
        self._secret = hashlib.sha256(b"connect-token" + secret).digest()
        self._holders = hashlib.sha256(b"holder" + secret).digest()
        self.lifetime_seconds = lifetime_seconds

    def issue(self, voter: str, tier: Tier, region: str = "", poll: str = "") -> str:
        """A token for ``voter`` that lives ``lifetime_seconds``."""
        claims = {
            "sub": voter,
            "tier": tier,
            "region": region,
            "poll": poll,
            "aud": _AUDIENCE,
            "exp": int(time.time()) + self.lifetime_seconds,
        }
        return jwt.encode(claims, self._secret, algorithm="HS256", headers={"typ": _TYPE})

    def holder(self, voter: str, tier: Tier) -> str:
        """What a page keeps ``voter``'s ballots apart by: 16 base64url characters, the first 96
        bits of HMAC-SHA256 under a key for nothing else. Empty for a device: its ballots are
        its browser's, and one browser has one.
        """
        if tier == "device":
            return ""
        digest = hmac.digest(self._holders, _bytes(voter), "sha256")
        return base64.urlsafe_b64encode(digest[:12]).decode()

    def verify(self, token: str) -> Identity:
        """The identity in ``token``.

        Raises TokenExpired where only its time is over, Unauthenticated for anything else
        (OWASP ASVS 9.1: fixed algorithm, audience, expiry and type are all checked).
        """
        if not token.isascii():
            raise Unauthenticated("The token is not a streamd connect token.")
        try:
            if jwt.get_unverified_header(token).get("typ") != _TYPE:
                raise Unauthenticated("The token is not a streamd connect token.")
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=["HS256"],
                audience=_AUDIENCE,
                options={"require": ["exp", "sub", "aud"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise TokenExpired("The connect token has expired. Ask for a new one.") from error
        except (jwt.PyJWTError, RecursionError) as error:
            raise Unauthenticated("The connect token is not valid. Ask for a new one.") from error
        return Identity(
            voter=claims["sub"],
            tier=claims["tier"],
            expires_at=claims["exp"],
            region=claims.get("region", ""),
            poll=claims.get("poll", ""),
        )


class TokenExpired(Unauthenticated):
    """The token was ours and its time is over."""


def _bytes(header: str) -> bytes:
    """What a client wrote in a header may be no UTF-8, and then is none of ours."""
    return header.encode(errors="replace")
