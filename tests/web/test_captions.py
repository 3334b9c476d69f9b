"""Captions over HTTP: who may send them, what is refused, and how they are read."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.server import Server
from tests.web.client import Client

PATH = "/api/v1/streams/alef/captions"


def line(**changes: object) -> dict[str, Any]:
    return {"text": "Good evening.", "language": "en", **changes}


def test_a_caption_is_taken_and_its_times_are_given(server: Server, stream_key: str) -> None:
    before = time.time()
    answer = Client(server).ask("POST", PATH, line(at=before - 2), key=stream_key)
    assert answer.status == 201
    assert answer.json["text"] == "Good evening."
    assert answer.json["start"] == pytest.approx(before - 2, abs=0.01)
    assert answer.json["end"] > answer.json["start"]


def test_only_the_streams_key_captions_it(server: Server) -> None:
    assert Client(server).ask("POST", PATH, line()).status == 401
    other = server.new_key("be")
    assert Client(server).ask("POST", PATH, line(), key=other).status == 403


def test_a_captions_key_is_good_for_captions_alone(server: Server) -> None:
    key = server.new_key("alef", "--captions")
    client = Client(server)
    assert client.ask("PUT", PATH, {"language": "en"}, key=key).status == 200
    assert client.ask("POST", PATH, line(), key=key).status == 201
    assert client.ask("POST", "/api/v1/streams/be/captions", line(), key=key).status == 403
    poll = {"question": "Which?", "choices": ["a", "b"]}
    for method, path, body in (
        ("GET", "/api/v1/streams/alef/health", None),
        ("POST", "/api/v1/streams/alef/polls", poll),
        ("POST", "/whip/alef", None),
    ):
        answer = client.ask(method, path, body, key=key)
        assert (answer.status, method, path) == (403, method, path)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"text": "  "}, 422),
        ({"text": "x" * 241}, 422),
        ({"text": "x" * 2_000}, 400),
        ({"language": "not a tag"}, 400),
        ({"text": 7}, 400),
        ({"colour": "red"}, 400),
    ],
)
def test_what_is_no_caption_is_refused(
    server: Server, stream_key: str, changes: dict[str, object], status: int
) -> None:
    answer = Client(server).ask("POST", PATH, line(**changes), key=stream_key)
    assert answer.status == status
    assert answer.json["detail"]


def test_a_captioner_announces_the_language(server: Server, stream_key: str) -> None:
    client = Client(server)
    assert client.ask("PUT", PATH, {"language": "fa"}, key=stream_key).json == {"language": "fa"}
    assert client.ask("PUT", PATH, {"language": "?"}, key=stream_key).status == 400
    assert client.ask("PUT", PATH, {"language": "fa"}).status == 401


def test_an_unknown_stream_is_404(server: Server) -> None:
    key = server.new_key()
    path = "/api/v1/streams/nobody/captions"
    assert Client(server).ask("POST", path, line(), key=key).status == 404


def test_the_page_opens_without_a_key(server: Server) -> None:
    answer = Client(server).ask("GET", "/studio/alef/captions")
    assert answer.status == 200
    assert b"streamd-player" in answer.body


def test_before_a_broadcast_the_file_is_empty(server: Server) -> None:
    answer = Client(server).ask("GET", "/api/v1/streams/pe/captions.vtt")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/vtt")
    assert answer.body == b"WEBVTT\n"
