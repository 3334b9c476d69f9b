"""The mock server's rows have the keys and types of the real one's, and its refusals the names."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.rows import Client, poll_shape, shape
from tests.browser.studio_pages.mock_server import KEY, Fixture, serving
from tests.browser.studio_pages.poll_rows import STREAM
from tests.server import Server

Asked = dict[str, Any]


@pytest.fixture
def mock() -> Iterator[tuple[Client, Fixture]]:
    """The mock server without a browser in front of it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    fixture = Fixture()
    server = serving(fixture)
    origin = asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(30)
    yield Client(origin, KEY), fixture
    asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(timeout=10)
    loop.close()


def answers(client: Client, stream: str) -> Asked:
    """What a studio asks for, from the first reading to a closed poll."""
    question = {"question": "Which?", "choices": ["One", "Two"], "duration_seconds": 60}
    polls = f"/api/v1/streams/{stream}/polls"
    draft = client.ask("POST", polls, {**question, "open": False})
    [listed, *_] = client.ask("GET", f"/api/v1/polls?stream={stream}")["polls"]
    opened = client.ask("POST", f"/api/v1/polls/{draft['id']}/open", {})
    closed = client.ask("POST", f"/api/v1/polls/{draft['id']}/close", {})
    return {
        "stream": shape(client.ask("GET", f"/api/v1/streams/{stream}")),
        "health": shape(client.ask("GET", f"/api/v1/streams/{stream}/health")),
        "draft": poll_shape(draft),
        "listed": poll_shape(listed),
        "opened": poll_shape(opened),
        "closed": poll_shape(closed),
    }


def refusals(client: Client, stream: str, unknown: Callable[[], str]) -> dict[str, str]:
    """The names of what a studio may be refused; ``unknown`` gives a stream that is none."""
    health = f"/api/v1/streams/{stream}/health"
    question = {"question": "Which?", "choices": ["One", "Two"], "open": True}
    asked = client.ask("POST", f"/api/v1/streams/{stream}/polls", question)
    close = f"/api/v1/polls/{asked['id']}/close"
    client.ask("POST", close, {})
    given = {
        "wrong key": client.ask("GET", health, key="wrong"),
        "closed twice": client.ask("POST", close, {}),
        "no such stream": client.ask("GET", f"/api/v1/streams/{unknown()}/health"),
    }
    for problem in given.values():
        assert shape(problem) == {
            "type": "string",
            "title": "string",
            "status": "number",
            "detail": "string",
        }
    return {what: f"{problem['status']} {problem['type']}" for what, problem in given.items()}


def test_rows_are_the_server_s(
    server: Server, stream_key: str, mock: tuple[Client, Fixture]
) -> None:
    client, _ = mock
    assert answers(client, STREAM) == answers(Client(server.url, stream_key), "alef")


def test_a_live_health_row_has_the_same_keys(
    server: Server, stream_key: str, mock: tuple[Client, Fixture]
) -> None:
    client, fixture = mock
    fixture.state = "live"
    live = client.ask("GET", f"/api/v1/streams/{STREAM}/health")
    idle = Client(server.url, stream_key).ask("GET", "/api/v1/streams/alef/health")
    assert live.keys() == idle.keys()
    shaped = {name: (shape(live[name]), shape(idle[name])) for name in live}
    assert [name for name, (ours, real) in shaped.items() if real not in (ours, "null")] == []


def test_refusals_have_the_server_s_names(server: Server, mock: tuple[Client, Fixture]) -> None:
    client, fixture = mock

    def forget() -> str:
        fixture.unknown = True
        return STREAM

    headquarters = Client(server.url, server.new_key())
    real = refusals(headquarters, "alef", lambda: "nowhere")
    assert refusals(client, STREAM, forget) == real
