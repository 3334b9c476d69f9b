from __future__ import annotations

import asyncio

import pytest

from streamd.webrtc import shared_certificate
from streamd.webrtc.shared_certificate import SharedCertificate


async def test_all_get_one_certificate_until_it_is_about_to_expire(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shared = SharedCertificate()
    first, *others = await asyncio.gather(*(shared.current() for _ in range(5)))
    assert all(other is first for other in others)
    monkeypatch.setattr(shared_certificate, "MARGIN", shared_certificate.MARGIN * 100)
    assert await shared.current() is not first
