"""A platform's public keys (JWK Set, RFC 7517): fetched when needed, cached, rotated by ``kid``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import jwt
import msgspec
import structlog

from streamd.errors import IssuerUnreachable, Unauthenticated

log = structlog.get_logger(__name__)

JWKS_BYTES = 65_536
FRESH_SECONDS = 600.0
"""After so long the set is fetched again; where that fails, the old one goes on."""
PAUSE_SECONDS = 30.0
"""The least time between two fetches, however many unknown key ids come."""

Source = Callable[[], Awaitable[bytes]]
"""Fetches the set, at most JWKS_BYTES, within its own time limit. Raises OSError."""


class JwksKeys:
    """The Ed25519 and Ed448 keys of one set, by ``kid``."""

    def __init__(
        self, name: str, source: Source, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._name = name
        self._source = source
        self._clock = clock
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._fetched_at: float | None = None
        self._asked_at: float | None = None
        self._fetching = asyncio.Lock()

    async def key(self, kid: str | None) -> jwt.PyJWK:
        """The key called ``kid``; without one, the set's only key.

        An unknown ``kid`` is looked for in a fresh set: that is how a platform changes its key.
        Raises Unauthenticated, and IssuerUnreachable where no set could be had yet.
        """
        if self._is_stale() or self._find(kid) is None:
            await self._refresh()
        found = self._find(kid)
        if found is not None:
            return found
        if self._fetched_at is None:
            raise IssuerUnreachable(
                "The platform's keys cannot be fetched just now. Try again in a moment."
            )
        raise Unauthenticated("The platform's token is signed with a key that it does not publish.")

    def _find(self, kid: str | None) -> jwt.PyJWK | None:
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid)

    def _is_stale(self) -> bool:
        return self._fetched_at is None or self._clock() - self._fetched_at > FRESH_SECONDS

    async def _refresh(self) -> None:
        """One fetch at a time, and not before the pause is over; those who wait share it."""
        async with self._fetching:
            now = self._clock()
            if self._asked_at is not None and now - self._asked_at < PAUSE_SECONDS:
                return
            self._asked_at = now
            try:
                keys = _parse(await self._source())
            except (OSError, ValueError) as error:
                log.warning("platform keys not fetched", platform=self._name, reason=str(error))
                return
            self._keys, self._fetched_at = keys, self._clock()


class _Document(msgspec.Struct):
    """A JWK Set as it comes: its keys are whatever their platform wrote."""

    keys: list[dict[str, Any]]


def _parse(document: bytes) -> dict[str | None, jwt.PyJWK]:
    """The set's keys that sign with EdDSA (RFC 8037). Raises ValueError, also for none."""
    if len(document) > JWKS_BYTES:
        raise ValueError(f"the key set has more than {JWKS_BYTES} bytes")
    try:
        rows = msgspec.json.decode(document, type=_Document).keys
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(f"the key set cannot be read: {error}") from error
    found: dict[str | None, jwt.PyJWK] = {}
    for row in rows:
        kid, purpose = row.get("kid"), row.get("use", "sig")
        if row.get("kty") != "OKP" or purpose != "sig" or not isinstance(kid, str | None):
            continue
        try:
            key = jwt.PyJWK(row, algorithm="EdDSA")
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
            # An agreement key (X25519), or one that its platform wrote down wrong.
            continue
        found[kid] = key
    if not found:
        raise ValueError("the key set holds no key for EdDSA")
    return found
