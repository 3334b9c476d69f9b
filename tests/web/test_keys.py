"""A key's holder asks what it may do, over real HTTP."""

from __future__ import annotations

from tests.server import Server
from tests.web.client import Client
from tests.web.test_api import refused


def test_a_key_says_what_it_may_do(server: Server, stream_key: str) -> None:
    client = Client(server)
    own = client.ask("GET", "/api/v1/keys/me", key=stream_key).json
    assert (own["scope"], own["stream"]) == ("stream", "alef")
    whole = client.ask("GET", "/api/v1/keys/me", key=server.new_key(None)).json
    assert set(whole) == {"id", "scope", "stream", "label"}
    assert (whole["scope"], whole["stream"]) == ("hq", None)
    refused(client.ask("GET", "/api/v1/keys/me"), 401, "unauthenticated")
    refused(client.ask("GET", "/api/v1/keys/me", key="sk_wrong"), 401, "unauthenticated")
