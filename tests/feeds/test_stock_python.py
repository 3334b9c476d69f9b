"""The stock Python client (centrifuge-python from PyPI) as a platform would use it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from centrifuge import CentrifugeError, Client, ClientEventHandler, SubscriptionEventHandler

from tests.feeds.harness import open_poll, running, token_of_a_visitor, until
from tests.server import Server
from tests.web.client import ballot


class Poll(SubscriptionEventHandler):  # type: ignore[misc]
    """Keeps the states of a poll, and how often it was subscribed."""

    def __init__(self) -> None:
        self.states: list[Any] = []
        self.subscribed = 0

    async def on_subscribed(self, ctx: Any) -> None:
        """The snapshot."""
        self.subscribed += 1
        if ctx.data is not None:
            self.states.append(ctx.data)

    async def on_publication(self, ctx: Any) -> None:
        """The newest state."""
        self.states.append(ctx.pub.data)


class Line(ClientEventHandler):  # type: ignore[misc]
    """Keeps the codes with which the connection went."""

    def __init__(self) -> None:
        self.codes: list[int] = []

    async def on_connecting(self, ctx: Any) -> None:
        """Lost, and on its way back."""
        self.codes.append(ctx.code)

    async def on_disconnected(self, ctx: Any) -> None:
        """Over."""
        self.codes.append(ctx.code)


async def test_it_sees_a_poll_move() -> None:
    async with running() as gateway:
        client, poll = Client(gateway.url), Poll()
        subscription = client.new_subscription("poll:1", events=poll)
        await client.connect()
        await subscription.subscribe()
        await until(lambda: poll.states == [{"poll": "1", "seq": 0}])
        for seq in (1, 2):
            gateway.hub.publish("poll:1", {"poll": "1", "seq": seq})
        await until(lambda: len(poll.states) == 3)
        assert [state["seq"] for state in poll.states] == [0, 1, 2]
        await client.disconnect()


async def test_it_calls_and_is_refused_with_the_contracts_code() -> None:
    async with running() as gateway:
        client = Client(gateway.url, token="ana")
        await client.connect()
        answer = await client.rpc("whoami", {"x": 1})
        assert answer.data == {"voter": "device:ana", "data": {"x": 1}}
        with pytest.raises(CentrifugeError, match="1003"):
            await client.rpc("refuse", {})
        with pytest.raises(CentrifugeError, match="103"):
            await client.publish("poll:1", {})
        await client.disconnect()


async def test_it_fetches_a_new_token_for_an_expired_one_and_refreshes_in_time() -> None:
    asked = 0

    async def token(_: Any = None) -> str:
        nonlocal asked
        asked += 1
        return "expired" if asked == 1 else "ana/2"

    async with running() as gateway:
        client = Client(gateway.url, get_token=token, min_reconnect_delay=0.05)
        await client.connect()
        await until(lambda: asked >= 3)
        assert (await client.rpc("whoami", None)).data["voter"] == "device:ana"
        await client.disconnect()


async def test_it_comes_back_after_a_shutdown_and_stays_away_from_a_false_token() -> None:
    async with running() as gateway:
        line, poll = Line(), Poll()
        client = Client(gateway.url, events=line, min_reconnect_delay=0.05)
        subscription = client.new_subscription("poll:1", events=poll)
        await client.connect()
        await subscription.subscribe()
        await until(lambda: poll.subscribed == 1)
        port = gateway.gateway.port
        await gateway.gateway.stop(1.0)
        await until(lambda: 3001 in line.codes)
        async with running(port=port) as again:
            await until(lambda: poll.subscribed == 2)
            again.hub.publish("poll:1", {"seq": 5})
            await until(lambda: {"seq": 5} in poll.states)
            await client.disconnect()

            barred = Line()
            false = Client(again.url, token="bad", events=barred)
            await false.connect()
            await until(lambda: 3500 in barred.codes)
            await asyncio.sleep(0.3)
            assert again.gateway.connections == 0


async def test_pings_keep_it_connected() -> None:
    async with running(ping_seconds=1) as gateway:
        line = Line()
        client = Client(gateway.url, events=line)
        await client.connect()
        await client.ready()
        await asyncio.sleep(2.5)
        assert gateway.gateway.connections == 1
        assert len(line.codes) == 1
        await client.disconnect()


async def test_a_platform_sees_a_voters_choice_counted(server: Server, stream_key: str) -> None:
    """A whole streamd, with the client as it comes: a platform reads, a voter votes."""
    poll_id = await open_poll(server, stream_key)
    seen, voter = Poll(), Client(server.feed_url, token=await token_of_a_visitor(server))
    platform = Client(server.feed_url)
    subscription = platform.new_subscription(f"poll:{poll_id}", events=seen)
    await platform.connect()
    await subscription.subscribe()
    await until(lambda: len(seen.states) == 1)
    assert seen.states[0] == {
        "poll": poll_id,
        "state": "open",
        "seq": 0,
        "total": 0,
        "counts": {"1": 0, "2": 0},
    }
    await voter.connect()
    vote = {"poll": poll_id, **ballot("2")}
    receipt = (await voter.rpc("vote", vote)).data
    promised = {"poll": poll_id, "ballot_id": vote["ballot_id"], "shard": 0, "seq": 1}
    assert receipt == {**promised, "log": f"localhost/{poll_id}", "sig": receipt["sig"]}
    await until(lambda: bool(seen.states[-1]["total"]))
    assert (seen.states[-1]["seq"], seen.states[-1]["counts"]) == (1, {"1": 0, "2": 1})
    assert (await voter.rpc("vote", vote)).data == receipt
    with pytest.raises(CentrifugeError, match="1005"):
        await voter.rpc("vote", {"poll": poll_id, **ballot("1")})
    with pytest.raises(CentrifugeError, match="1004"):
        await platform.rpc("vote", {"poll": poll_id, **ballot("1")})
    other = Client(server.feed_url, token=await token_of_a_visitor(server))
    await other.connect()
    await other.rpc("vote", {"poll": poll_id, **ballot("1")})
    await until(lambda: seen.states[-1]["total"] == 2)
    assert seen.states[-1]["counts"] == {"1": 1, "2": 1}
    for client in (other, voter, platform):
        await client.disconnect()
