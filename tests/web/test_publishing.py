"""``/publish/{stream}`` on a whole streamd: who gets in, what comes out, how it ends."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.media import frames
from tests.server import Server
from tests.web.client import Answer, Client
from tests.web.test_api import refused

DEADLINE = 20.0


@contextmanager
def opened(server: Server, stream: str, **headers: str) -> Iterator[ClientConnection]:
    address = f"ws://localhost:{server.port}/publish/{stream}"
    with connect(address, additional_headers=headers, proxy=None, max_size=None) as socket:
        yield socket


def say(socket: ClientConnection, key: str, **fields: object) -> None:
    socket.send(json.dumps({"type": "hello", "v": 1, "key": key, **fields}))


def hear(socket: ClientConnection, wanted: str) -> dict[str, Any]:
    """The next message of that type."""
    while True:
        message: dict[str, Any] = json.loads(socket.recv(timeout=DEADLINE))
        if message["type"] == wanted:
            return message


def until(test: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not test():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def code_of(socket: ClientConnection) -> int:
    """The code with which the server closes."""
    try:
        while True:
            socket.recv(timeout=DEADLINE)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd is not None else 0


def no(socket: ClientConnection, status: int, slug: str, kind: str = "refused") -> str:
    """Asserts the last message and the close code; gives the sentence."""
    message = hear(socket, kind)
    assert (message["status"], message["slug"]) == (status, slug)
    assert code_of(socket) == 4000 + status
    detail: str = message["detail"]
    return detail


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    return server.new_key("pe")


def state(server: Server) -> str:
    row: dict[str, str] = Client(server).ask("GET", "/api/v1/streams/pe").json
    return row["state"]


def test_frames_become_a_live_stream_and_a_goodbye_ends_it(server: Server, key: str) -> None:
    with opened(server, "pe") as socket:
        say(socket, key)
        assert hear(socket, "welcome") == {"type": "welcome", "v": 1, "keyframe_seconds": 2.0}
        for message in frames.broadcast(start=7_000_000_000):
            socket.send(message)
        until(lambda: state(server) == "live")
        seen = hear(socket, "seen")
        assert seen["timestamp"] >= 7_000_000_000
        health = Client(server).ask("GET", "/api/v1/streams/pe/health", key=key).json
        track, _ = frames.clip()
        assert (health["source"], health["video_codec"]) == ("websocket", track.codec)
        assert (health["width"], health["height"]) == (1280, 720)
        assert health["audio_codec"] == "opus"
        later = itertools.count(7_002_000_000, 40_000)

        def measured() -> bool:
            picture = frames.clip()[1][0].payload
            socket.send(frames.picture(picture, next(later), key=True))
            return hear(socket, "seen")["rtt_ms"] is not None

        until(measured)
        socket.send('{"type": "bye"}')
        assert code_of(socket) == 1000
    assert state(server) == "ended"


def test_a_broken_line_leaves_the_stream_waiting_and_its_page_comes_back(
    server: Server, key: str
) -> None:
    with opened(server, "pe") as socket:
        say(socket, key)
        hear(socket, "welcome")
        for message in frames.broadcast():
            socket.send(message)
        until(lambda: state(server) == "live")
        socket.socket.close()
    until(lambda: state(server) == "stalled")
    with opened(server, "pe") as socket:
        say(socket, key)
        hear(socket, "welcome")
        for message in frames.broadcast():
            socket.send(message)
        until(lambda: state(server) == "live")
        socket.close(1000)
    until(lambda: state(server) == "ended")


def test_a_broadcast_whose_line_broke_is_ended_by_its_key_at_once(
    server: Server, key: str, stream_key: str
) -> None:
    def end(with_key: str | None) -> Answer:
        return Client(server).ask("POST", "/api/v1/streams/pe/end", key=with_key)

    with opened(server, "pe") as socket:
        say(socket, key)
        hear(socket, "welcome")
        for message in frames.broadcast():
            socket.send(message)
        until(lambda: state(server) == "live")
        assert "already broadcasting" in refused(end(key), 409, "already_publishing")
        socket.socket.close()
    until(lambda: state(server) == "stalled")
    refused(end(None), 401, "unauthenticated")
    refused(end(stream_key), 403, "forbidden")
    assert state(server) == "stalled"
    for _ in range(2):
        assert end(key).status == 204
        assert state(server) == "ended"


def test_the_second_page_is_refused_unless_it_takes_over(server: Server, key: str) -> None:
    with opened(server, "pe") as first, opened(server, "pe") as second:
        say(first, key)
        hear(first, "welcome")
        for message in frames.broadcast():
            first.send(message)
        until(lambda: state(server) == "live")
        say(second, key)
        assert "already broadcasting" in no(second, 409, "already_publishing")
        with opened(server, "pe") as third:
            say(third, key, takeover=True)
            hear(third, "welcome")
            no(first, 409, "taken_over", "ended")
            for message in frames.broadcast():
                third.send(message)
            until(lambda: state(server) == "live")
            third.send('{"type": "bye"}')
            assert code_of(third) == 1000


def test_strangers_and_wrong_keys_are_told_so(server: Server, stream_key: str) -> None:
    with opened(server, "pe") as socket:
        say(socket, "sk_wrong")
        no(socket, 401, "unauthenticated")
    with opened(server, "pe") as socket:
        say(socket, stream_key, takeover=True)
        no(socket, 403, "forbidden")
    with opened(server, "nobody") as socket:
        say(socket, server.new_key())
        no(socket, 404, "unknown_stream")


def test_a_page_of_another_site_gets_no_socket(server: Server) -> None:
    with pytest.raises(InvalidStatus) as refusal, opened(server, "pe", Origin="https://evil.test"):
        pass
    assert refusal.value.response.status_code == 403
    with opened(server, "pe", Origin=server.url) as socket:
        say(socket, "sk_wrong")
        no(socket, 401, "unauthenticated")


def test_plain_http_is_told_to_upgrade(server: Server) -> None:
    answer = Client(server).ask("GET", "/publish/pe")
    refused(answer, 426, "upgrade_required")


@pytest.mark.parametrize(
    "first",
    [
        "",
        "hello",
        "{}",
        "[" * 3_000,
        '{"type": "hello", "v": 2, "key": "k"}',
        '{"type": "hello", "v": 1}',
        '{"type": "hello", "v": 1, "key": "k", "video": false, "audio": false}',
        '{"type": "bye"}',
        json.dumps({"type": "hello", "v": 1, "key": "k" * 5_000}),
        b"\x01",
    ],
)
def test_a_hello_that_is_none_is_refused(server: Server, first: str | bytes) -> None:
    with opened(server, "pe") as socket:
        socket.send(first)
        no(socket, 400, "bad_request")


@pytest.mark.parametrize(
    ("messages", "status", "slug"),
    [
        ([b"\x09"], 400, "malformed_media"),
        ([b""], 400, "malformed_media"),
        ([frames.sound(0)], 400, "malformed_media"),
        ([frames.video_description(b"", b"hvc1.1.6.L93.B0")], 415, "unsupported_media"),
        ([frames.audio_description(b"mp4a.40.2")], 415, "unsupported_media"),
        (['{"type": "hello", "v": 1, "key": "k"}'], 400, "bad_request"),
    ],
)
def test_frames_that_are_none_end_their_own_socket(
    server: Server, key: str, messages: list[str | bytes], status: int, slug: str
) -> None:
    with opened(server, "pe") as socket:
        say(socket, key)
        hear(socket, "welcome")
        for message in messages:
            socket.send(message)
        no(socket, status, slug)


def test_the_key_stands_in_no_log(server: Server, key: str) -> None:
    with opened(server, "pe") as socket:
        say(socket, key)
        hear(socket, "welcome")
        socket.send('{"type": "bye"}')
        code_of(socket)
    assert key not in server.log()
