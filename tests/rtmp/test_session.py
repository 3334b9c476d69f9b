"""Sessions over real sockets: what encoders are told, and what becomes of the stream."""

from __future__ import annotations

import asyncio

import pytest

from streamd.media import h264
from streamd.relay.lifecycle import StreamState
from streamd.relay.notices import NoticeCode
from streamd.rtmp import session as session_module
from streamd.rtmp.chunks import ChunkReader, Message
from streamd.rtmp.commands import MessageType, command, control
from streamd.rtmp.protocol import MESSAGES_AT_ONCE
from tests.polling.conftest import Server as StoreServer
from tests.rtmp.encoder import (
    Encoder,
    audio,
    connect,
    connected,
    metadata,
    publish,
    publishing,
    video,
)
from tests.rtmp.media import encoded_audio, encoded_video, legacy, sound
from tests.rtmp.rtmp_server import Ground, listening, units_of, until

VIDEO = encoded_video()
AUDIO = encoded_audio()


def send_start(encoder: Encoder) -> None:
    encoder.send(
        metadata(videocodecid=7.0, audiocodecid=10.0),
        audio(0, AUDIO.header),
        video(0, VIDEO.header),
        video(0, legacy(VIDEO.pictures[0])),
        audio(0, sound(AUDIO.frames[0])),
        video(40, legacy(VIDEO.pictures[1])),
    )


async def on_air(ground: Ground) -> None:
    await until(lambda: ground.stream.state is StreamState.LIVE)


async def test_a_broadcast_that_ends_in_good_order_has_ended(valkey: StoreServer) -> None:
    async with listening(valkey) as ground, units_of(ground.stream) as output:
        async with publishing(ground.server.port, f"alef?key={ground.key}") as encoder:
            send_start(encoder)
            await on_air(ground)
            assert ground.stream.source == "rtmp"
            encoder.send(command("FCUnpublish", 6.0, None, "alef"))
            encoder.send(command("deleteStream", 7.0, None, 1))
            assert (await encoder.status())["code"] == "NetStream.Unpublish.Success"
            assert ground.stream.state is StreamState.ENDED
            encoder.send(publish(f"alef?key={ground.key}"))
            assert (await encoder.status())["code"] == "NetStream.Publish.Start"
            send_start(encoder)
            await on_air(ground)
        await until(lambda: len(output.of("v")) == 4)
        assert [unit.payload for unit in output.of("v")[:2]] == [
            picture.avcc for picture in VIDEO.pictures[:2]
        ]
        assert not ground.codes()


async def test_a_line_that_breaks_leaves_the_stream_waiting(valkey: StoreServer) -> None:
    async with listening(valkey) as ground:
        async with publishing(ground.server.port, f"alef?key={ground.key}") as encoder:
            send_start(encoder)
            await on_air(ground)
            encoder.writer.transport.abort()
        await until(lambda: ground.stream.state is StreamState.STALLED)
        async with publishing(ground.server.port, ground.key) as encoder:
            send_start(encoder)
            await on_air(ground)


@pytest.mark.parametrize("name", ["alef?key=sk_wrong", "sk_wrong", "alef", "", "other?key={key}"])
async def test_wrong_keys_are_answered_slowly_and_with_a_sentence(
    valkey: StoreServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(session_module, "FAILURE_SECONDS", 0.2)
    async with listening(valkey) as ground:
        loop = asyncio.get_running_loop()
        async with connected(ground.server.port) as encoder:
            asked = loop.time()
            encoder.send(connect(), publish(name.format(key=ground.key)))
            status = await encoder.status()
            assert loop.time() - asked >= session_module.FAILURE_SECONDS
            assert (status["level"], status["code"]) == ("error", "NetStream.Publish.Denied")
            assert "key" in status["description"]
            assert ground.key not in status["description"]
            await encoder.ends()
        assert ground.stream.state is StreamState.IDLE
        assert not ground.codes(), "a stranger cannot fill the studio"


async def test_the_headquarters_key_names_its_stream(
    valkey: StoreServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "FAILURE_SECONDS", 0.2)
    async with listening(valkey) as ground:
        key, _ = await ground.keys.add(None)
        async with publishing(ground.server.port, f"alef?key={key}"):
            assert ground.stream.source == "rtmp"
        async with connected(ground.server.port) as encoder:
            encoder.send(connect(), publish(key))
            assert "name the stream" in (await encoder.status())["description"]
        async with connected(ground.server.port) as encoder:
            encoder.send(connect(), publish(f"nowhere?key={key}"))
            status = await encoder.status()
            assert status["code"] == "NetStream.Publish.BadName"
            assert "no stream" in status["description"]


async def test_a_key_made_while_running_brings_its_stream(valkey: StoreServer) -> None:
    async with listening(valkey) as ground:
        key, _ = await ground.keys.add("be")
        async with publishing(ground.server.port, key):
            assert ground.streams.get("be").source == "rtmp"


async def test_a_place_that_is_taken_and_taking_it_over(valkey: StoreServer) -> None:
    async with (
        listening(valkey) as ground,
        publishing(ground.server.port, ground.key) as first,
    ):
        send_start(first)
        await on_air(ground)
        async with connected(ground.server.port) as second:
            second.send(connect(), publish(f"alef?key={ground.key}"))
            status = await second.status()
            assert status["code"] == "NetStream.Publish.BadName"
            assert "takeover=1" in status["description"]
            await second.ends()
        assert ground.stream.state is StreamState.LIVE
        async with publishing(ground.server.port, f"alef?key={ground.key}&takeover=1") as third:
            assert "took over" in (await first.status())["description"]
            await first.ends()
            send_start(third)
            await on_air(ground)


async def test_a_silent_publisher_gives_way(
    valkey: StoreServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamd.rtmp.server.GONE_SECONDS", 0.0)
    async with (
        listening(valkey) as ground,
        publishing(ground.server.port, ground.key) as gone,
    ):
        send_start(gone)
        await on_air(ground)
        async with publishing(ground.server.port, ground.key) as back:
            await gone.ends()
            send_start(back)
            await on_air(ground)


async def test_nobody_dawdles_before_publishing(valkey: StoreServer) -> None:
    async with listening(valkey, handshake_seconds=0.3) as ground:
        async with connected(ground.server.port) as encoder:
            encoder.send(connect())
            await encoder.ends()
        reader, writer = await asyncio.open_connection("127.0.0.1", ground.server.port)
        assert await asyncio.wait_for(reader.read(), 20) == b""
        writer.close()
        await until(lambda: len(ground.server) == 0)


async def test_a_publisher_that_falls_silent_is_disconnected(valkey: StoreServer) -> None:
    async with (
        listening(valkey, idle_seconds=0.5) as ground,
        publishing(ground.server.port, ground.key) as encoder,
    ):
        send_start(encoder)
        await on_air(ground)
        await encoder.ends()
        assert ground.stream.state is StreamState.STALLED


async def test_high_10_and_4_2_2_are_refused_with_the_setting_to_change(
    valkey: StoreServer,
) -> None:
    for profile, pixels, code, said in (
        ("high10", "yuv420p10le", NoticeCode.PROFILE, "High 10"),
        ("high422", "yuv422p", NoticeCode.CHROMA, "4:2:2"),
    ):
        made = encoded_video(profile=profile, pixels=pixels)
        async with (
            listening(valkey) as ground,
            publishing(ground.server.port, ground.key) as encoder,
        ):
            encoder.send(metadata(videocodecid=7.0))
            encoder.send(video(0, made.header), video(0, legacy(made.pictures[0])))
            status = await encoder.status()
            assert (status["level"], status["code"]) == ("error", "NetStream.Publish.Rejected")
            assert said in status["description"]
            assert code in ground.codes()
            await encoder.ends()
            assert ground.stream.source is None


async def test_hevc_is_refused(valkey: StoreServer) -> None:
    async with (
        listening(valkey) as ground,
        publishing(ground.server.port, ground.key) as encoder,
    ):
        encoder.send(video(0, b"\x90hvc1" + bytes(30)))
        assert "H.265" in (await encoder.status())["description"]
        assert NoticeCode.REFUSED in ground.codes()


async def test_mp3_leaves_the_picture_on_air(valkey: StoreServer) -> None:
    async with (
        listening(valkey) as ground,
        publishing(ground.server.port, ground.key) as encoder,
    ):
        encoder.send(
            metadata(videocodecid=7.0, audiocodecid=2.0),
            audio(0, b"\x2f" + bytes(200)),
            video(0, VIDEO.header),
            video(0, legacy(VIDEO.pictures[0])),
        )
        await on_air(ground)
        assert ground.codes() >= {NoticeCode.AUDIO_UNSUPPORTED}


async def test_a_picture_that_lies_about_its_nals_is_told_and_the_next_keyframe_plays(
    valkey: StoreServer,
) -> None:
    async with (
        listening(valkey) as ground,
        units_of(ground.stream) as output,
        publishing(ground.server.port, ground.key) as encoder,
    ):
        send_start(encoder)
        encoder.send(video(80, b"\x27\x01\0\0\0\x7f\xff\xff\xff" + bytes(9)))
        encoder.send(video(120, legacy(VIDEO.pictures[3])))
        encoder.send(video(160, legacy(VIDEO.pictures[10])))
        await until(lambda: len(output.of("v")) == 3)
        assert [unit.key for unit in output.of("v")] == [True, False, True]
        assert ground.codes() == {NoticeCode.BROKEN_INPUT}
        assert ground.stream.state is StreamState.LIVE


@pytest.mark.parametrize(
    ("wire", "said"),
    [
        (b"\x06\0\0\0\xff\xff\xff\x09\x01\0\0\0", "16777215 bytes"),
        (b"\x06\0\0\0\0\x01\x2c\x09\x01\0\0\0" + bytes(128) + b"\x06" + bytes(40), "cut short"),
        (b"\xc9", "repeats a header"),
        (b"\x02\0\0\0\0\0\x04\x01\0\0\0\0\0\0\0\0", "chunk size"),
        (b"\x02\0\0\0\0\0\x02\x01\0\0\0\0\0\0", "cut off"),
    ],
    ids=["message too long", "message cut short", "no header", "chunk size 0", "control cut"],
)
async def test_lies_about_sizes_end_the_connection_and_not_the_stream(
    valkey: StoreServer, wire: bytes, said: str
) -> None:
    async with listening(valkey) as ground:
        async with publishing(ground.server.port, ground.key) as encoder:
            send_start(encoder)
            await on_air(ground)
            encoder.writer.write(wire)
            status = await encoder.status()
            assert said in status["description"]
            await encoder.ends()
        assert ground.stream.state is StreamState.STALLED
        assert ground.codes() == {NoticeCode.BROKEN_INPUT}
        async with publishing(ground.server.port, ground.key) as encoder:
            send_start(encoder)
            await on_air(ground)


async def test_an_encoder_that_goes_on_sending_still_reads_why_it_was_refused(
    valkey: StoreServer,
) -> None:
    async with (
        listening(valkey) as ground,
        publishing(ground.server.port, ground.key) as encoder,
    ):
        encoder.send(video(0, b"\x1c" + bytes(30)))
        for n in range(200):
            encoder.send(video(40 * n, bytes(2_000)))
        assert (await encoder.status())["code"] == "NetStream.Publish.Rejected"


@pytest.mark.parametrize("on_air_first", [False, True], ids=["stranger", "key holder"])
async def test_messages_of_a_byte_do_not_keep_others_waiting(
    valkey: StoreServer, monkeypatch: pytest.MonkeyPatch, on_air_first: bool
) -> None:
    taken = most = 0
    take_next = ChunkReader.next

    def counted(self: ChunkReader) -> Message | None:
        nonlocal taken
        taken += 1
        return take_next(self)

    async def turns() -> None:
        nonlocal taken, most
        while True:
            most, taken = max(most, taken), 0
            await asyncio.sleep(0)

    async with listening(valkey) as ground, connected(ground.server.port) as encoder:
        if on_air_first:
            encoder.send(connect(), publish(ground.key))
            await encoder.status()
        monkeypatch.setattr(ChunkReader, "next", counted)
        others = asyncio.create_task(turns())
        encoder.writer.write(b"\x05\0\0\0\0\0\0\x08\1\0\0\0" + b"\xc5" * 60_000)
        encoder.send(command("deleteStream", 7.0, None, 1))
        if on_air_first:
            assert (await encoder.status())["code"] == "NetStream.Unpublish.Success"
        else:
            await encoder.ends()
        others.cancel()
    assert 0 < most <= 4 * MESSAGES_AT_ONCE


async def test_windows_of_acknowledgement_are_kept(valkey: StoreServer) -> None:
    async with (
        listening(valkey) as ground,
        publishing(ground.server.port, ground.key) as encoder,
    ):
        encoder.send(control(MessageType.WINDOW, 5_000))
        send_start(encoder)
        for n in range(2, 30):
            encoder.send(audio(21 * n, sound(bytes(400))))
        while not encoder.acknowledgements:
            assert await encoder.read()
        assert encoder.acknowledgements[0] >= 5_000


async def test_pictures_without_a_keyframe_are_told_of(valkey: StoreServer) -> None:
    async with (
        listening(valkey) as ground,
        publishing(ground.server.port, ground.key) as encoder,
    ):
        encoder.send(metadata(videocodecid=7.0), video(0, VIDEO.header))
        for at in range(0, 10_000, 40):
            encoder.send(video(at, legacy(VIDEO.pictures[1])))
        encoder.send(audio(9_999, b"\x2f" + bytes(200)))
        await until(lambda: NoticeCode.AUDIO_UNSUPPORTED in ground.codes())
        assert NoticeCode.NO_KEYFRAME not in ground.codes()
        encoder.send(video(10_000, legacy(VIDEO.pictures[1])))
        await until(lambda: NoticeCode.NO_KEYFRAME in ground.codes())
        encoder.send(video(10_040, legacy(VIDEO.pictures[0])))
        await on_air(ground)
        assert NoticeCode.NO_KEYFRAME not in ground.codes()


async def test_an_encoder_without_keyframes_is_not_told_that_nothing_came(
    valkey: StoreServer,
) -> None:
    async with (
        listening(valkey) as ground,
        publishing(ground.server.port, ground.key) as encoder,
    ):
        encoder.send(video(0, VIDEO.header))
        for at in (0, 10_000):
            encoder.send(video(at, legacy(VIDEO.pictures[1])))
        await until(lambda: NoticeCode.NO_KEYFRAME in ground.codes())
        ground.stream.close()
        assert "no keyframe came" in (await encoder.status())["description"]


async def test_a_session_whose_time_is_just_up_can_be_ended(valkey: StoreServer) -> None:
    async with listening(valkey) as ground, connected(ground.server.port) as encoder:
        encoder.send(connect())
        while not encoder.answers:
            assert await encoder.read()
        session = next(iter(ground.server._sessions))
        loop = asyncio.get_running_loop()
        await until(lambda: session._deadline is not None)
        deadline = session._deadline
        assert deadline is not None
        deadline.reschedule(loop.time())
        ended: asyncio.Future[bool] = loop.create_future()

        def end() -> None:  # after the time was up, before the session's task knows it
            try:
                session.end("NetConnection.Connect.AppShutdown", "The server restarts.")
                ended.set_result(deadline.expired())
            except RuntimeError as error:
                ended.set_exception(error)

        loop.call_soon(end)
        assert await ended
        await encoder.ends()


async def test_the_relay_ends_a_broadcast(valkey: StoreServer) -> None:
    async with (
        listening(valkey) as ground,
        publishing(ground.server.port, ground.key) as encoder,
    ):
        send_start(encoder)
        await on_air(ground)
        ground.stream.close()
        assert "ended from the other side" in (await encoder.status())["description"]
        await encoder.ends()


def test_the_pictures_of_these_tests_are_what_they_say() -> None:
    assert [n for n, p in enumerate(VIDEO.pictures) if p.key] == [0, 10, 20]
    assert h264.parse_avcc(VIDEO.config).length_size == 4
