"""WHEP sessions with aiortc as the viewer: what it is sent, what it is refused, how it ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import numpy as np
import pytest
from aiortc.rtp import RtcpByePacket

from streamd import config
from streamd.errors import MalformedOffer
from streamd.media.opus import packet_samples
from streamd.media.testcard_picture import read_clock
from streamd.relay import file_ingest
from streamd.relay.lifecycle import StreamState
from streamd.relay.notices import NoticeCode
from streamd.webrtc import viewer_transport, whep
from streamd.webrtc.errors import StaleSession, UnknownSession
from streamd.webrtc.viewer_life import ViewerState
from streamd.webrtc.whep_errors import (
    BFrames,
    NotLive,
    ProfileMissing,
    TooManyViewers,
)
from streamd.webrtc.whep_session import WhepSession
from tests.relay.recording import BIG_BUCK_BUNNY, BIKES, CARPHONE
from tests.webrtc.whep_client import WhepClient, whep_client
from tests.webrtc.whep_sdp import VIDEO, offer
from tests.webrtc.whep_server import WhepServer, whep_server
from tests.webrtc.whip_server import until

OPEN = config.WebRtc()


async def watch(server: WhepServer, client: WhepClient) -> WhepSession:
    """Negotiates and waits for the first picture."""
    session = await server.sessions.watch(server.stream, await client.offer())
    await client.accept(session.description)
    await until(lambda: bool(client.pictures))
    return session


async def test_a_foreign_viewer_sees_and_hears() -> None:
    async with whep_server(OPEN) as server, server.card(), whep_client() as client:
        session = await watch(server, client)
        assert "a=sendonly" in session.description
        assert session.state is ViewerState.WATCHING
        await until(lambda: len(client.pictures) > 40 and len(client.sounds) > 40)
        await until(lambda: session.viewer is not None and session.viewer.round_trip is not None)
        frame = client.pictures[-1]
        assert (frame.width, frame.height) == (640, 360)
        clock = server.egress.clock
        ticks = (client.packets[-1].timestamp - clock.zero("v")) & 0xFFFFFFFF
        assert abs(clock.origin + ticks / 90_000 - time.time()) < 5
        await client.close()
        await until(lambda: len(server.sessions) == 0)
        assert session.reason == "the viewer left"
        assert server.egress.total().packets > 80
        assert server.stream.state is StreamState.LIVE


@pytest.mark.parametrize(("line", "pairs"), [("a=maxptime:20", False), ("a=maxptime:60", True)])
async def test_sound_comes_in_pairs_to_who_takes_them(line: str, pairs: bool) -> None:
    async with whep_server(OPEN) as server, server.card(), whep_client() as client:
        offer = (await client.offer()).replace("a=rtpmap:96 opus", f"{line}\r\na=rtpmap:96 opus")
        assert line in offer
        session = await server.sessions.watch(server.stream, offer)
        await client.accept(session.description)
        await until(lambda: len(client.sounds) > 20)
        assert session.viewer is not None
        assert session.viewer.pairs is pairs
        sent = {
            packet_samples(packets.payloads[0]) for packets in session.viewer._histories["a"]._kept
        }
        # One whose other half came late may be among them.
        assert (1_920 in sent) is pairs
        assert pairs or sent == {960}


async def test_reports_give_each_picture_and_each_tone_its_time_of_capture() -> None:
    async with whep_server(OPEN) as server, server.card(), whep_client() as client:
        await watch(server, client)
        await until(lambda: len(client.pictures) > 60 and len(client.sounds) > 190)
        errors = []
        # The first ones are the replay, whose timestamps are pressed together.
        for frame in client.pictures[-30:]:
            luma, shape = frame.to_ndarray(format="gray"), (frame.width, frame.height)
            clock = read_clock(luma.tobytes(), luma.shape[1], *shape)
            assert clock is not None
            assert frame.pts is not None
            errors.append(client.captured("video", frame.pts, 90_000) - clock / 1_000)
        assert max(map(abs, errors)) < 0.005, errors
        # The first may have begun before the viewer came.
        tones = list(tone_starts(client))[1:]
        assert len(tones) >= 2
        print("tone after the whole second, ms:", [round(1_000 * one) for one in tones])
        assert max(map(abs, tones)) < 0.04


def tone_starts(client: WhepClient) -> Iterator[float]:
    """Seconds from the nearest whole second to the start of each tone."""
    loud_until = -1.0
    for frame in client.sounds:
        assert frame.pts is not None
        level = np.abs(frame.to_ndarray().reshape(-1, 2).astype(np.int32)).max(axis=1)
        start = client.captured("audio", frame.pts, 48_000)
        loud = np.flatnonzero(level > 2_000)
        if loud.size and start > loud_until + 0.3:
            at = start + loud[0] / 48_000
            yield at - round(at)
        if loud.size:
            loud_until = start


async def test_a_dropped_packet_is_sent_again() -> None:
    async with whep_server(OPEN) as server, server.card(), whep_client(sound=False) as client:
        session = await watch(server, client)
        await until(lambda: len(client.pictures) > 10)
        lost: list[bytes] = []

        def lose(datagram: bytes) -> bool:
            if len(lost) < 3 and len(datagram) > 60:
                lost.append(datagram)
                return True
            return False

        client.lose = lose
        assert session.viewer is not None
        counters = session.viewer.counters
        await until(lambda: counters.repeated >= 3)
        before = len(client.pictures)
        await until(lambda: len(client.pictures) > before + 25)
        assert counters.unrepeatable == 0


async def test_a_keyframe_comes_when_asked_for() -> None:
    async with whep_server(OPEN) as server, server.card(), whep_client(sound=False) as client:
        session = await watch(server, client)
        assert session.viewer is not None
        counters = session.viewer.counters
        await asyncio.sleep(1.1)
        before = counters.replays
        await client.ask_for_keyframe()
        await until(lambda: counters.replays == before + 1)
        shown = len(client.pictures)
        await until(lambda: len(client.pictures) > shown + 25)


async def test_one_stuck_viewer_hinders_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    # The viewers ask every second instead of every five.
    monkeypatch.setattr("aioice.ice.CONSENT_INTERVAL", 1)
    monkeypatch.setattr(viewer_transport, "CONSENT_SECONDS", 4.0)
    async with (
        whep_server(OPEN) as server,
        server.card(),
        whep_client() as stuck,
        whep_client() as client,
    ):
        first = await watch(server, stuck)
        second = await watch(server, client)
        stuck.fall_silent()
        before = len(client.pictures)
        await until(lambda: bool(first.reason))
        assert first.reason == "the viewer fell silent"
        assert len(client.pictures) > before + 40
        assert second.state is ViewerState.WATCHING
        await until(lambda: server.egress.viewers() == (second.viewer,))


async def test_goodbye_and_rubbish() -> None:
    async with whep_server(OPEN) as server, server.card(), whep_client() as client:
        session = await watch(server, client)
        await client.send_raw(b"\x81\xc8\xff\xff" + bytes(8))
        before = len(client.pictures)
        await until(lambda: len(client.pictures) > before + 10)
        await client.send_raw(bytes(RtcpByePacket([1])))
        await until(lambda: session.state is ViewerState.ENDED)


async def test_a_counter_offer_is_answered() -> None:
    async with whep_server(OPEN) as server, server.card(), whep_client(codec="video/VP8") as old:
        session = await server.sessions.watch(server.stream, await old.offer())
        assert session.countered
        assert session.state is ViewerState.OFFERED
        with pytest.raises(MalformedOffer):
            session.accept("v=0\r\n")
        async with whep_client() as client:
            session.accept(await client.answer(session.description))
            await until(lambda: len(client.pictures) > 5 and len(client.sounds) > 5)
            with pytest.raises(UnknownSession):
                session.accept(await old.offer())


async def test_a_session_ends_with_the_broadcast_and_not_while_it_waits() -> None:
    async with whep_server(OPEN) as server, whep_client(sound=False) as client:
        async with server.card():
            session = await watch(server, client)
            server.stream.take_over("a test")
            assert server.stream.state is StreamState.STALLED
            await asyncio.sleep(0.2)
            assert session.state is ViewerState.WATCHING
        before = len(client.pictures)
        async with server.card():
            await until(lambda: len(client.pictures) > before + 5)
            assert server.stream.gen == 2
            assert session.state is ViewerState.WATCHING
        await until(lambda: session.state is ViewerState.ENDED)
        assert session.reason == "the broadcast ended"


async def test_nobody_broadcasts() -> None:
    async with whep_server() as server:
        with pytest.raises(NotLive) as refusal:
            await server.sessions.watch(server.stream, offer())
        assert refusal.value.retry_after > 0
        assert server.sessions.refused == {"NotLive": 1}


async def test_places_are_bounded_and_offers_nobody_follows_up_give_theirs_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with whep_server(config.WebRtc(host="127.0.0.1", viewers=2)) as server, server.card():
        first = await server.sessions.watch(server.stream, offer())
        await server.sessions.watch(server.stream, offer())
        with pytest.raises(TooManyViewers):
            await server.sessions.watch(server.stream, offer())
        monkeypatch.setattr(whep, "UNCONNECTED_SECONDS", 0.0)
        await server.sessions.watch(server.stream, offer())
        await until(lambda: first.state is ViewerState.ENDED)
        assert len(server.sessions) == 2
        await server.sessions.close()
        assert len(server.sessions) == 0
        with pytest.raises(TooManyViewers):
            await server.sessions.watch(server.stream, offer())


@asynccontextmanager
async def clip(server: WhepServer, path: object) -> AsyncIterator[None]:
    playing = asyncio.create_task(file_ingest.play(path, server.stream))  # type: ignore[arg-type]
    try:
        await until(lambda: bool(server.sessions.egresses()) and server.egress.on_air)
        yield
    finally:
        playing.cancel()
        await asyncio.wait([playing])


@pytest.mark.parametrize("path", [BIKES, CARPHONE], ids=["bikes", "carphone"])
async def test_b_frames_are_refused_and_the_broadcaster_is_told(path: object) -> None:
    async with whep_server() as server, clip(server, path):
        await until(lambda: server.egress.pictures.reordered)
        with pytest.raises(BFrames):
            await server.sessions.watch(server.stream, offer())
        assert NoticeCode.B_FRAMES in {one.code for one in server.stream.notices}


async def test_who_joined_before_the_first_b_frame_is_told_to_leave() -> None:
    async with whep_server() as server, server.card():
        session = await server.sessions.watch(server.stream, offer())
        server.egress.pictures.reordered = True
        session.check_tracks()
        assert session.state is ViewerState.ENDED
        assert "B-frames" in session.reason


async def test_aac_is_heard_and_converted_only_for_who_watches() -> None:
    async with whep_server(OPEN) as server, server.card(audio="aac"), whep_client() as client:
        await until(lambda: "a" in server.egress.tracks)
        assert server.egress.tracks["a"].codec == "opus"
        assert not server.egress.converts
        session = await watch(server, client)
        await until(lambda: len(client.sounds) > 190 and len(client.pictures) > 40)
        assert server.egress.converts
        # The first may have begun before the viewer came.
        tones = list(tone_starts(client))[1:]
        assert len(tones) >= 2
        assert max(map(abs, tones)) < 0.04
        await client.close()
        await until(lambda: len(server.sessions) == 0 and not server.egress.converts)
        assert session.reason == "the viewer left"


async def test_main_profile_and_surround_sound() -> None:
    baseline = offer(VIDEO.replace("64001f", "42e01f"), audio=None)
    async with whep_server() as server, clip(server, BIG_BUCK_BUNNY):
        with pytest.raises(ProfileMissing, match="Main"):
            await server.sessions.watch(server.stream, baseline)
        told = {one.code: one.facts for one in server.stream.notices}
        assert told[NoticeCode.PROFILE]["profile"] == "Main"
        await until(lambda: "a" in server.egress.tracks)
        session = await server.sessions.watch(server.stream, offer())
        assert "profile-level-id=64" in session.description
        assert "opus/48000/2" in session.description


async def test_ice_restarts_as_in_whip() -> None:
    async with whep_server() as server, server.card():
        session = await server.sessions.watch(server.stream, offer())
        before = session.etag
        candidate = "a=mid:0\r\na=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host\r\n"
        assert session.patch(candidate, before) is None
        fresh = "a=ice-ufrag:newufrag\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=mid:0\r\n"
        restart = session.patch(fresh, '"*"')
        assert restart is not None
        assert restart.etag == session.etag != before
        assert "a=ice-lite" in restart.fragment
        assert f"m=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:{0}" in restart.fragment
        with pytest.raises(StaleSession):
            session.patch(candidate, before)
        await server.sessions.delete(session.id)
        with pytest.raises(UnknownSession):
            server.sessions.get(session.id)
        with pytest.raises(UnknownSession):
            session.patch(candidate, session.etag)
