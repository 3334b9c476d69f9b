from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

import msgpack
import pytest

from streamd.feeds import hub as hub_module
from streamd.feeds.codes import AlreadySubscribed, UnknownChannel
from streamd.feeds.hub import Hub
from streamd.feeds.link import Limits, Link
from streamd.feeds.protocol import JSON, MSGPACK, Encoding, SubscribeRequest
from tests.feeds.harness import running


class Memory(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keeps ``data``."""
        self.written.append(bytes(data))


def listener(encoding: Encoding) -> tuple[Link, Memory]:
    """A link and what it was sent."""
    transport = Memory()
    return Link(transport, encoding, Limits(1_000_000, 1_000, 1_000)), transport


def ended(_: str) -> None:
    """No provider here ends a subscription by itself."""
    raise AssertionError


async def polls(name: str) -> Mapping[str, object] | None:
    """Poll 1 exists, poll 2 has no state yet."""
    if name not in ("1", "2"):
        raise UnknownChannel(f"poll:{name}")
    return {"seq": 0} if name == "1" else None


async def opened(hub: Hub, channel: str, link: Link, **request: object) -> dict[str, object]:
    """Subscribes ``link`` and gives the result."""
    provider = hub.provider(channel)
    await provider.prepare(channel)
    asked = SubscribeRequest(channel, **request)  # type: ignore[arg-type]
    result = provider.subscribe(channel, asked, link, ended).result
    return dict(json.loads(result) if link.encoding is JSON else msgpack.unpackb(result))


@pytest.fixture
def hub() -> Hub:
    """Polls only."""
    made = Hub()
    made.provide("poll", polls)
    return made


async def test_one_serialisation_per_encoding_serves_all(hub: Hub) -> None:
    links = [listener(JSON), listener(JSON), listener(MSGPACK), listener(MSGPACK)]
    for link, _ in links:
        await opened(hub, "poll:1", link)
    hub.publish("poll:1", {"seq": 1})
    texts = [transport.written[0] for _, transport in links]
    assert texts[0] == texts[1] != texts[2] == texts[3]
    assert json.loads(texts[0][2:])["push"] == {
        "channel": "poll:1",
        "pub": {"data": {"seq": 1}, "offset": 2},
    }
    assert msgpack.unpackb(texts[2][2:]) == json.loads(texts[0][2:])
    assert hub.subscribers("poll:1") == 4


async def test_the_newest_publication_is_the_snapshot(hub: Hub) -> None:
    link, _ = listener(JSON)
    assert (await opened(hub, "poll:1", link))["data"] == {"seq": 0}
    hub.publish("poll:1", {"seq": 7})
    late, transport = listener(JSON)
    assert (await opened(hub, "poll:1", late))["data"] == {"seq": 7}
    assert transport.written == []


async def test_a_snapshot_that_arrives_late_does_not_undo_a_publication() -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def slow(name: str) -> Mapping[str, object]:
        asked.set()
        await answer.wait()
        return {"seq": "old"}

    hub = Hub()
    hub.provide("poll", slow)
    link, _ = listener(JSON)
    opening = asyncio.ensure_future(opened(hub, "poll:1", link))
    await asked.wait()
    hub.publish("poll:1", {"seq": "new"})
    answer.set()
    assert (await opening)["data"] == {"seq": "new"}


async def test_a_channel_without_state_yet_has_no_data(hub: Hub) -> None:
    link, transport = listener(JSON)
    assert "data" not in await opened(hub, "poll:2", link)
    hub.publish("poll:2", {"seq": 1})
    assert len(transport.written) == 1


@pytest.mark.parametrize("channel", ["poll:3", "poll:", "poll", "news:1", ":", ""])
async def test_unknown_channels(hub: Hub, channel: str) -> None:
    with pytest.raises(UnknownChannel):
        await hub.provider(channel).prepare(channel)
    assert hub.subscribers(channel) == 0


async def test_what_was_published_may_be_subscribed_without_a_provider(hub: Hub) -> None:
    hub.publish("event:main", {"id": "main"})
    link, _ = listener(JSON)
    assert (await opened(hub, "event:main", link))["data"] == {"id": "main"}


async def test_twice_on_one_link(hub: Hub) -> None:
    link, _ = listener(JSON)
    await opened(hub, "poll:1", link)
    with pytest.raises(AlreadySubscribed):
        await opened(hub, "poll:1", link)
    assert hub.subscribers("poll:1") == 1


async def test_recovered_only_with_the_same_epoch_and_no_gap(hub: Hub) -> None:
    link, _ = listener(JSON)
    first = await opened(hub, "poll:1", link)
    epoch, offset = first["epoch"], first["offset"]
    again = await opened(hub, "poll:1", listener(JSON)[0], recover=True, epoch=epoch, offset=offset)
    assert (again["was_recovering"], again["recovered"]) == (True, True)
    hub.publish("poll:1", {"seq": 1})
    gap = await opened(hub, "poll:1", listener(JSON)[0], recover=True, epoch=epoch, offset=offset)
    assert "recovered" not in gap
    other = await opened(hub, "poll:1", listener(JSON)[0], recover=True, epoch="no", offset=2)
    assert "recovered" not in other


async def test_an_unpublished_channel_is_dropped_with_its_last_subscriber(hub: Hub) -> None:
    """Its snapshot is asked for again, so it cannot grow old here; and the epoch is another."""
    link, _ = listener(JSON)
    first = await opened(hub, "poll:1", link)
    hub.provider("poll:1").unsubscribe("poll:1", link)
    assert hub.subscribers("poll:1") == 0
    assert (await opened(hub, "poll:1", link))["epoch"] != first["epoch"]


async def test_idle_channels_are_bounded_and_the_longest_unused_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub_module, "IDLE_CHANNELS", 3)
    asked: list[str] = []

    async def any_poll(name: str) -> Mapping[str, object]:
        asked.append(name)
        return {"seq": "asked"}

    hub = Hub()
    hub.provide("poll", any_poll)
    listening, _ = listener(JSON)
    hub.publish("poll:0", {"seq": 1})
    first = await opened(hub, "poll:0", listening)
    for number in range(1, 101):
        hub.publish(f"poll:{number}", {"seq": number})
    assert dropped(hub) == 97
    # The one with a subscriber stays, whatever comes.
    hub.publish("poll:0", {"seq": 2})
    assert hub.subscribers("poll:0") == 1
    again = await opened(hub, "poll:0", listener(JSON)[0])
    assert (again["data"], again["epoch"]) == ({"seq": 2}, first["epoch"])
    # The last used are still here; of an older one the provider is asked, in a new epoch.
    assert (await opened(hub, "poll:99", listener(JSON)[0]))["data"] == {"seq": 99}
    assert asked == []
    assert (await opened(hub, "poll:5", listener(JSON)[0]))["data"] == {"seq": "asked"}
    assert asked == ["5"]


async def test_a_closed_polls_channel_goes_after_its_last_subscriber(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "IDLE_CHANNELS", 1)
    link, _ = listener(JSON)
    before = await opened(hub, "poll:1", link)
    hub.publish("poll:1", {"seq": 3, "state": "closed"})
    hub.publish("poll:2", {"seq": 1})
    hub.provider("poll:1").unsubscribe("poll:1", link)
    assert (await opened(hub, "poll:1", listener(JSON)[0]))["data"]["seq"] == 3  # type: ignore[index]
    hub.provider("poll:2")
    assert dropped(hub) == 1
    asked = {"recover": True, "epoch": before["epoch"], "offset": 2}
    assert (await opened(hub, "poll:1", listener(JSON)[0], **asked))["recovered"]


async def test_a_dropped_channels_epoch_is_never_recovered(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "IDLE_CHANNELS", 1)
    hub.publish("poll:1", {"seq": 1})
    link, _ = listener(JSON)
    before = await opened(hub, "poll:1", link)
    hub.provider("poll:1").unsubscribe("poll:1", link)
    hub.publish("poll:2", {"seq": 1})
    after = await opened(
        hub, "poll:1", link, recover=True, epoch=before["epoch"], offset=before["offset"]
    )
    assert "recovered" not in after
    assert after["offset"] == before["offset"]


async def test_what_is_published_while_the_provider_is_asked_is_not_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub_module, "IDLE_CHANNELS", 1)
    asked, answer = asyncio.Event(), asyncio.Event()

    async def slow(name: str) -> Mapping[str, object]:
        asked.set()
        await answer.wait()
        return {"seq": "old"}

    hub = Hub()
    hub.provide("poll", slow)
    opening = asyncio.ensure_future(opened(hub, "poll:1", listener(JSON)[0]))
    await asked.wait()
    hub.publish("poll:1", {"seq": "new"})
    for number in range(2, 9):
        hub.publish(f"poll:{number}", {"seq": 1})
    answer.set()
    assert (await opening)["data"] == {"seq": "new"}


async def test_a_snapshot_without_its_subscriber_is_asked_for_again(hub: Hub) -> None:
    """The connection went while the provider was asked: what it said may grow old unseen."""
    answers = iter([{"seq": 1}, {"seq": 2}])

    async def moving(name: str) -> Mapping[str, object]:
        return next(answers)

    hub.provide("moving", moving)
    await hub.provider("moving:x").prepare("moving:x")
    assert (await opened(hub, "moving:x", listener(JSON)[0]))["data"] == {"seq": 2}


def dropped(hub: Hub) -> float:
    """How many channels made room."""
    return hub.metrics.registry.get_sample_value("streamd_feed_dropped_channels_total") or 0.0


async def test_a_slow_reader_gets_the_newest_state_and_others_get_all() -> None:
    """Real sockets: the reader stops reading, the kernel fills, publications are conflated."""
    async with (
        running(transport_bytes=65_536) as gateway,
        gateway.client() as slow,
        gateway.client() as quick,
    ):
        await slow.subscribe("poll:1")
        await quick.subscribe("poll:1")
        slow.socket.transport.pause_reading()
        for seq in range(1, 301):
            gateway.hub.publish("poll:1", {"seq": seq, "pad": "x" * 50_000})
            assert (await quick.publication())["seq"] == seq
        assert gateway.counted("conflated_total") > 100
        slow.socket.transport.resume_reading()
        seen = [0]
        while seen[-1] < 300:
            seen.append((await slow.publication())["seq"])
        assert seen == sorted(set(seen))
        assert len(seen) < 200
        gateway.hub.publish("poll:1", {"seq": 301})
        assert (await slow.publication())["seq"] == 301
