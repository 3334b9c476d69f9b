"""``media:…`` over a real Stream and its Window, in one piece with the gateway."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any, cast

import av
import pytest

from streamd import config
from streamd.feeds import fragments
from streamd.feeds.hub import Hub
from streamd.feeds.link import Link
from streamd.feeds.media import MediaChannel, MediaProvider
from streamd.feeds.metrics import FeedMetrics
from streamd.feeds.rendition import Pictures, Wish
from streamd.media.parts import Join
from streamd.media.units import Track, Unit
from streamd.relay import testcard
from streamd.relay.lifecycle import StreamState
from streamd.relay.stream import Publisher
from streamd.relay.streams import Streams
from tests.feeds.harness import Client, Running, running, until

FRAME = 3_000
VIDEO = Track("v", "avc1.42e01f", 90_000, b"\x01\x42\xe0\x1f\xff\xe1\x00\x00\x01\x00\x00", 640, 360)
NEW_VIDEO = Track("v", "avc1.64001f", 90_000, b"\x01\x64\x00\x1f\xff\xe1\x00\x00\x01\x00\x00", 1280)
DOPS = b"\x00\x02\x01\x38\x00\x00\xbb\x80\x00\x00\x00"
AUDIO = Track("a", "opus", 48_000, DOPS, sample_rate=48_000, channels=2)
OPUS = b"\xfc\xff\xfe"
"""20 ms of silence."""


class Broadcast:
    """A publisher of made-up pictures at 30 a second, keyframes every ``gop``."""

    def __init__(self, publisher: Publisher, *, gop: int = 30, size: int = 500) -> None:
        self.publisher = publisher
        self.gop = gop
        self.size = size
        self.count = 0

    def send(self, pictures: int, track: Track | None = None, *, audio: bool = False) -> None:
        """The next pictures; ``track`` is a new configuration with the first of them."""
        for _ in range(pictures):
            at = self.count * FRAME
            key = self.count % self.gop == 0
            payload = b"\x00\x00\x00\x04" + self.count.to_bytes(4, "big") + bytes(self.size)
            self.publisher.write(Unit("v", at, at, key, payload, FRAME, track))
            if audio:
                self.publisher.write(Unit("a", self.count * 1_600, self.count * 1_600, True, OPUS))
            track = None
            self.count += 1


class Stage:
    """A gateway with the streams ``alef`` and ``be``."""

    def __init__(self, gateway: Running, streams: Streams) -> None:
        self.gateway = gateway
        self.streams = streams

    def on_air(self, *tracks: Track, stream: str = "alef", **options: int) -> Broadcast:
        """Goes live."""
        publisher = self.streams.get(stream).publish("test")
        publisher.announce(tracks or (VIDEO,))
        return Broadcast(publisher, **options)

    def viewer(self, **options: Any) -> Client:
        """A MessagePack client."""
        return self.gateway.client(binary=True, **options)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """Not live yet."""
    streams = Streams(config.Relay())
    streams.add("alef")
    streams.add("be")
    hub = Hub()
    hub.provide("media", MediaProvider(streams))
    async with running(hub=hub, transport_bytes=65_536, queue_bytes=400_000) as gateway:
        yield Stage(gateway, streams)
        await streams.close()


async def joined(
    client: Client, audio: str | None = None, stream: str = "alef", *, video: bool = True
) -> dict[str, Any]:
    """Subscribes and gives the ``data`` of the result."""
    request: dict[str, Any] = {"data": {"audio": audio}} if audio else {}
    if not video:
        request = {"data": {"audio": audio, "video": False}}
    return dict((await client.subscribe(f"media:{stream}", **request))["data"])


async def parts(client: Client, count: int) -> list[dict[str, Any]]:
    """The next publications."""
    return [await client.publication() for _ in range(count)]


async def test_the_replay_and_the_live_parts_meet_without_gap_or_double(stage: Stage) -> None:
    air = stage.on_air()
    air.send(40)
    async with stage.viewer() as viewer:
        data = await joined(viewer)
        assert set(data) == {
            "v",
            "gen",
            "started_at",
            "timescale",
            "part_ms",
            "tracks",
            "parts",
            "cues",
        }
        assert data["part_ms"] == 0
        assert (data["v"], data["gen"], data["timescale"], data["cues"]) == (1, 1, 90_000, [])
        assert data["tracks"]["v"]["codec"] == "avc1.42e01f"
        assert data["tracks"]["v"]["init"][4:8] == b"ftyp"
        assert data["parts"][0]["key"] is True
        air.send(30)
        got = data["parts"] + await parts(viewer, 30)
        assert [part["n"] for part in got] == list(range(30, 70))
        assert [part["t"] for part in got] == [n * FRAME for n in range(30, 70)]
        assert all(b"moof" in part["v"] and b"mdat" in part["v"] for part in got)
        assert [part["n"] for part in got if part["key"]] == [30, 60]


async def test_many_joiners_at_different_times_each_get_all_of_it(stage: Stage) -> None:
    air = stage.on_air(gop=1_000)
    async with stage.viewer() as a, stage.viewer() as b, stage.viewer() as c:
        seen: dict[Client, list[int]] = {}
        for viewer in (a, b, c):
            air.send(7)
            seen[viewer] = [part["n"] for part in (await joined(viewer))["parts"]]
        air.send(7)
        for viewer in (a, b, c):
            while seen[viewer][-1] < 27:
                seen[viewer].append((await viewer.publication())["n"])
            assert seen[viewer] == list(range(28))


async def test_sound_comes_to_who_asks_for_it(stage: Stage) -> None:
    air = stage.on_air(VIDEO, AUDIO)
    air.send(5, audio=True)
    async with stage.viewer() as hears, stage.viewer() as deaf:
        data = await joined(hears, "opus")
        assert data["tracks"]["a"]["codec"] == "opus"
        silent = await joined(deaf)
        assert set(silent["tracks"]) == {"v"}
        assert not any("a" in part for part in silent["parts"])
        air.send(5, audio=True)
        assert any("a" in part for part in data["parts"] + await parts(hears, 5))
        assert not any("a" in part for part in await parts(deaf, 5))


@pytest.mark.parametrize(
    "data", [{"audio": "mp3"}, {"audio": 5}, [], "opus", {"audio": ["aac"]}, {"video": "no"}]
)
async def test_a_wish_of_another_shape(stage: Stage, data: object) -> None:
    stage.on_air().send(1)
    async with stage.viewer() as viewer:
        error = (await viewer.subscribe("media:alef", data=data))["error"]
        assert error["code"] == 107


async def test_json_connections_are_told_what_to_do(stage: Stage) -> None:
    stage.on_air().send(1)
    async with stage.gateway.client() as viewer:
        error = (await viewer.subscribe("media:alef"))["error"]
        assert error["code"] == 107
        assert "streamd.msgpack" in error["message"]


async def test_an_unknown_stream_and_one_off_the_air(stage: Stage) -> None:
    async with stage.viewer() as viewer:
        assert (await viewer.subscribe("media:nobody"))["error"]["code"] == 102
        error = (await viewer.subscribe("media:alef"))["error"]
        assert (error["code"], error["temporary"]) == (108, True)
        air = stage.on_air()
        air.send(3)
        assert len((await joined(viewer))["parts"]) == 3
        assert (await viewer.subscribe("media:alef"))["error"]["code"] == 105


async def test_a_new_configuration_travels_with_its_keyframe(stage: Stage) -> None:
    air = stage.on_air(gop=5)
    air.send(5)
    async with stage.viewer() as viewer:
        await joined(viewer)
        air.send(5, NEW_VIDEO)
        got = await parts(viewer, 5)
        assert got[0]["init"]["v"]["codec"] == "avc1.64001f"
        assert [part["n"] for part in got if "init" in part] == [5]
    async with stage.viewer() as late:
        assert (await joined(late))["tracks"]["v"]["codec"] == "avc1.64001f"


async def test_a_new_generation_asks_the_client_to_subscribe_again(stage: Stage) -> None:
    air = stage.on_air()
    air.send(3)
    async with stage.viewer() as viewer:
        assert (await joined(viewer))["gen"] == 1
        air.publisher.announce([VIDEO, AUDIO])
        Broadcast(air.publisher).send(4, audio=True)
        message = await viewer.receive()
        assert message == {
            "push": {
                "channel": "media:alef",
                "unsubscribe": {"code": 2500, "reason": "new generation"},
            }
        }
        data = await joined(viewer, "opus")
        assert data["gen"] == 2
        assert data["parts"][0]["n"] == 0
        assert set(data["tracks"]) == {"v", "a"}


async def test_a_stream_that_ends_and_comes_back_is_a_new_generation(stage: Stage) -> None:
    air = stage.on_air()
    air.send(3)
    async with stage.viewer() as viewer:
        await joined(viewer)
        air.publisher.close()
        stage.on_air().send(2)
        assert (await viewer.receive())["push"]["unsubscribe"]["code"] == 2500
        assert (await joined(viewer))["gen"] == 2


async def test_a_joiner_past_the_replays_bound_starts_with_the_next_keyframe() -> None:
    streams = Streams(config.Relay(join_bytes=3_000))
    stream = streams.add("alef")
    hub = Hub()
    hub.provide("media", MediaProvider(streams))
    async with running(hub=hub) as gateway, gateway.client(binary=True) as viewer:
        publisher = stream.publish("test")
        publisher.announce([VIDEO])
        air = Broadcast(publisher, gop=20)
        air.send(10)
        assert (await joined(viewer))["parts"] == []
        air.send(12)
        assert [part["n"] for part in await parts(viewer, 2)] == [20, 21]
        await streams.close()


async def test_a_slow_reader_skips_to_a_keyframe_and_the_others_get_all(stage: Stage) -> None:
    air = stage.on_air(gop=20, size=30_000)
    air.send(1)
    async with stage.viewer() as slow, stage.viewer() as quick:
        await joined(slow)
        await joined(quick)
        slow.socket.transport.pause_reading()
        quick_parts = []
        for step in range(160):
            # The configuration changes while the slow one reads nothing.
            pictures = 4 if step == 0 else 5
            air.send(pictures, NEW_VIDEO if step == 20 else None)
            quick_parts += await parts(quick, pictures)
        assert [part["n"] for part in quick_parts] == list(range(1, 800))
        assert stage.gateway.counted("skipped_parts_total") > 100
        slow.socket.transport.resume_reading()
        more = asyncio.ensure_future(keep_sending(air))
        seen, jumps = [0], []
        while seen[-1] < 900:
            part = await slow.publication()
            if part["n"] != seen[-1] + 1:
                jumps.append(part)
            seen.append(part["n"])
        more.cancel()
        assert seen == sorted(set(seen))
        assert jumps
        assert all(part["key"] for part in jumps)
        # It is told, and to the last part: what it has seen and what it skipped is everything.
        assert all(part["skipped"] > 0 for part in jumps)
        skipped = sum(part["skipped"] for part in jumps)
        assert len(seen) + skipped == seen[-1] + 1
        assert stage.gateway.counted("skipped_parts_total") >= skipped
        # Whatever was skipped, the new configuration was not.
        codecs = [part["init"]["v"]["codec"] for part in jumps if "init" in part]
        assert codecs == ["avc1.64001f"]


async def keep_sending(air: Broadcast) -> None:
    """A picture now and then until cancelled."""
    while True:
        air.send(1)
        await asyncio.sleep(0.002)


async def test_what_a_viewer_gets_decodes(stage: Stage) -> None:
    """The test card, H.264 and AAC: init and parts of each track put together, read by libav."""
    playing = asyncio.ensure_future(testcard.play(stage.streams.get("alef"), width=384, height=240))
    async with stage.viewer() as viewer:
        await until(lambda: stage.streams.get("alef").state is StreamState.LIVE)
        data = await joined(viewer, "aac")
        got = data["parts"] + await parts(viewer, 60)
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)
    for kind, least in (("v", 30), ("a", 30)):
        track = [data["tracks"][kind]["init"], *(part[kind] for part in got if kind in part)]
        with av.open(io.BytesIO(b"".join(track)), "r") as container:
            frames = list(container.decode(container.streams[0]))
        assert len(frames) > least


async def test_streams_of_one_connection_are_bounded_and_unlistened(stage: Stage) -> None:
    for number in range(5):
        name = f"s{number}"
        stage.streams.add(name)
        stage.on_air(stream=name).send(2)
    async with stage.viewer() as viewer:
        for number in range(4):
            assert (await joined(viewer, stream=f"s{number}"))["gen"] == 1
        assert (await viewer.subscribe("media:s4"))["error"]["code"] == 106
        await viewer.call("unsubscribe", {"channel": "media:s0"})
        assert (await joined(viewer, stream="s4"))["gen"] == 1
        assert stage.gateway.hub.subscribers("media:s4") == 1
    await stage.gateway.until("media:s4", 0)


async def test_a_subscriber_that_cannot_be_answered_leaves_no_listener(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: Pictures, join: Join) -> bytes:
        raise ValueError("no answer")

    monkeypatch.setattr(Pictures, "opening", fails)
    stage.on_air().send(2)
    stream = stage.streams.get("alef")
    before = len(stream.window._listeners)
    channel = MediaChannel("media:alef", stream, FeedMetrics())
    with pytest.raises(ValueError, match="no answer"):
        channel.subscribe(Wish(), cast(Link, None), lambda _: None)
    assert len(stream.window._listeners) == before


async def test_parts_of_100_ms_are_announced_and_kept_to() -> None:
    streams = Streams(config.Relay(part_ms=100))
    stream = streams.add("alef")
    hub = Hub()
    hub.provide("media", MediaProvider(streams))
    async with running(hub=hub) as gateway, gateway.client(binary=True) as viewer:
        publisher = stream.publish("test")
        publisher.announce([VIDEO])
        air = Broadcast(publisher)
        air.send(3)
        data = await joined(viewer)
        assert data["part_ms"] == 100
        air.send(30)
        got = data["parts"] + await parts(viewer, 10)
        assert [part["t"] for part in got] == [n * 3 * FRAME for n in range(11)]
        await streams.close()


async def test_the_data_saver_gets_sound_and_a_still_each_ten_seconds(stage: Stage) -> None:
    air = stage.on_air(VIDEO, AUDIO)
    air.send(65, audio=True)
    async with stage.viewer() as saver, stage.viewer() as late, stage.viewer() as full:
        data = await joined(saver, "opus", video=False)
        assert set(data["tracks"]) == {"a"}
        assert data["part_ms"] == 400
        assert data["still"]["t"] == 60 * FRAME
        assert data["still"]["codec"] == "avc1.42e01f"
        assert data["still"]["init"] == (await joined(full, "opus"))["tracks"]["v"]["init"]
        air.send(30, audio=True)
        first = await parts(saver, 2)
        second = (await joined(late, "opus", video=False))["parts"]
        air.send(640, audio=True)
        got = data["parts"] + first + await parts(saver, 50)
        assert all("v" not in part and "init" not in part and part["key"] for part in got)
        assert [part["still"]["t"] // FRAME for part in got if "still" in part] == [360, 660]
        samples = [unit for part in got for unit in fragments.units(part["a"], "a")]
        steps = {after.dts - before.dts for before, after in pairwise(samples)}
        assert steps == {1_600}
        # Who joins later is given the newest parts whole, and then exactly what follows them.
        assert [part["n"] for part in second] == [part["n"] for part in (data["parts"] + first)][
            -3:
        ]
        assert (await late.publication())["n"] == got[len(data["parts"]) + 2]["n"]


async def test_the_data_savers_still_decodes_by_itself(stage: Stage) -> None:
    """The test card: init and still put together, read by libav; and the sound, the same way."""
    card = testcard.play(stage.streams.get("alef"), audio="opus", width=384, height=240)
    playing = asyncio.ensure_future(card)
    async with stage.viewer() as viewer:
        await until(lambda: stage.streams.get("alef").state is StreamState.LIVE)
        data = await joined(viewer, "opus", video=False)
        got = data["parts"] + await parts(viewer, 3)
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)
    still = data["still"]["init"] + data["still"]["v"]
    with av.open(io.BytesIO(still), "r") as container:
        pictures = list(container.decode(container.streams.video[0]))
    assert [(one.width, one.height) for one in pictures] == [(384, 240)]
    sound = b"".join([data["tracks"]["a"]["init"], *(part["a"] for part in got)])
    with av.open(io.BytesIO(sound), "r") as container:
        frames = list(container.decode(container.streams.audio[0]))
    assert len(frames) > 50


async def test_aac_is_given_to_who_asks_for_it_whatever_was_published(stage: Stage) -> None:
    """The card's Opus as AAC, with the pictures and as the data saver; both decode."""
    card = testcard.play(stage.streams.get("alef"), audio="opus", width=384, height=240)
    playing = asyncio.ensure_future(card)
    async with stage.viewer() as full, stage.viewer() as saver, stage.viewer() as opus:
        await until(lambda: stage.streams.get("alef").state is StreamState.LIVE)
        assert (await joined(opus, "opus"))["tracks"]["a"]["codec"] == "opus"
        for viewer, video in ((full, True), (saver, False)):
            data = await joined(viewer, "aac", video=video)
            assert data["tracks"]["a"]["codec"] == "mp4a.40.2"
            got = data["parts"] + await parts(viewer, 30 if video else 3)
            sound = [data["tracks"]["a"]["init"], *(part["a"] for part in got if "a" in part)]
            with av.open(io.BytesIO(b"".join(sound)), "r") as container:
                frames = list(container.decode(container.streams.audio[0]))
            assert len(frames) > 15
            assert frames[0].sample_rate == 48_000
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)


async def test_the_data_saver_of_a_silent_stream_is_stills_alone(stage: Stage) -> None:
    air = stage.on_air()
    air.send(10)
    async with stage.viewer() as viewer:
        data = await joined(viewer, "opus", video=False)
        assert (data["tracks"], data["parts"]) == ({}, [])
        assert data["still"]["t"] == 0
        air.send(600)
        got = await parts(viewer, 1)
        assert set(got[0]) == {"n", "t", "key", "still"}
        assert got[0]["still"]["t"] == 300 * FRAME


async def test_a_slow_data_saver_is_told_and_still_gets_the_newest_still(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Ten seconds of media time a turn, in no time: the relay would take it for a broken clock.
    monkeypatch.setattr("streamd.relay.timeline.AHEAD_SECONDS", 60.0)
    air = stage.on_air(VIDEO, AUDIO, size=300_000)
    air.send(1, audio=True)
    async with stage.viewer() as slow:
        await joined(slow, "opus", video=False)
        slow.socket.transport.pause_reading()
        # Its stills alone fill everything between here and there.
        for _ in range(40):
            air.count += 300
            air.count -= air.count % 30
            air.send(25, audio=True)
            await asyncio.sleep(0)
        assert stage.gateway.counted("skipped_parts_total") > 0
        slow.socket.transport.resume_reading()
        seen: list[dict[str, Any]] = []
        while not seen or "skipped" not in seen[-1]:
            air.send(1, audio=True)
            seen.append(await slow.publication())
        assert "still" in seen[-1]
        assert set(seen[-1]["init"]) == {"a"}


async def test_the_tail_of_the_sound_is_sent_though_nothing_follows(stage: Stage) -> None:
    air = stage.on_air(VIDEO, AUDIO)
    air.send(1, audio=True)
    async with stage.viewer() as viewer:
        await joined(viewer, "opus", video=False)
        air.send(3, audio=True)
        last = await viewer.publication()
        assert fragments.units(last["a"], "a")[-1].dts == 2 * 1_600
