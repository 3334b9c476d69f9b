"""A visitor, and a poll to vote in."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server import Server
from tests.web.client import Client


@pytest.fixture
def visitor(server: Server) -> Client:
    """Someone who has opened the event page and whose device may vote."""
    client = Client(server)
    assert client.ask("GET", "/").status == 200
    assert client.prove().status == 200
    return client


@pytest.fixture
def poll(server: Server, stream_key: str) -> dict[str, Any]:
    """An open poll with three choices on stream ``alef``."""
    asked = {"question": "Which?", "choices": ["One", "Two", "Three"], "open": True}
    answer = Client(server).ask("POST", "/api/v1/streams/alef/polls", asked, key=stream_key)
    assert answer.status == 201
    shown: dict[str, Any] = answer.json
    return shown
