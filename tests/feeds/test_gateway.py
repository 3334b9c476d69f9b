"""The gateway over real sockets: handshakes, commands, bad clients, time."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from typing import Any

import msgpack
import pytest
from structlog.testing import capture_logs
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from streamd import config
from streamd.feeds import door
from streamd.feeds import gateway as gateway_module
from streamd.feeds.gateway import Gateway
from streamd.feeds.hub import Hub
from streamd.identity import ConnectTokens, Identity
from tests.feeds.harness import Client, Running, running, until

BOTH = pytest.mark.parametrize("binary", [False, True], ids=["json", "msgpack"])


@pytest.mark.parametrize("noise", ["nonsense", "", '{"id":1', "[]", "\x00", "[" * 60_000])
async def test_garbage_ends_only_its_own_connection(noise: str) -> None:
    async with running() as gateway, gateway.client() as good:
        await good.subscribe("poll:1")
        for greet in (True, False):
            async with gateway.client(greet=greet) as bad:
                await bad.socket.send(noise)
                assert await bad.closed() == (3501, "bad request")
        gateway.hub.publish("poll:1", {"seq": 1})
        assert await good.publication() == {"seq": 1}


OPENED, CLOSED = "[" * 20_000, "]" * 20_000
DEEP = {
    "bare": OPENED,
    "data": f'{{"id":7,"rpc":{{"method":"whoami","data":{OPENED}{CLOSED}}}}}',
    "unknown field": f'{{"id":7,"x":{OPENED}{CLOSED}}}',
    "unread command": f'{{"id":7,"history":{{"x":{OPENED}{CLOSED}}}}}',
    "subscribe": f'{{"id":7,"subscribe":{{"channel":"poll:1","data":{OPENED}',
}


@pytest.mark.parametrize("frame", DEEP.values(), ids=DEEP.keys())
async def test_deep_nesting_is_a_bad_request_and_no_fault(
    frame: str, caplog: pytest.LogCaptureFixture
) -> None:
    with capture_logs() as lines:
        async with running() as gateway:
            for greet in (True, False):
                async with gateway.client(greet=greet) as bad:
                    await bad.socket.send(frame)
                    assert await bad.closed() == (3501, "bad request")
            async with gateway.client(binary=True) as bad:
                packed = b"\x81\xa3rpc\x81\xa4data" + b"\x91" * 20_000 + b"\xc0"
                await bad.socket.send(packed)
                assert await bad.closed() == (3501, "bad request")
    assert lines == []
    assert caplog.records == []


async def test_a_token_that_nests_deep_is_an_invalid_token_and_no_fault(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tokens = ConnectTokens(b"secret", 300)
    part = base64.urlsafe_b64encode(OPENED.encode()).decode().rstrip("=")
    hub = Hub()
    gateway = Gateway(config.Feeds(port=0), hub, tokens.verify, {})
    await gateway.start()
    try:
        url = f"ws://127.0.0.1:{gateway.port}/connection/websocket"
        with capture_logs() as lines:
            async with Client(url, greet=False) as bad:
                await bad.send({"id": 1, "connect": {"token": f"{part}.e30.e30"}})
                assert await bad.closed() == (3500, "invalid token")
        assert lines == []
        assert caplog.records == []
    finally:
        await gateway.stop(0.1)


async def test_a_frame_over_the_limit_is_1009() -> None:
    """The code that stock clients read as "message size limit exceeded"."""
    async with running(frame_bytes=1_000) as gateway, gateway.client() as good:
        async with gateway.client() as bad:
            await bad.socket.send("x" * 1_001)
            assert (await bad.closed())[0] == 1009
        assert await good.call("ping", {}) == {"ping": {}}


# -- the handshake


async def refused(gateway: Running, **options: Any) -> tuple[int, str]:
    """Status and body of a handshake that must not succeed."""
    url = options.pop("url", gateway.url)
    with pytest.raises(InvalidStatus) as error:
        await connect(url, proxy=None, **options)
    return error.value.response.status_code, bytes(error.value.response.body).decode()


async def test_origins() -> None:
    """Absent: allowed. Present: ours or listed, exactly (OWASP ASVS 4.4.2)."""
    async with running(origins=["http://own.example"]) as gateway:
        async with gateway.client(origin="http://own.example"):
            pass
        for origin in (
            "https://own.example",
            "http://own.example:80",
            "http://own.example.evil",
            "http://OWN.example.evil",
            "null",
        ):
            status, sentence = await refused(gateway, origin=Origin(origin))
            assert status == 403
            assert origin in sentence
        assert gateway.counted("refused_total", status="403") == 5


async def test_subprotocols() -> None:
    async with running() as gateway:
        for names, chosen in (
            (["streamd.msgpack"], "streamd.msgpack"),
            (["centrifuge-protobuf", "streamd.msgpack"], "streamd.msgpack"),
            (["centrifuge-json"], "centrifuge-json"),
        ):
            async with connect(
                gateway.url, subprotocols=[Subprotocol(name) for name in names], proxy=None
            ) as socket_:
                assert socket_.subprotocol == chosen
        status, sentence = await refused(gateway, subprotocols=[Subprotocol("centrifuge-protobuf")])
        assert status == 400
        assert "streamd.msgpack" in sentence


async def test_another_path_is_404_and_a_query_is_ignored() -> None:
    async with running() as gateway:
        status, sentence = await refused(gateway, url=gateway.url + "s")
        assert (status, "/connection/websocket" in sentence) == (404, True)
        async with connect(gateway.url + "?format=json", proxy=None):
            pass


async def test_a_full_gateway_says_so() -> None:
    async with running(connections=2) as gateway:
        async with gateway.client(), gateway.client():
            assert (await refused(gateway))[0] == 503
        await until(lambda: gateway.gateway.connections == 0)
        async with gateway.client():
            assert gateway.counted("connections") == 1


async def test_sockets_that_send_nothing_take_places_too() -> None:
    async with running(connections=2) as gateway:
        port = gateway.gateway.port
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        with capture_logs() as lines:
            assert (await refused(gateway))[0] == 503
            assert (await refused(gateway))[0] == 503
            await until(lambda: bool(lines))
            assert gateway.gateway.connections == 0
        assert [(line["event"], line["log_level"]) for line in lines] == [
            ("gateway is full", "warning")
        ]
        assert lines[0]["bound"] == 2
        for _, writer in silent:
            writer.close()
        await until(lambda: len(gateway.gateway._door) == 0)
        async with gateway.client(), gateway.client():
            assert (await refused(gateway))[0] == 503


async def test_far_too_many_sockets_are_closed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "REFUSALS", 3)
    async with running(connections=2) as gateway:
        port = gateway.gateway.port
        sockets = [await asyncio.open_connection("127.0.0.1", port) for _ in range(10)]
        ended = [asyncio.ensure_future(reader.read()) for reader, _ in sockets]
        await until(lambda: sum(map(asyncio.Future.done, ended)) == 5)
        for _, writer in sockets:
            writer.close()
        await asyncio.gather(*ended, return_exceptions=True)


async def test_what_is_not_websocket_at_all() -> None:
    async with running() as gateway, gateway.client() as good:
        for noise in (b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\n\r\n", b"\r\n" * 9_000):
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.gateway.port)
            writer.write(noise)
            writer.write_eof()
            with contextlib.suppress(ConnectionError):
                async with asyncio.timeout(20):
                    await reader.read()
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        assert await good.call("ping", {}) == {"ping": {}}


# -- time


@BOTH
async def test_pings_are_answered_and_silence_ends_the_connection(binary: bool) -> None:
    async with running(ping_seconds=1) as gateway, gateway.client(binary=binary) as client:
        assert client.hello["connect"]["ping"] == 1
        empty = b"\x80" if binary else "{}"
        async with asyncio.timeout(5):
            assert await client.socket.recv() == empty
        await client.send({})
        assert await client.socket.recv() == empty
        assert await client.closed() == (3012, "no pong")


async def test_who_does_not_connect_is_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_module, "CONNECT_SECONDS", 0.2)
    async with running() as gateway, gateway.client(greet=False) as client:
        assert await client.closed() == (3502, "stale")


# -- bad neighbours


async def test_a_flood_of_calls_without_reading_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_module, "CLOSE_SECONDS", 0.3)

    async def echo(identity: Identity | None, data: object) -> object:
        return data

    async with running(rpc={"echo": echo}) as gateway, gateway.client() as good:
        async with gateway.client() as bad:
            bad.socket.transport.pause_reading()
            call = {"id": 1, "rpc": {"method": "echo", "data": "x" * 20_000}}
            with contextlib.suppress(Exception):
                async with asyncio.timeout(30):
                    while gateway.gateway.connections == 2:
                        await bad.send(call)
                        await asyncio.sleep(0)
            await until(lambda: gateway.gateway.connections == 1)
            assert gateway.counted("disconnects_total", code="3008") == 1
            bad.socket.transport.abort()
        assert await good.call("ping", {}) == {"ping": {}}


async def test_a_lost_connection_leaves_nothing_behind() -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def wait(identity: Identity | None, data: object) -> object:
        started.set()
        try:
            return await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with running(rpc={"wait": wait}) as gateway:
        async with gateway.client() as client:
            await client.subscribe("poll:1")
            await client.send({"id": 9, "rpc": {"method": "wait"}})
            await started.wait()
            client.socket.transport.abort()
        async with asyncio.timeout(10):
            await cancelled.wait()
        await gateway.until("poll:1", 0)
        await until(lambda: gateway.gateway.connections == 0)


async def test_connections_come_and_go_while_publishing() -> None:
    """Descriptors are reused at once: nobody may ever see another one's channel."""
    async with running() as gateway:
        stop = False

        async def publish() -> None:
            while not stop:
                for number in range(1, 5):
                    gateway.hub.publish(f"poll:{number}", {"poll": str(number), "pad": "x" * 900})
                await asyncio.sleep(0)

        async def visit(number: int) -> None:
            for _ in range(15):
                async with gateway.client(binary=number % 2 == 0) as client:
                    own = str(number % 4 + 1)
                    assert (await client.subscribe(f"poll:{own}"))["data"]["poll"] == own
                    for _ in range(5):
                        assert (await client.publication())["poll"] == own
                    if number % 3 == 0:
                        client.socket.transport.abort()

        publishing = asyncio.ensure_future(publish())
        try:
            await asyncio.gather(*(visit(number) for number in range(16)))
        finally:
            stop = True
            await publishing
        for number in range(1, 5):
            await gateway.until(f"poll:{number}", 0)


async def test_pongs_do_not_land_in_the_middle_of_a_long_frame() -> None:
    """Stock centrifuge-python sends WebSocket pings too, whatever it is being sent just then."""
    async with running(transport_bytes=65_536) as gateway, gateway.client() as client:
        await client.subscribe("poll:1")
        client.socket.transport.pause_reading()
        for seq in range(10):
            gateway.hub.publish("poll:1", {"seq": seq, "pad": "x" * 3_000_000})
            await asyncio.sleep(0)
        pongs = [await client.socket.ping() for _ in range(20)]
        await asyncio.sleep(0.2)
        client.socket.transport.resume_reading()
        seen = [-1]
        while seen[-1] < 9:
            state = await client.publication()
            assert set(state["pad"]) == {"x"}
            seen.append(state["seq"])
        async with asyncio.timeout(10):
            await asyncio.gather(*pongs)


async def test_a_flood_of_pings_without_reading_is_cut_off() -> None:
    async with running(transport_bytes=65_536) as gateway, gateway.client() as client:
        await client.subscribe("poll:1")
        client.socket.transport.pause_reading()
        for seq in range(10):
            gateway.hub.publish("poll:1", {"seq": seq, "pad": "x" * 3_000_000})
        for number in range(100_000):
            if gateway.gateway.connections == 0:
                break
            with contextlib.suppress(ConnectionClosed):
                await client.socket.ping(f"{number}")
            await asyncio.sleep(0)
        assert gateway.gateway.connections == 0
        client.socket.transport.abort()


# -- noise from a client that has connected


@pytest.mark.parametrize("seed", range(6))
async def test_mutated_frames_never_touch_a_neighbour(seed: int) -> None:
    import random

    noise = random.Random(seed)
    samples = [
        {"id": 2, "subscribe": {"channel": "poll:1", "data": {"audio": "aac"}}},
        {"id": 3, "rpc": {"method": "whoami", "data": [1, {"a": None}]}},
        {"id": 4, "unsubscribe": {"channel": "poll:1"}},
        {"id": 5, "refresh": {"token": "x"}},
        {"id": 6, "history": {"channel": "x", "since": {"offset": 1}}},
    ]
    async with running() as gateway, gateway.client() as good:
        await good.subscribe("poll:1")
        for round_ in range(25):
            binary = round_ % 2 == 0
            async with gateway.client(binary=binary) as bad:
                for _ in range(20):
                    command = noise.choice(samples)
                    frame = bytearray(
                        msgpack.packb(command) if binary else json.dumps(command).encode()
                    )
                    for _ in range(noise.randrange(3)):
                        frame[noise.randrange(len(frame))] = noise.randrange(256)
                    with contextlib.suppress(Exception):
                        await bad.socket.send(bytes(frame))
        gateway.hub.publish("poll:1", {"seq": seed})
        assert await good.publication() == {"seq": seed}
        assert gateway.counted("disconnects_total", code="3004") == 0
