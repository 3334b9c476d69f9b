"""Fetches a platform's key set over HTTP: bounded in size and time, without redirects."""

from __future__ import annotations

import aiohttp

from streamd.identity_jwks import JWKS_BYTES

FETCH_SECONDS = 5.0


async def fetch(url: str) -> bytes:
    """The document at ``url``, at most one byte more than JWKS_BYTES. Raises OSError."""
    timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                raise OSError(f"the key set's address answers {answer.status}")
            return await _read(answer.content)
    except TimeoutError as error:
        raise OSError(f"no answer in {FETCH_SECONDS:.0f} s") from error
    except aiohttp.ClientError as error:
        raise OSError(str(error)) from error


async def _read(content: aiohttp.StreamReader) -> bytes:
    document = bytearray()
    async for piece in content.iter_any():
        document += piece
        if len(document) > JWKS_BYTES:
            raise OSError(f"the key set has more than {JWKS_BYTES} bytes")
    return bytes(document)
