"""Commands and their answers, over real sockets in both encodings."""

from __future__ import annotations

import time
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from streamd.feeds import session as session_module
from streamd.feeds.hub import Hub
from tests.feeds.harness import running

BOTH = pytest.mark.parametrize("binary", [False, True], ids=["json", "msgpack"])


@BOTH
async def test_connect_subscribe_publication_unsubscribe(binary: bool) -> None:
    async with running() as gateway, gateway.client(binary=binary) as client:
        hello = client.hello["connect"]
        assert len(hello["client"]) == 36
        assert (hello["ping"], hello["pong"]) == (25, True)
        assert "expires" not in hello
        result = await client.subscribe("poll:1")
        assert result["data"] == {"poll": "1", "seq": 0}
        assert set(result) == {"epoch", "offset", "data"}
        gateway.hub.publish("poll:1", {"seq": 1})
        assert await client.receive() == {
            "push": {"channel": "poll:1", "pub": {"data": {"seq": 1}, "offset": 2}}
        }
        assert await client.call("unsubscribe", {"channel": "poll:1"}) == {"unsubscribe": {}}
        assert gateway.hub.subscribers("poll:1") == 0
        assert await client.call("unsubscribe", {"channel": "poll:1"}) == {"unsubscribe": {}}


@BOTH
async def test_several_commands_in_one_frame_are_answered_in_order(binary: bool) -> None:
    async with running() as gateway, gateway.client(binary=binary, greet=False) as client:
        await client.send(
            {"id": 1, "connect": {}},
            {"id": 2, "subscribe": {"channel": "poll:1"}},
            {"id": 3, "subscribe": {"channel": "poll:2"}},
            {"id": 4, "ping": {}},
        )
        assert [(await client.receive())["id"] for _ in range(4)] == [1, 2, 3, 4]


@BOTH
@pytest.mark.parametrize(
    ("kind", "request_", "code"),
    [
        ("subscribe", {"channel": "poll:1"}, 105),
        ("subscribe", {"channel": "poll:100"}, 102),
        ("subscribe", {"channel": "nothing"}, 102),
        ("subscribe", {"channel": ""}, 107),
        ("subscribe", {"channel": "x" * 256}, 107),
        ("publish", {"channel": "poll:1", "data": {}}, 103),
        ("presence", {"channel": "poll:1"}, 108),
        ("presence_stats", {"channel": "poll:1"}, 108),
        ("history", {"channel": "poll:1"}, 108),
        ("sub_refresh", {"channel": "poll:1"}, 108),
        ("teleport", {}, 108),
        ("rpc", {"method": "nothing"}, 108),
        ("rpc", {"method": "refuse"}, 1003),
        ("rpc", {"method": "fail"}, 100),
        ("refresh", {"token": "ana"}, 103),
        ("refresh", {"token": "expired"}, 109),
    ],
)
async def test_refused_commands_get_their_code_and_the_connection_goes_on(
    binary: bool, kind: str, request_: dict[str, Any], code: int
) -> None:
    async with running() as gateway, gateway.client(binary=binary) as client:
        await client.subscribe("poll:1")
        error = (await client.call(kind, request_))["error"]
        assert error["code"] == code
        assert error.get("temporary", False) == (code == 100)
        assert error["message"].endswith(".")
        assert await client.call("ping", {}) == {"ping": {}}
        assert gateway.counted("errors_total", code=str(code)) == 1


@BOTH
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"id": 9, "connect": {}}, 3501),
        ({"rpc": {"method": "whoami"}}, 3501),
        ({"send": {"data": 1}}, 3508),
        ({"id": 9, "subscribe": {"channel": 7}}, 3501),
        ({"id": 9, "refresh": {"token": "bad"}}, 3500),
    ],
)
async def test_commands_that_end_the_connection(
    binary: bool, command: dict[str, Any], code: int
) -> None:
    async with running() as gateway:
        async with gateway.client(binary=binary) as client:
            await client.send(command)
            assert (await client.closed())[0] == code
        assert gateway.counted("disconnects_total", code=str(code)) == 1


@BOTH
async def test_the_first_command_is_connect(binary: bool) -> None:
    async with running() as gateway:
        firsts: list[dict[str, Any]] = [
            {"id": 1, "subscribe": {"channel": "poll:1"}},
            {},
            {"connect": {}},
        ]
        for first in firsts:
            async with gateway.client(binary=binary, greet=False) as client:
                await client.send(first)
                assert await client.closed() == (3501, "bad request")


async def test_channels_of_one_connection_are_bounded() -> None:
    async with running(channels=3) as gateway, gateway.client() as client:
        for number in range(1, 4):
            assert "data" in await client.subscribe(f"poll:{number}")
        assert (await client.subscribe("poll:4"))["error"]["code"] == 106
        await client.call("unsubscribe", {"channel": "poll:1"})
        assert "data" in await client.subscribe("poll:4")


async def test_a_provider_that_fails_is_a_temporary_error() -> None:
    async def broken(name: str) -> None:
        raise ConnectionError("the store is away")

    hub = Hub()
    hub.provide("stream", broken)
    async with running(hub=hub) as gateway, gateway.client() as client:
        error = (await client.subscribe("stream:a"))["error"]
        assert (error["code"], error["temporary"]) == (100, True)
        assert "store" not in error["message"]


# -- who is calling


@BOTH
async def test_a_token_gives_an_identity_and_its_time(binary: bool) -> None:
    async with running() as gateway, gateway.client(binary=binary, token="ana/90") as client:
        hello = client.hello["connect"]
        assert hello["expires"] is True
        assert 80 <= hello["ttl"] <= 90
        answer = await client.call("rpc", {"method": "whoami", "data": {"x": 1}})
        assert answer["rpc"]["data"] == {"voter": "device:ana", "data": {"x": 1}}


async def test_without_a_token_one_may_read_and_is_nobody() -> None:
    async with running() as gateway, gateway.client() as client:
        assert "data" in await client.subscribe("poll:1")
        answer = await client.call("rpc", {"method": "whoami"})
        assert answer["rpc"]["data"] == {"voter": None, "data": None}


async def test_an_expired_token_is_109_and_a_false_one_ends_the_connection() -> None:
    """109: a stock client fetches a new token and comes back. 3500: it must not."""
    async with running() as gateway:
        async with gateway.client(token="expired") as client:
            assert client.hello["error"]["code"] == 109
        async with gateway.client(greet=False) as client:
            await client.send({"id": 1, "connect": {"token": "bad"}})
            assert await client.closed() == (3500, "invalid token")


async def test_refresh_renews_the_time_but_never_the_voter() -> None:
    async with running() as gateway, gateway.client(token="ana/9") as client:
        result = (await client.call("refresh", {"token": "ana/200"}))["refresh"]
        assert result["expires"]
        assert 190 <= result["ttl"] <= 200
        await client.send({"id": 9, "refresh": {"token": "eve"}})
        assert await client.closed() == (3500, "invalid token")


async def test_a_token_not_refreshed_ends_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "REFRESH_SECONDS", 0)
    async with (
        running(ping_seconds=1) as gateway,
        gateway.client(token="ana/1") as client,
        gateway.client() as anonymous,
    ):
        with pytest.raises(ConnectionClosed, match="3005"):
            await client.receive()
        assert await client.closed() == (3005, "connection expired")
        assert await anonymous.call("ping", {}) == {"ping": {}}


async def test_a_flood_of_commands_is_slowed_and_the_neighbour_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session_module, "BURST", 50)
    async with running() as gateway, gateway.client() as good, gateway.client() as bad:
        count = 250
        began = time.monotonic()
        for number in range(2, count + 2):
            await bad.send({"id": number, "ping": {}})
        assert await good.call("ping", {}) == {"ping": {}}
        for number in range(2, count + 2):
            assert (await bad.receive())["id"] == number
        assert time.monotonic() - began > (count - 100) / session_module.COMMANDS_PER_SECOND
