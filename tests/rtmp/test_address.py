"""Where a publisher wants to go, in every form in which encoders say it."""

from __future__ import annotations

import pytest

from streamd.rtmp.address import Wanted, wanted
from streamd.rtmp.protocol import PublishRequested


@pytest.mark.parametrize(
    ("app", "address", "name", "expected"),
    [
        ("live", "rtmp://h/live", "alef?key=sk_1", Wanted("alef", "sk_1", False)),
        ("live", "rtmp://h/live", "alef?key=sk_1&takeover=1", Wanted("alef", "sk_1", True)),
        ("live", "rtmp://h/live", "alef?takeover=1&key=sk_1", Wanted("alef", "sk_1", True)),
        ("live", "rtmp://h/live", "sk_1", Wanted(None, "sk_1", False)),
        ("live", "rtmp://h/live", "sk_1?takeover=1", Wanted(None, "sk_1", True)),
        ("live/alef", "rtmp://h/live/alef", "sk_1", Wanted("alef", "sk_1", False)),
        ("live/", "rtmp://h/live/", "/alef?key=sk_1", Wanted("alef", "sk_1", False)),
        ("live?key=sk_1", "rtmp://h/live?key=sk_1", "alef", Wanted("alef", "sk_1", False)),
        ("live", "rtmp://h/live?key=sk_1/alef", "alef", Wanted("alef", "sk_1", False)),
        ("live/alef?key=sk_1", "rtmp://h/live/alef?key=sk_1", "", Wanted("alef", "sk_1", False)),
        ("live", "rtmp://h/live", "", Wanted(None, "", False)),
        ("live", "rtmp://h/live", "alef?key=", Wanted(None, "alef", False)),
        ("live", "rtmp://h/live", "alef?" + "&".join(["a=b"] * 99), Wanted(None, "alef", False)),
    ],
)
def test_forms(app: str, address: str, name: str, expected: Wanted) -> None:
    assert wanted(PublishRequested(app, address, name)) == expected


def test_keys_are_not_shown() -> None:
    request = PublishRequested("live", "rtmp://h/live?key=sk_1", "alef?key=sk_1")
    assert "sk_1" not in repr(request) + repr(wanted(request))
