from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable

import msgpack
import pytest

from streamd.feeds import link as link_module
from streamd.feeds import waves as waves_module
from streamd.feeds.hub import Hub
from streamd.feeds.link import Link
from streamd.feeds.protocol import JSON, MSGPACK, Encoding
from streamd.identity import Identity
from tests.feeds.harness import PATIENCE, running, until
from tests.feeds.test_hub import Memory, listener, opened, polls

SLICE = 4


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that ten subscribers are many, and each turn brings a slice."""
    monkeypatch.setattr(waves_module, "SLICE", SLICE)
    monkeypatch.setattr(waves_module, "TURNS", 1)


@pytest.fixture
def hub() -> Hub:
    """Polls only."""
    made = Hub()
    made.provide("poll", polls)
    return made


class Crowd:
    """Subscribers of one channel, in the order in which they came."""

    def __init__(self, hub: Hub, channel: str) -> None:
        self._hub = hub
        self._channel = channel
        self.links: list[Link] = []
        self.transports: list[Memory] = []

    async def join(self, count: int, encoding: Encoding = JSON) -> Crowd:
        """Subscribes ``count`` more."""
        for _ in range(count):
            link, transport = listener(encoding)
            await opened(self._hub, self._channel, link)
            self.links.append(link)
            self.transports.append(transport)
        return self

    @property
    def seen(self) -> list[list[int]]:
        """The ``seq`` of everything that each of them was sent."""
        return [
            [_message(link, frame)["push"]["pub"]["data"]["seq"] for frame in transport.written]
            for link, transport in zip(self.links, self.transports, strict=True)
        ]

    @property
    def served(self) -> int:
        """How many have got something."""
        return sum(bool(one.written) for one in self.transports)


def _message(link: Link, frame: bytes) -> dict[str, dict[str, dict[str, dict[str, int]]]]:
    payload = frame[4:] if frame[1] == 126 else frame[2:]
    found: dict[str, dict[str, dict[str, dict[str, int]]]] = (
        json.loads(payload) if link.encoding is JSON else msgpack.unpackb(payload)
    )
    return found


async def turns(count: int) -> None:
    """Lets the event loop turn."""
    for _ in range(count):
        await asyncio.sleep(0)


async def settled(hub: Hub) -> None:
    """Waits until all is delivered."""
    await until(lambda: hub.idle)


def counted(hub: Hub, name: str) -> float:
    """A metric's value."""
    return hub.metrics.registry.get_sample_value(f"streamd_feed_{name}_total") or 0.0


def handed_over(hub: Hub) -> float:
    """Publications given to a connection: those here have no descriptor to be written to at once,
    and count as deferred.
    """
    return counted(hub, "deliveries") + counted(hub, "deferred")


async def test_a_few_are_served_at_once(hub: Hub) -> None:
    crowd = await Crowd(hub, "poll:1").join(SLICE)
    hub.publish("poll:1", {"seq": 1})
    assert hub.idle
    assert crowd.seen == [[1]] * SLICE


async def test_many_are_served_slice_by_slice_and_others_have_their_turn_between(hub: Hub) -> None:
    crowd = await Crowd(hub, "poll:1").join(10)
    hub.publish("poll:1", {"seq": 1})
    assert not hub.idle
    served = [crowd.served]
    for _ in range(3):
        await turns(1)
        served.append(crowd.served)
    assert served == [0, 4, 8, 10]
    assert hub.idle
    assert crowd.seen == [[1]] * 10
    assert handed_over(hub) == 10


async def test_between_slices_the_loop_has_turns_to_itself(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waves_module, "TURNS", 3)
    crowd = await Crowd(hub, "poll:1").join(10)
    hub.publish("poll:1", {"seq": 1})
    served = []
    for _ in range(7):
        await turns(1)
        served.append(crowd.served)
    assert served == [4, 4, 4, 8, 8, 8, 10]


async def test_who_came_first_is_served_first(hub: Hub) -> None:
    crowd = await Crowd(hub, "poll:1").join(10)
    hub.publish("poll:1", {"seq": 1})
    await turns(1)
    assert crowd.seen == [[1]] * 4 + [[]] * 6


async def test_both_encodings_are_served(hub: Hub) -> None:
    crowd = await Crowd(hub, "poll:1").join(6)
    await crowd.join(6, MSGPACK)
    hub.publish("poll:1", {"seq": 1})
    await settled(hub)
    assert crowd.seen == [[1]] * 12


async def test_a_newer_publication_reaches_all_and_nobody_gets_the_older_one_after_it(
    hub: Hub,
) -> None:
    crowd = await Crowd(hub, "poll:1").join(10)
    hub.publish("poll:1", {"seq": 1})
    await turns(1)
    hub.publish("poll:1", {"seq": 2})
    await settled(hub)
    assert crowd.seen == [[1, 2]] * 4 + [[2]] * 6
    assert counted(hub, "conflated") == 6


async def test_publications_faster_than_they_can_be_written_are_conflated(hub: Hub) -> None:
    crowd = await Crowd(hub, "poll:1").join(10)
    for seq in range(1, 30):
        hub.publish("poll:1", {"seq": seq})
        if seq % 5 == 0:
            await turns(1)
    await settled(hub)
    seen = crowd.seen
    assert all(one[-1] == 29 for one in seen)
    assert all(one == sorted(set(one)) for one in seen)
    assert counted(hub, "conflated") + handed_over(hub) == 29 * 10


async def test_an_amendment_reaches_only_those_still_to_come_and_costs_no_delivery(
    hub: Hub,
) -> None:
    crowd = await Crowd(hub, "poll:1").join(10)
    hub.publish("poll:1", {"seq": 1})
    await turns(1)
    hub.amend("poll:1", {"seq": 2})
    await settled(hub)
    assert crowd.seen == [[1]] * 4 + [[2]] * 6
    # Without a wave there is nobody to tell; and the next publication reaches all.
    hub.amend("poll:1", {"seq": 3})
    hub.amend("poll:2", {"seq": 3})
    await turns(3)
    assert handed_over(hub) == 10
    hub.publish("poll:1", {"seq": 4})
    await settled(hub)
    assert crowd.seen == [[1, 4]] * 4 + [[2, 4]] * 6


async def test_an_amendment_is_the_snapshot_and_has_an_offset_of_its_own(hub: Hub) -> None:
    await Crowd(hub, "poll:1").join(10)
    hub.publish("poll:1", {"seq": 1})
    early = await opened(hub, "poll:1", listener(JSON)[0])
    hub.publish("poll:1", {"seq": 2})
    hub.amend("poll:1", {"seq": 3})
    late = await opened(
        hub,
        "poll:1",
        listener(JSON)[0],
        recover=True,
        epoch=early["epoch"],
        offset=early["offset"],
    )
    assert late["data"] == {"seq": 3}
    assert "recovered" not in late


async def test_who_joins_during_a_wave_gets_the_next_publication_and_only_that(hub: Hub) -> None:
    crowd = await Crowd(hub, "poll:1").join(10)
    hub.publish("poll:1", {"seq": 1})
    await turns(1)
    late = await Crowd(hub, "poll:1").join(1)
    await settled(hub)
    assert late.seen == [[]]
    hub.publish("poll:1", {"seq": 2})
    await turns(1)
    later = await Crowd(hub, "poll:1").join(1)
    hub.publish("poll:1", {"seq": 3})
    await settled(hub)
    assert late.seen == [[3]]
    assert later.seen == [[3]]
    assert {one[-1] for one in crowd.seen} == {3}


async def test_who_leaves_during_a_wave_gets_nothing_more(hub: Hub) -> None:
    crowd = await Crowd(hub, "poll:1").join(10)
    hub.publish("poll:1", {"seq": 1})
    await turns(1)
    hub.publish("poll:1", {"seq": 2})
    for link in (crowd.links[0], crowd.links[-1]):
        hub.provider("poll:1").unsubscribe("poll:1", link)
    await settled(hub)
    assert crowd.seen == [[1]] + [[1, 2]] * 3 + [[2]] * 5 + [[]]


async def test_a_channel_that_everybody_leaves_ends_its_wave(hub: Hub) -> None:
    crowd = await Crowd(hub, "poll:1").join(10)
    hub.publish("poll:1", {"seq": 1})
    for link in crowd.links:
        hub.provider("poll:1").unsubscribe("poll:1", link)
    await settled(hub)
    assert crowd.served == 0


async def test_waves_go_one_after_another_and_a_busy_channel_does_not_hold_up_others(
    hub: Hub,
) -> None:
    busy = await Crowd(hub, "poll:1").join(10)
    other = await Crowd(hub, "poll:2").join(10)
    hub.publish("poll:1", {"seq": 1})
    hub.publish("poll:2", {"seq": 1})
    for seq in range(2, 5):
        await turns(1)
        assert other.served == 0
        hub.publish("poll:1", {"seq": seq})
    # Those of the busy channel whom the newest has missed come after the other one's.
    await turns(3)
    assert other.seen == [[1]] * 10
    assert busy.seen[0] == [1]
    await settled(hub)
    assert {one[-1] for one in busy.seen} == {4}


async def test_a_slice_that_fails_stops_no_wave(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = await Crowd(hub, "poll:1").join(10)
    failures = iter([RuntimeError("a transport broke")])

    def deliver(links: Iterable[Link], frame: bytes, wait: Callable[[Link], None]) -> int:
        for failure in failures:
            raise failure
        return link_module.deliver(links, frame, wait)

    monkeypatch.setattr(waves_module, "deliver", deliver)
    hub.publish("poll:1", {"seq": 1})
    await settled(hub)
    assert crowd.seen == [[]] * 4 + [[1]] * 6


async def test_calls_are_answered_while_a_wave_is_under_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waves_module, "SLICE", 1)
    hub = Hub()

    async def still_going(identity: Identity | None, data: object) -> object:
        return {"under_way": not hub.idle}

    async with (
        running(hub=hub, rpc={"still_going": still_going}) as gateway,
        gateway.client() as caller,
    ):
        crowd = await Crowd(hub, "poll:1").join(1_000)
        await caller.send({"id": 9, "rpc": {"method": "still_going", "data": None}})
        hub.publish("poll:1", {"seq": 1})
        assert (await caller.receive())["rpc"]["data"] == {"under_way": True}
        await settled(hub)
        assert crowd.served == 1_000


async def test_a_stopping_gateway_ends_its_waves_first() -> None:
    async with running() as gateway:
        clients = [gateway.client() for _ in range(30)]
        for client in clients:
            await client.__aenter__()
            await client.subscribe("poll:1")
        gateway.hub.publish("poll:1", {"seq": 9})
        stopping = asyncio.ensure_future(gateway.gateway.stop(PATIENCE))
        for client in clients:
            assert (await client.publication())["seq"] == 9
            await client.__aexit__(None, None, None)
        await stopping
