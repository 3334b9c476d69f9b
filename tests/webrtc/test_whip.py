"""WHIP sessions with a publisher in the same process, and what the world does to them."""

from __future__ import annotations

import asyncio
import itertools
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from streamd import config
from streamd.errors import (
    AlreadyPublishing,
    MalformedOffer,
    NoAcceptableCodec,
    UnsupportedMedia,
)
from streamd.media.h264 import split_avcc
from streamd.relay.lifecycle import StreamState
from streamd.relay.notices import NoticeCode
from streamd.relay.stream import Stream
from streamd.webrtc import lite_agent, session_life, whip_session
from streamd.webrtc.errors import MuxFull, TooManyPublishers, UnknownSession
from streamd.webrtc.parameter_sets import picture_only
from streamd.webrtc.sdp import check_offer
from streamd.webrtc.session_life import SessionState
from streamd.webrtc.stun import binding_request
from streamd.webrtc.whip_session import WhipSession
from tests.relay.units import VIDEO, picture
from tests.webrtc.rtp_source import coded_pictures, coded_sounds
from tests.webrtc.whip_client import WhipClient, whip_client
from tests.webrtc.whip_server import Output, WhipServer, units_of, until, whip_server


@asynccontextmanager
async def publishing(
    server: WhipServer, *, sound: bool = True, loss: float = 0.0
) -> AsyncIterator[tuple[WhipClient, WhipSession, Stream, Output]]:
    stream, output = server.stream()
    async with whip_client(sound=sound, loss=loss) as client, units_of(stream, output):
        session = await server.sessions.publish(stream, await client.offer())
        await client.accept(session.answer_sdp)
        yield client, session, stream, output


def assert_source_in_order(output: Output) -> None:
    """The pictures are those of the source, byte for byte, none missing since the first."""
    source = [picture_only(nals) for nals in coded_pictures()]
    came = [split_avcc(unit.payload) for unit in output.of("v")]
    first = source.index(came[0])
    assert came == [source[(first + index) % len(source)] for index in range(len(came))]


async def test_pictures_and_sounds_come_out_byte_for_byte() -> None:
    async with whip_server() as server, publishing(server) as (_, session, stream, output):
        await until(lambda: output.seconds() > 2)
        assert session.state is SessionState.FLOWING
        assert stream.state is StreamState.LIVE
        assert stream.health().width == 320
        assert not [thread for thread in threading.enumerate() if "decoder" in thread.name]
    assert_source_in_order(output)
    sounds = coded_sounds()
    # Where the tracks were moved against each other, a stand-in of one byte fills the step.
    came = [unit.payload for unit in output.of("a") if len(unit.payload) > 1]
    first = sounds.index(came[0])
    assert came == [sounds[(first + index) % len(sounds)] for index in range(len(came))]
    assert {unit.duration for unit in output.of("a")} == {960}
    assert len(output.pictures()) >= len(output.of("v"))
    assert abs(output.of("a")[0].dts / 48_000) < 0.1


async def test_a_broadcast_without_sound_is_one_track() -> None:
    async with whip_server() as server, publishing(server, sound=False) as (*_, stream, output):
        await until(lambda: output.seconds() > 1)
        assert stream.health().audio_codec is None
    assert output.of("a") == []
    assert_source_in_order(output)


async def test_lost_packets_are_asked_for_again() -> None:
    async with (
        whip_server() as server,
        publishing(server, loss=0.05) as (client, session, _, output),
    ):
        await until(lambda: output.seconds() > 4)
        client.loss = 0.0
        figures = session.figures()
    assert figures.requested_packets > 0
    assert figures.lost_pictures == 0
    assert_source_in_order(output)
    sounds = output.of("a")
    assert figures.concealed_sounds > 0
    steps = [b.dts - a.dts for a, b in itertools.pairwise(sounds)]
    assert all(960 <= step < 2 * 960 for step in steps)
    assert sum(step != 960 for step in steps) <= len(figures.corrections)
    assert len(output.sound()[1]) == pytest.approx(len(sounds) * 960, abs=4 * 960)


async def test_what_cannot_be_had_again_is_skipped_to_the_next_keyframe() -> None:
    """Half of all packets are lost, retransmissions too."""
    async with whip_server() as server, publishing(server) as (client, session, _, output):
        await until(lambda: output.seconds() > 0.5)
        begun = asyncio.get_running_loop().time()
        client.loss = 0.5
        await until(lambda: session.figures().lost_pictures > 20)
        client.loss = 0.0
        before = len(output.of("v"))
        await until(lambda: len(output.of("v")) > before + 30)
        took = asyncio.get_running_loop().time() - begun
        figures = session.figures()
        assert session.state is SessionState.FLOWING
    assert figures.requested_keyframes <= took + 2
    assert figures.requested_packets > 10
    # Only whole pictures that can be decoded went through: each refers to the one before it.
    source = [picture_only(nals) for nals in coded_pictures()]
    places: set[int] = set()
    for unit in output.of("v"):
        same = {index for index, one in enumerate(source) if one == split_avcc(unit.payload)}
        places = same if unit.key else same & {place + 1 for place in places}
        assert places
    assert len(output.pictures()) >= len(output.of("v"))


async def test_a_refused_codec_is_told_to_the_broadcaster_too() -> None:
    async with whip_server() as server, whip_client() as client:
        stream = server.streams.add("s")
        offer = (await client.offer()).replace("H264/90000", "VP8/90000")
        with pytest.raises(NoAcceptableCodec):
            await server.sessions.publish(stream, offer)
        (notice,) = stream.notices
        assert notice.code is NoticeCode.REFUSED
        assert notice.facts == {"medium": "video", "codec": "VP8"}


async def test_media_that_the_relay_refuses_ends_the_session_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with capture_logs() as lines:
        await _refuse_its_media(monkeypatch)
    assert lines
    assert not [line for line in lines if "exc_info" in line]


async def _refuse_its_media(monkeypatch: pytest.MonkeyPatch) -> None:
    async with whip_server() as server, publishing(server) as (_, session, stream, output):
        await until(lambda: output.seconds() > 0.3)

        def refuse(_: object) -> None:
            raise UnsupportedMedia("The profile is High 10.")

        assert session._publisher is not None
        monkeypatch.setattr(session._publisher, "write", refuse)
        await until(lambda: len(server.sessions) == 0)
        assert session.reason == "its media could not be relayed: The profile is High 10."
        assert stream.state is StreamState.ENDED


async def test_stray_datagrams_do_not_end_a_session() -> None:
    async with whip_server() as server, publishing(server) as (client, session, _, output):
        await until(lambda: output.seconds() > 0.5)
        strays = [b"", bytes(1_501), b"\x80" * 1_501, b"\x80", b"\x80\xc8", b"\x80" + bytes(40)]
        strays += [b"\x90\x60" + bytes(1_498), b"\x16\xfe\xfd" + bytes(20), b"\x16", bytes(20)]
        strays += [
            b"\0\1\0\0\x21\x12\xa4\x42" + bytes(12),
            b"\0\1\xff\xff\x21\x12\xa4\x42",
            b"\xff",
        ]
        assert session._peer is not None
        ufrag = session._peer.carrier.local_username
        # Checks with the right ufrag and a wrong password, and a flood of unknown ones.
        strays.append(binding_request(bytes(12), f"{ufrag}:x", "p" * 32))
        strays += [binding_request(bytes(12), f"none{index}:x", "p" * 32) for index in range(20)]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for port in client.server_ports():
                for stray in strays * 20:
                    stranger.sendto(stray, ("127.0.0.1", port))
        await until(lambda: server.mux.dropped.total() >= 20 * 8)
        # The same from the publisher's own address: sizes are refused, the rest fails to decrypt.
        for own in client.own_sockets():
            with own:
                for port in client.server_ports():
                    for stray in strays:
                        own.sendto(stray, ("127.0.0.1", port))
        before = output.seconds()
        await until(lambda: output.seconds() > before + 1)
        assert session.figures().overflowed_datagrams == 0
        assert_source_in_order(output)


async def test_a_second_publisher_is_refused_and_the_first_goes_on() -> None:
    async with whip_server() as server, publishing(server) as (_, session, stream, output):
        await until(lambda: output.seconds() > 0.3)
        async with whip_client() as second:
            with pytest.raises(AlreadyPublishing):
                await server.sessions.publish(stream, await second.offer())
        with pytest.raises(MalformedOffer):
            await server.sessions.publish(stream, "v=0\r\nnonsense")
        before = output.seconds()
        await until(lambda: output.seconds() > before + 0.5)
        assert server.sessions.get(session.id) is session
        assert len(server.sessions) == 1


async def test_places_are_bounded() -> None:
    settings = config.WebRtc(port=0, publishers=1)
    async with (
        whip_server(settings) as server,
        publishing(server) as (_, session, _, _),
        whip_client() as second,
    ):
        offer = await second.offer()
        with pytest.raises(TooManyPublishers, match="1 broadcasts"):
            await server.sessions.publish(server.streams.add("other"), offer)
        await server.sessions.delete(session.id)
        await server.sessions.publish(server.streams.add("other"), offer)


async def test_viewers_wait_for_a_publisher_who_vanishes_and_stay_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session_life, "VANISHED_SECONDS", 1.0)
    async with whip_server() as server, publishing(server) as (client, session, stream, output):
        await until(lambda: output.seconds() > 0.3)
        client.vanish()
        await until(lambda: len(server.sessions) == 0)
        assert session.reason == "the peer vanished"
        assert stream.state.value == "stalled"
        with pytest.raises(UnknownSession):
            server.sessions.get(session.id)
        before = len(output.units)
        async with whip_client() as again:
            back = await server.sessions.publish(stream, await again.offer())
            await again.accept(back.answer_sdp)
            await until(lambda: len(output.units) > before + 30)
            assert stream.state.value == "live"
            await server.sessions.delete(back.id)
        assert stream.state is StreamState.ENDED


async def test_a_session_without_media_ends_no_stream_that_waits() -> None:
    async with whip_server() as server, whip_client() as client:
        stream = server.streams.add("s")
        lost = stream.publish("file")
        lost.announce([VIDEO])
        lost.write(picture(0, key=True))
        lost.lose()
        offer = await client.offer()
        session = await server.sessions.publish(stream, offer)
        await server.sessions.delete(session.id)
        assert stream.state is StreamState.STALLED
        for turns in range(4):
            opening = asyncio.create_task(server.sessions.publish(stream, offer))
            for _ in range(turns):
                await asyncio.sleep(0)
            opening.cancel()
            await asyncio.wait([opening])
            if not opening.cancelled():
                await server.sessions.delete(opening.result().id)
        assert stream.state is StreamState.STALLED
        assert stream.source is None


async def test_a_connection_that_the_mux_gives_up_is_lost_too() -> None:
    async with whip_server() as server, publishing(server) as (_, session, stream, output):
        await until(lambda: output.seconds() > 0.3)
        assert session._peer is not None
        session._peer.carrier.drop()
        await until(lambda: len(server.sessions) == 0)
        assert session.reason == "the connection broke off"
        assert stream.state is StreamState.STALLED


async def test_a_takeover_dismisses_the_publisher_and_keeps_the_viewers() -> None:
    async with whip_server() as server, publishing(server) as (client, first, stream, output):
        await until(lambda: output.seconds() > 0.3)
        async with whip_client() as second:
            with pytest.raises(MalformedOffer):
                await server.sessions.publish(stream, "v=0\r\nnonsense", takeover=True)
            assert first.state.value == "flowing"
            session = await server.sessions.publish(stream, await second.offer(), takeover=True)
            assert first.state is SessionState.ENDED
            assert first.reason == "the stream ended it"
            # close_notify reaches the first publisher at once.
            await until(lambda: client.state() == "closed", seconds=5)
            before = len(output.units)
            await second.accept(session.answer_sdp)
            await until(lambda: len(output.units) > before + 30)
            assert stream.state is StreamState.LIVE
            assert len(server.sessions) == 1


async def test_a_takeover_for_which_there_is_no_room_dismisses_nobody() -> None:
    settings = config.WebRtc(port=0, publishers=1)
    async with whip_server(settings) as server, publishing(server) as (_, first, stream, output):
        await until(lambda: output.seconds() > 0.3)
        other = server.streams.add("other")
        elsewhere = other.publish("file")
        async with whip_client() as second:
            offer = await second.offer()
            with pytest.raises(TooManyPublishers):
                await server.sessions.publish(other, offer, takeover=True)
            assert (elsewhere.closed, first.state) == (False, SessionState.FLOWING)
            elsewhere.close()
            server.mux._limit = 0
            with pytest.raises(MuxFull):
                await server.sessions.publish(stream, offer, takeover=True)
            assert first.state is SessionState.FLOWING
            server.mux._limit = 1
            session = await server.sessions.publish(stream, offer, takeover=True)
            assert (first.state, len(server.sessions)) == (SessionState.ENDED, 1)
            await server.sessions.delete(session.id)


async def test_sessions_that_end_together_are_all_waited_for() -> None:
    async with whip_server() as server, whip_client() as client:
        stream = server.streams.add("s")
        ended: list[str] = []

        async def carry(name: str) -> None:
            for _ in range(2):
                await asyncio.sleep(0)
            ended.append(name)
            del server.sessions._sessions[name], server.sessions._tasks[name]

        for name in ("one", "two"):
            session = WhipSession(name, stream, check_offer(await client.offer()), 2.0)
            session.end("over")
            server.sessions._sessions[name] = session
            server.sessions._tasks[name] = asyncio.create_task(carry(name))
        session = await server.sessions.publish(stream, await client.offer())
        assert ended == ["one", "two"]
        await server.sessions.delete(session.id)


async def test_a_goodbye_after_a_silence_leaves_the_stream_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session_life, "SILENCE_SECONDS", 0.3)
    async with whip_server() as server, publishing(server) as (client, session, stream, output):
        await until(lambda: output.seconds() > 0.3)
        client.loss = 1.0
        await until(lambda: session.state is SessionState.SILENT)
        await client.close()
        await until(lambda: len(server.sessions) == 0)
        assert session.reason != "the peer vanished"
        assert stream.state is StreamState.STALLED


async def test_a_repeated_restart_of_ice_that_was_given_up_begins_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with whip_server() as server, publishing(server) as (_, session, _, output):
        await until(lambda: output.seconds() > 0.3)
        asked = "a=ice-ufrag:new1\r\na=ice-pwd:" + "n" * 24 + "\r\n"
        first, again = (session.patch(asked, "*") for _ in range(2))
        assert first == again
        assert session._peer is not None
        monkeypatch.setattr(lite_agent, "RESTART_SECONDS", 0.0)
        assert session._peer.carrier.agent.expire(asyncio.get_running_loop().time())
        monkeypatch.undo()
        anew = session.patch(asked, "*")
        assert first is not None
        assert anew is not None
        assert anew.etag != first.etag
        assert session._peer.carrier.agent.restarted is not None
        assert session._peer.carrier.agent.restarted.ufrag in anew.fragment


async def test_a_restart_of_ice_moves_the_media_and_a_failed_one_changes_nothing() -> None:
    async with whip_server() as server, publishing(server) as (client, session, stream, output):
        await until(lambda: output.seconds() > 0.3)
        first = session.etag
        assert session._peer is not None
        carrier = session._peer.carrier
        old = carrier.agent.credentials
        restart = session.patch("a=ice-ufrag:newu\r\na=ice-pwd:" + "p" * 24 + "\r\n", "*")
        assert restart is not None
        assert restart.etag == session.etag != first
        again = session.patch("a=ice-ufrag:newu\r\na=ice-pwd:" + "p" * 24 + "\r\n", '"*"')
        assert again == restart
        assert f"a=ice-ufrag:{carrier.agent.newest.ufrag}" in restart.fragment
        # aiortc cannot restart, so it goes on with the old credentials: nothing is lost.
        before = output.seconds()
        await until(lambda: output.seconds() > before + 0.5)
        assert carrier.agent.credentials == old
        address = carrier.address
        with client.check(carrier.agent.newest) as moved:
            await until(lambda: carrier.address == moved)
        assert carrier.address != address
        assert stream.state is StreamState.LIVE
        assert_source_in_order(output)


async def test_the_line_to_the_publisher_is_measured() -> None:
    async with (
        whip_server() as server,
        publishing(server, loss=0.1) as (_, session, stream, output),
    ):
        await until(lambda: output.seconds() > 3)
        figures = [stream.health().link]
        await until(lambda: (link := stream.health().link) is not None and bool(link.loss_percent))
        figures.append(session.link())
    link = figures[-1]
    assert link is not None
    assert link.loss_percent is not None
    assert 0 < link.loss_percent < 60
    assert link.jitter_ms is not None
    assert 0 <= link.jitter_ms < 5_000


async def test_a_vanished_publisher_yields_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whip_session, "YIELDS_SECONDS", 0.5)
    async with whip_server() as server, publishing(server) as (client, first, stream, output):
        await until(lambda: output.seconds() > 0.3)
        client.vanish()
        await asyncio.sleep(0.7)
        async with whip_client() as next_one:
            session = await server.sessions.publish(stream, await next_one.offer())
            await next_one.accept(session.answer_sdp)
            assert first.state is SessionState.ENDED
            await until(lambda: session.state is SessionState.FLOWING)
            assert stream.gen >= 1


async def test_a_publisher_who_says_goodbye_ends_the_stream_at_once() -> None:
    async with whip_server() as server, publishing(server) as (client, session, stream, output):
        await until(lambda: output.seconds() > 0.3)
        await client.close()
        await until(lambda: stream.state is StreamState.ENDED, seconds=5)
        assert session.reason in ("the publisher left", "the connection ended")
        await until(lambda: len(server.sessions) == 0)


async def test_an_offer_that_is_never_taken_up_frees_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session_life, "CONNECT_SECONDS", 0.3)
    async with whip_server() as server, whip_client() as client:
        stream = server.streams.add("s")
        session = await server.sessions.publish(stream, await client.offer())
        await until(lambda: len(server.sessions) == 0)
        assert session.reason == "no connection came about"
        stream.publish("file").close()


async def test_a_cancelled_publish_leaves_nothing() -> None:
    async with whip_server() as server, whip_client() as client:
        stream = server.streams.add("s")
        offer = await client.offer()
        for turns in range(12):
            task = asyncio.create_task(server.sessions.publish(stream, offer))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                await server.sessions.delete(task.result().id)
            stream.publish("file").close()
            assert len(server.sessions) == 0


async def test_an_exception_in_the_tap_is_contained_and_logged_once() -> None:
    with capture_logs() as lines:
        await _break_the_tap()
    events = [line["event"] for line in lines]
    assert len([event for event in events if "could not be handled" in event]) == 1


async def _break_the_tap() -> None:
    async with whip_server() as server, publishing(server) as (_, session, _, output):
        await until(lambda: output.seconds() > 0.3)

        def broken(*_: object) -> None:
            raise RuntimeError("a defect in here")

        session._ingest.audio = broken  # type: ignore[method-assign,assignment]
        before = output.seconds()
        await until(lambda: output.seconds() > before + 0.5)
        assert session.state is SessionState.FLOWING


def rtp_packet(payload_type: int, ssrc: int, *, extension: bytes = b"") -> bytes:
    head = bytes((0x90 if extension else 0x80, 0x80 | payload_type)) + bytes(6)
    return head + ssrc.to_bytes(4, "big") + extension + b"\x41\x80"


async def test_malformed_packets_of_an_authenticated_peer_do_not_end_it() -> None:
    async with whip_server() as server, publishing(server) as (client, session, _, output):
        await until(lambda: output.seconds() > 0.3)
        payload_type = client.video_payload_type()
        for extension_id in range(1, 15):
            # A header extension of one byte, whatever its meaning wants (RFC 8285 §4.2).
            extension = b"\xbe\xde\x00\x01" + bytes((extension_id << 4, 0xFF, 0, 0))
            await client.send_raw(rtp_packet(payload_type, 7, extension=extension))
        for packet_type in range(200, 207):
            for body in (bytes(4), b"\xff" * 8, b"\xff" * 28):
                size = (len(body) // 4).to_bytes(2, "big")
                await client.send_raw(bytes((0x9F, packet_type)) + size + body)
        await client.send_raw(rtp_packet(payload_type, 8)[:13])
        await client.send_raw(rtp_packet(0, 9))
        before = output.seconds()
        await until(lambda: output.seconds() > before + 0.5)
        assert session.state is SessionState.FLOWING
        assert_source_in_order(output)


async def test_a_peer_that_sends_from_too_many_sources_has_to_go() -> None:
    async with whip_server() as server, publishing(server) as (client, session, stream, output):
        await until(lambda: output.seconds() > 0.3)
        for ssrc in range(1, 40):
            await client.send_raw(rtp_packet(client.video_payload_type(), ssrc))
        await until(lambda: stream.state is StreamState.ENDED)
        assert session.reason == "it sent from too many sources"


async def test_media_that_stops_makes_the_session_silent_and_the_stream_ends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session_life, "SILENCE_SECONDS", 0.3)
    async with whip_server() as server, publishing(server) as (client, session, stream, output):
        await until(lambda: output.seconds() > 0.3)
        client.loss = 1.0
        await until(lambda: session.state is SessionState.SILENT)
        client.loss = 0.0
        await until(lambda: session.state is SessionState.FLOWING)
        stream.close()
        await until(lambda: len(server.sessions) == 0)
        assert session.reason == "the stream ended it"


async def test_unknown_sessions_are_named_so() -> None:
    async with whip_server() as server:
        with pytest.raises(UnknownSession):
            await server.sessions.delete("no-such-session")
        await server.sessions.close()
        async with whip_client() as client:
            offer = await client.offer()
            with pytest.raises(TooManyPublishers, match="takes no broadcasts"):
                await server.sessions.publish(server.streams.add("s"), offer)


async def test_closing_waits_for_those_who_are_just_opening() -> None:
    async with whip_server() as server, whip_client() as client:
        stream = server.streams.add("s")
        opening = asyncio.create_task(server.sessions.publish(stream, await client.offer()))
        await asyncio.sleep(0)
        await server.sessions.close()
        with pytest.raises(TooManyPublishers):
            await opening
        assert len(server.sessions) == 0
        stream.publish("file").close()
