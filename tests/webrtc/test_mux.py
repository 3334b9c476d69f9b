"""The mux on a real socket: who is let in, who is answered, what goes out, and what floods do."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket

import pytest
from aioice.stun import parse_message

from streamd import config
from streamd.errors import ConfigError
from streamd.webrtc import mux as mux_module
from streamd.webrtc.errors import MuxFull
from streamd.webrtc.mux import Dropped, Mux
from streamd.webrtc.stun import binding_request
from tests.webrtc.mux_client import MEDIA, USE_CANDIDATE, Client, client, open_mux
from tests.webrtc.whip_server import until


async def test_a_check_is_answered_with_the_address_it_came_from_and_media_flows() -> None:
    async with open_mux() as mux:
        connection = mux.connection()
        with client(mux) as peer:
            peer.check(connection)
            answer = parse_message(await peer.recv())
            assert answer.attributes["XOR-MAPPED-ADDRESS"] == peer.socket.getsockname()
            assert answer.check_message_integrity(connection.local_password.encode())
            assert connection.address is None
            await peer.nominate(connection)
            await connection.connect()
            peer.send(MEDIA)
            async with asyncio.timeout(10):
                assert await connection.recv() == MEDIA
            await connection.send(b"\x16back")
            assert await peer.recv() == b"\x16back"


async def test_two_peers_on_one_port_get_their_own_datagrams() -> None:
    async with open_mux() as mux:
        connections = [mux.connection() for _ in range(2)]
        with client(mux) as one, client(mux) as other:
            for peer, connection in zip((one, other), connections, strict=True):
                await peer.nominate(connection)
            for number, peer in enumerate((one, other, other, one)):
                peer.send(MEDIA + bytes((number,)))
            async with asyncio.timeout(10):
                got = [[(await each.recv())[-1] for _ in range(2)] for each in connections]
            assert got == [[0, 3], [1, 2]]


async def test_what_belongs_to_nobody_is_dropped_and_counted() -> None:
    async with open_mux() as mux:
        connection = mux.connection()
        with client(mux) as peer, client(mux) as stranger:
            await peer.nominate(connection)
            stranger.send(b"")
            stranger.send(b"\x80" * 1_501)
            stranger.send(MEDIA)
            stranger.send(b"\x16\xfe\xfd" + bytes(20))
            stranger.send(b"\xff" * 20)
            stranger.send(b"\x40" * 20)
            stranger.send(bytes(20))
            stranger.send(binding_request(os.urandom(12), "nobody:here", "p" * 32))
            stranger.check(connection, USE_CANDIDATE, password="p" * 32)
            await until(lambda: mux.dropped.total() >= 9)
            assert mux.dropped == {
                Dropped.EMPTY: 1,
                Dropped.OVERSIZED: 1,
                Dropped.STRANGER: 2,
                Dropped.UNKNOWN_KIND: 2,
                Dropped.MALFORMED_CHECK: 1,
                Dropped.UNKNOWN_UFRAG: 1,
                Dropped.REFUSED_CHECK: 1,
            }
            assert parse_message(await stranger.recv()).error_code == 401
            # The peer's own address carries nonsense no further either.
            for nonsense in (b"", b"\x80" * 1_501, b"\xff"):
                peer.send(nonsense)
            peer.send(MEDIA)
            async with asyncio.timeout(10):
                assert await connection.recv() == MEDIA
            assert connection.address == peer.socket.getsockname()


async def test_an_address_cannot_be_taken_from_a_connection_that_is_heard_there() -> None:
    """A peer who could forge another's source address would otherwise draw its media away."""
    async with open_mux() as mux:
        victim, attacker = mux.connection(), mux.connection()
        with client(mux) as peer:
            await peer.nominate(victim)
            peer.check(attacker, USE_CANDIDATE)
            await until(lambda: mux.dropped[Dropped.TAKEN_ADDRESS] == 1)
            assert attacker.address is None
            peer.send(MEDIA)
            async with asyncio.timeout(10):
                assert await victim.recv() == MEDIA
            await victim.close()
            # The address is free again, as after a browser's reload.
            await peer.nominate(attacker)


async def test_a_silent_connections_address_may_be_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mux_module, "FRESH_SECONDS", 0.05)
    async with open_mux() as mux:
        gone, back = mux.connection(), mux.connection()
        with client(mux) as peer:
            await peer.nominate(gone)
            await asyncio.sleep(0.1)
            await peer.nominate(back)
            await gone.close()
            peer.send(MEDIA)
            async with asyncio.timeout(10):
                assert await back.recv() == MEDIA


async def test_an_address_that_was_left_may_be_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that is heard elsewhere does not keep the address that it had before."""
    monkeypatch.setattr(mux_module, "FRESH_SECONDS", 0.2)
    async with open_mux() as mux:
        moved, other = mux.connection(), mux.connection()
        with client(mux) as before, client(mux) as after:
            await before.nominate(moved)
            await asyncio.sleep(0.3)
            await after.nominate(moved)
            after.send(MEDIA)
            async with asyncio.timeout(10):
                assert await moved.recv() == MEDIA
            await before.nominate(other)
            await moved.close()
            before.send(MEDIA)
            async with asyncio.timeout(10):
                assert await other.recv() == MEDIA
            assert mux.dropped[Dropped.TAKEN_ADDRESS] == 0


async def test_a_flood_of_unknown_checks_leaves_no_trace_and_the_peer_goes_on() -> None:
    async with open_mux() as mux:
        connection = mux.connection()
        with client(mux) as peer, client(mux) as flood:
            await peer.nominate(connection)
            for number in range(20):
                for _ in range(100):
                    flood.send(binding_request(os.urandom(12), f"guess{number}:x", "p" * 32))
                peer.send(MEDIA)
                async with asyncio.timeout(10):
                    assert await connection.recv() == MEDIA
            await until(lambda: mux.dropped[Dropped.UNKNOWN_UFRAG] > 0)
            assert len(mux._by_ufrag) == 1
            assert len(mux._by_address) == 1


async def test_addresses_are_bounded() -> None:
    async with open_mux() as mux:
        connection = mux.connection()
        peers = [Client(mux) for _ in range(20)]
        try:
            for peer in peers:
                await peer.nominate(connection)
            assert len(mux._by_address) == len(connection.agent.validated) <= 8
            assert connection.address == peers[-1].socket.getsockname()
        finally:
            for peer in peers:
                peer.socket.close()


async def test_places_are_bounded() -> None:
    async with open_mux(publishers=1, viewers=1) as mux:
        connections = [mux.connection() for _ in range(2 + mux_module.SPARE_PLACES)]
        with pytest.raises(MuxFull):
            mux.connection()
        await connections[0].close()
        mux.connection()
        assert len(mux) == len(connections)
    with pytest.raises(MuxFull):
        mux.connection()


async def test_peers_that_never_come_and_peers_that_withdraw_their_consent_are_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mux_module, "SWEEP_SECONDS", 0.02)
    monkeypatch.setattr(mux_module, "CONNECT_SECONDS", 1.0)
    async with open_mux() as mux:
        never, silent, kept = (
            mux.connection(),
            mux.connection(consent_seconds=0.4),
            mux.connection(),
        )
        publisher = mux.connection(consent_seconds=None)
        peers = [Client(mux) for _ in range(3)]
        try:
            for peer, connection in zip(peers, (silent, kept, publisher), strict=True):
                await peer.nominate(connection)
            await until(lambda: never.closed and silent.closed)
            assert not kept.closed
            assert not publisher.closed
        finally:
            for peer in peers:
                peer.socket.close()


async def test_ice_restarts_and_the_old_path_works_until_the_new_one_is_chosen() -> None:
    async with open_mux() as mux:
        connection = mux.connection()
        with client(mux) as home, client(mux) as away:
            await home.nominate(connection)
            old = connection.agent.credentials
            new = connection.restart()
            assert connection.local_username == new.ufrag
            home.send(MEDIA)
            async with asyncio.timeout(10):
                assert await connection.recv() == MEDIA
            assert connection.address == home.socket.getsockname()
            away.check(connection)
            await away.recv()
            assert connection.address == home.socket.getsockname()
            away.check(connection, USE_CANDIDATE)
            await away.recv()
            assert connection.address == away.socket.getsockname()
            assert set(mux._by_ufrag) == {new.ufrag}
            home.send(binding_request(os.urandom(12), f"{old.ufrag}:x", old.password))
            await until(lambda: mux.dropped[Dropped.UNKNOWN_UFRAG] == 1)


async def test_a_tick_of_datagrams_goes_out_in_runs() -> None:
    async with open_mux() as mux:
        connections = [mux.connection() for _ in range(2)]
        with client(mux) as one, client(mux) as other:
            for peer, connection in zip((one, other), connections, strict=True):
                await peer.nominate(connection)
            calls = mux.sender.calls
            frame = [bytes((0x80, index)) + bytes(1_198) for index in range(4)]
            for index, packet in enumerate(frame):
                # In turns, as a fan-out does it; the runs are of each address all the same.
                assert connections[0].transmit((packet,))
                mux.send([(packet[: 1_200 - index], other.socket.getsockname())])
            assert [await one.recv() for _ in frame] == frame
            assert [len(await other.recv()) for _ in frame] == [1_200, 1_199, 1_198, 1_197]
            if mux.sender.segmented:
                assert mux.sender.calls - calls == 3


async def test_what_was_sent_just_before_the_end_still_goes_out() -> None:
    """As the close_notify does, by which a browser notices at once."""
    async with open_mux() as mux:
        connection = mux.connection()
        with client(mux) as peer:
            await peer.nominate(connection)
            await connection.send(b"\x15goodbye")
            await connection.close()
            mux.close()
            assert await peer.recv() == b"\x15goodbye"


async def test_more_than_a_tick_may_hold_goes_out_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mux_module, "POSTED", 8)
    async with open_mux() as mux:
        sent = mux.sender.sent
        mux.send((MEDIA, ("127.0.0.1", mux.port)) for _ in range(8))
        assert mux.sender.sent - sent == 8


async def test_ipv6_where_the_port_listens_on_it() -> None:
    async with open_mux(host="::") as mux:
        for family, host in ((socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.1")):
            connection = mux.connection()
            with client(mux, family, host) as peer:
                peer.check(connection, USE_CANDIDATE)
                answer = parse_message(await peer.recv())
                told = answer.attributes["XOR-MAPPED-ADDRESS"]
                assert ipaddress.ip_address(told[0]) == ipaddress.ip_address(host)
                await connection.connect()
                await connection.send(b"\x16")
                assert await peer.recv() == b"\x16"


async def test_a_taken_port_is_said_in_words() -> None:
    async with open_mux() as mux:
        second = Mux(config.WebRtc(port=mux.port))
        with pytest.raises(ConfigError, match=f"{mux.port}/udp.*webrtc"):
            second.open()
        second.close()
