"""One DTLS certificate for the whole process."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from aiortc import RTCCertificate

MARGIN = timedelta(days=2)
"""How long before a certificate expires another one is made for the peers to come."""


class SharedCertificate:
    """Made when first asked for, off the loop, and again before it expires."""

    def __init__(self) -> None:
        self._certificate: RTCCertificate | None = None
        self._lock = asyncio.Lock()

    async def current(self) -> RTCCertificate:
        """The certificate to make a peer with."""
        async with self._lock:
            current = self._certificate
            if current is None or current.expires - datetime.now(UTC) < MARGIN:
                current = await asyncio.to_thread(RTCCertificate.generateCertificate)
                self._certificate = current
            return current
