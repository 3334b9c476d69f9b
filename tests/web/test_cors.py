"""Other sites' pages: may read what is public, publish with a key, vote from allowed origins."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server import Server, running
from tests.web.client import Client

MESSENGER = "https://messenger.example"


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A streamd that one messenger's pages may use."""
    home = tmp_path_factory.mktemp("carried")
    with running(home, STREAMD_FEEDS_ORIGINS=f"['{MESSENGER}']") as server:
        yield server


def preflight(client: Client, path: str, method: str, origin: str) -> dict[str, str]:
    answer = client.ask("OPTIONS", path, Origin=origin, Access_Control_Request_Method=method)
    assert answer.status == 204
    return {name.lower(): value for name, value in answer.headers.items()}


def test_public_reads_are_open(carried: Server) -> None:
    client = Client(carried)
    for path in ("/api/v1/streams", "/api/v1/polls", "/api/v1/polls/none", "/hls/x/index.m3u8"):
        answer = client.ask("GET", path, Origin="https://anyone.example")
        assert answer.headers["Access-Control-Allow-Origin"] == "*", path


def test_votes_and_tokens_are_open_to_allowed_origins_only(carried: Server) -> None:
    client = Client(carried)
    for path in ("/api/v1/polls/some/votes", "/api/v1/token"):
        allowed = preflight(client, path, "POST", MESSENGER)
        assert allowed["access-control-allow-origin"] == MESSENGER
        assert {"Authorization", "Content-Type"} <= set(
            allowed["access-control-allow-headers"].split(", ")
        )
        assert allowed["vary"] == "Origin"
        assert "access-control-allow-credentials" not in allowed
        refused = preflight(client, path, "POST", "https://anyone.example")
        assert "access-control-allow-origin" not in refused


def test_polls_and_codes_are_not_open(carried: Server) -> None:
    client = Client(carried)
    for path in ("/api/v1/codes", "/api/v1/streams/x/polls", "/"):
        assert "access-control-allow-origin" not in preflight(client, path, "POST", MESSENGER)


def test_whip_may_publish_and_end_from_any_page_and_read_its_refusals(carried: Server) -> None:
    client = Client(carried)
    asked = (("/whip/x", "POST"), ("/whip/x/session", "PATCH"), ("/whip/x/session", "DELETE"))
    for path, method in asked:
        allowed = preflight(client, path, method, "https://anyone.example")
        assert allowed["access-control-allow-origin"] == "*"
        assert method in allowed["access-control-allow-methods"]
        assert "If-Match" in allowed["access-control-allow-headers"]
    for path in ("/whip/x", "/whep/x"):
        offered = preflight(client, path, "POST", "https://anyone.example")
        assert offered["accept-post"] == "application/sdp"
    assert "accept-post" not in preflight(client, "/whip/x/y", "PATCH", "https://anyone.example")
    refusal = client.ask(
        "POST", "/whip/x", b"v=0", Content_Type="application/sdp", Origin="https://anyone.example"
    )
    assert refusal.status == 401
    assert refusal.headers["Access-Control-Allow-Origin"] == "*"
    exposed = refusal.headers["Access-Control-Expose-Headers"]
    assert {"Location", "ETag", "Link", "Retry-After"} <= set(exposed.split(", "))
