"""What time and trouble do to a publishing socket: deadlines, silence, a full house, the end."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from streamd.relay import frame_ingest
from streamd.relay.lifecycle import StreamState
from streamd.relay.stream import Stream
from streamd.web import publish_socket, publishing
from streamd.web.publishing import SOCKETS
from tests.media import frames
from tests.web.publish_door import Door, closed, hear, standing, until


async def test_a_hello_that_never_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish_socket, "HELLO_SECONDS", 0.1)
    async with standing() as door:
        socket = await door.connect(hello=False)
        assert (await hear(socket, "refused"))["slug"] == "bad_request"
        assert await closed(socket) == 4400


async def test_a_page_that_falls_silent_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    async with standing() as door:
        monkeypatch.setattr(publish_socket, "SILENCE_SECONDS", 1.0)
        socket = await door.live()
        # Without a reader this client answers no ping.
        await until(lambda: len(door.app[SOCKETS]) == 0)
        assert door.stream.state is StreamState.STALLED
        await socket.close()


async def test_a_silent_page_yields_to_another(monkeypatch: pytest.MonkeyPatch) -> None:
    async with standing() as door:
        first = await door.live()
        second = await door.connect()
        assert (await hear(second, "refused"))["slug"] == "already_publishing"
        monkeypatch.setattr(publish_socket, "YIELDS_SECONDS", 0.0)
        third = await door.connect()
        await hear(third, "welcome")
        assert (await hear(first, "ended"))["slug"] == "taken_over"
        assert await closed(first) == 4409


async def test_a_wished_keyframe_is_passed_on() -> None:
    async with standing() as door:
        socket = await door.live()
        door.stream.request_keyframe()
        await hear(socket, "keyframe")


async def test_a_publication_that_the_relay_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async with standing() as door:
        socket = await door.live()
        monkeypatch.setattr("streamd.relay.silence.STALL_SECONDS", 0.0)
        monkeypatch.setattr("streamd.relay.silence.END_SECONDS", 0.0)
        assert (await hear(socket, "ended"))["slug"] == "silent"
        assert await closed(socket) == 4408
        assert door.stream.state is StreamState.ENDED


async def test_places_are_counted() -> None:
    async with standing(publishers=1) as door:
        first = await door.live()
        second = await door.connect()
        assert (await hear(second, "refused"))["status"] == 503
        assert not first.closed


async def test_silent_sockets_lock_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "GREETING", 2)
    async with standing() as door:
        silent = [await door.connect(hello=False) for _ in range(4)]
        await hear(await door.connect(), "welcome")
        assert [await closed(socket) for socket in silent[:3]] == [1006] * 3
        await silent[3].send_json({"type": "hello", "v": 1, "key": "k", "takeover": True})
        await hear(silent[3], "welcome")


async def test_pictures_without_a_keyframe_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_ingest, "KEYLESS_SECONDS", 0.1)
    track, pictures = frames.clip()
    async with standing() as door:
        socket = await door.connect(audio=False)
        await socket.send_bytes(frames.video_description(track.config))
        await socket.send_bytes(frames.picture(pictures[1].payload, 0))
        await asyncio.sleep(0.2)
        await socket.send_bytes(frames.picture(pictures[2].payload, 200_000))
        await until(lambda: [one.code.value for one in door.stream.notices] == ["no_keyframe"])
        await socket.send_bytes(frames.picture(pictures[0].payload, 400_000, key=True))
        await until(lambda: not list(door.stream.notices))


async def test_b_frames_are_noticed_and_refused() -> None:
    track, pictures = frames.clip()
    async with standing() as door:
        socket = await door.connect(audio=False)
        await socket.send_bytes(frames.video_description(track.config))
        for place, at in enumerate((0, 80_000, 40_000)):
            key = place == 0
            await socket.send_bytes(frames.picture(pictures[place].payload, at, key=key))
        assert (await hear(socket, "refused"))["slug"] == "unsupported_media"
        assert await closed(socket) == 4415
        assert "b_frames" in [notice.code for notice in door.stream.notices]


async def test_an_oversized_message_ends_its_socket_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "MESSAGE_BYTES", 10_000)
    async with standing() as door:
        socket = await door.connect()
        await hear(socket, "welcome")
        await socket.send_bytes(bytes(20_000))
        assert await closed(socket) == 1009
        await hear(await door.connect(), "welcome")


async def test_at_the_end_pages_are_told_to_come_back() -> None:
    door = Door()
    await door.runner.setup()
    await web.TCPSite(door.runner, "127.0.0.1", 0).start()
    socket = await door.live()
    ending = asyncio.create_task(door.runner.cleanup())
    assert await closed(socket) == 1012
    await ending
    assert door.stream.state is StreamState.STALLED
    assert door.app[SOCKETS].closed
    await door.session.close()
    await door.streams.close()


async def test_a_stranger_is_read_no_further_than_a_hello_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(publishing, "CLOSE_SECONDS", 0.2)
    async with standing() as door:
        socket = await door.connect(hello=False)
        sending = asyncio.create_task(socket.send_bytes(bytes(3_000_000)))
        refused = await hear(socket, "refused")
        assert (refused["status"], refused["slug"]) == (400, "bad_request")
        assert await closed(socket) == 4400
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        assert door.stream.state is StreamState.IDLE


async def test_what_follows_the_hello_waits_for_the_key_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(publishing, "STRANGER_BYTES", 2_000)
    asked, answer = asyncio.Event(), asyncio.Event()

    async def slowly(*_: object) -> Stream:
        asked.set()
        await answer.wait()
        return door.stream

    monkeypatch.setattr(publishing, "stream_for_key", slowly)
    async with standing() as door:
        socket = await door.connect()
        sent = list(frames.broadcast())
        assert sum(map(len, sent)) > 10_000
        for message in sent:
            await socket.send_bytes(message)
        await asked.wait()
        assert door.stream.state is StreamState.IDLE
        answer.set()
        await until(lambda: door.stream.state is StreamState.LIVE)
        await socket.send_json({"type": "bye"})
        await until(lambda: door.stream.state is StreamState.ENDED)
        assert door.stream.health().dropped == 0
