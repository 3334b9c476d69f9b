"""What tests of recordings ask a server over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.web.client import Client

PATIENCE_SECONDS = 60


def wait_until(true: Callable[[], object]) -> None:
    """AssertionError where it does not come true."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def rows(client: Client, query: str = "") -> list[dict[str, object]]:
    """The recordings that the API lists."""
    found: list[dict[str, object]] = client.ask("GET", f"/api/v1/recordings{query}").json[
        "recordings"
    ]
    return found


def film(client: Client, path: str) -> bytes:
    """Asks for an MP4 until it is made."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (answer := client.ask("GET", path)).status == 503:
        assert answer.headers["Retry-After"] == "5"
        assert answer.json["type"] == "urn:streamd:problem:unready"
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert answer.status == 200
    return answer.body


def check_ranges(client: Client, path: str, whole: bytes) -> None:
    """RFC 9110 section 14: first, last, rest, beyond, and a HEAD."""
    part = client.ask("GET", path, Range="bytes=100-199")
    assert part.status == 206
    assert part.body == whole[100:200]
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(whole)}"
    assert part.headers["Accept-Ranges"] == "bytes"
    tail = client.ask("GET", path, Range="bytes=-50")
    assert (tail.status, tail.body) == (206, whole[-50:])
    rest = client.ask("GET", path, Range=f"bytes={len(whole) - 10}-")
    assert (rest.status, rest.body) == (206, whole[-10:])
    beyond = client.ask("GET", path, Range=f"bytes={len(whole)}-")
    assert beyond.status == 416
    head = client.ask("HEAD", path)
    assert head.headers["Content-Length"] == str(len(whole))
