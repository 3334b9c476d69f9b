"""The gateway's end: what is asked is answered, who hangs is not waited for."""

from __future__ import annotations

import asyncio
import time

import pytest
from websockets.asyncio.client import connect

from streamd import config
from streamd.feeds import gateway as gateway_module
from streamd.feeds.gateway import Gateway
from streamd.feeds.hub import Hub
from streamd.identity import Identity
from tests.feeds.harness import running, verify


@pytest.mark.parametrize("binary", [False, True], ids=["json", "msgpack"])
async def test_shutdown_answers_what_is_asked_and_calls_clients_back(binary: bool) -> None:
    began = asyncio.Event()

    async def vote(identity: Identity | None, data: object) -> object:
        began.set()
        await asyncio.sleep(0.3)
        return "counted"

    async with (
        running(rpc={"vote": vote}) as gateway,
        gateway.client(binary=binary) as client,
        gateway.client() as other,
    ):
        await client.send({"id": 5, "rpc": {"method": "vote"}})
        await began.wait()
        url = gateway.url
        stopping = asyncio.ensure_future(gateway.gateway.stop(5.0))
        assert (await client.receive())["rpc"]["data"] == "counted"
        assert await client.closed() == (3001, "shutdown")
        assert await other.closed() == (3001, "shutdown")
        await stopping
        with pytest.raises(OSError, match=r"refused|Connect call failed"):
            await connect(url, proxy=None)


async def test_shutdown_does_not_wait_for_a_client_that_never_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gateway_module, "CLOSE_SECONDS", 0.3)
    async with running() as gateway, gateway.client() as client:
        await client.subscribe("poll:1")
        client.socket.transport.pause_reading()
        for seq in range(200):
            gateway.hub.publish("poll:1", {"seq": seq, "pad": "x" * 100_000})
        began = time.monotonic()
        await gateway.gateway.stop(0.2)
        assert time.monotonic() - began < 4
        client.socket.transport.abort()


async def test_shutdown_does_not_wait_for_a_provider_that_never_answers() -> None:
    asked = asyncio.Event()

    async def never(name: str) -> None:
        asked.set()
        await asyncio.Event().wait()

    hub = Hub()
    hub.provide("stream", never)
    async with running(hub=hub) as gateway, gateway.client() as client:
        await client.send({"id": 2, "subscribe": {"channel": "stream:a"}})
        await asked.wait()
        began = time.monotonic()
        await gateway.gateway.stop(0.1)
        assert time.monotonic() - began < 5
        assert await client.closed() == (3001, "shutdown")


async def test_the_port_is_taken() -> None:
    async with running() as gateway:
        second = Gateway(config.Feeds(port=gateway.gateway.port), Hub(), verify, {})
        with pytest.raises(OSError, match="in use"):
            await second.start()
        await second.stop(0.1)
