"""A peer's share of the mux, as aiortc sees it."""

from __future__ import annotations

import ast
import asyncio
import inspect

import pytest
from aioice import Candidate
from aiortc import rtcicetransport, rtcpeerconnection

from streamd.webrtc.mux_connection import NAMED_CANDIDATES, QUEUED_DATAGRAMS
from tests.webrtc.mux_client import MEDIA, open_mux


async def test_the_end_of_a_connection_is_told_to_all_who_wait() -> None:
    async with open_mux() as mux:
        connection = mux.connection()
        waiting = [
            asyncio.ensure_future(wait)
            for wait in (connection.connect(), connection.recv(), connection.get_event())
        ]
        await asyncio.sleep(0)
        with pytest.raises(ConnectionError):
            await connection.send(b"early")
        await connection.close()
        await connection.close()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(result).__name__ for result in results] == [
            "ConnectionError",
            "ConnectionError",
            "ConnectionClosed",
        ]
        with pytest.raises(ConnectionError):
            connection.restart()
        assert mux._by_ufrag == {}


async def test_a_cancelled_recv_loses_nothing() -> None:
    async with open_mux() as mux:
        connection = mux.connection()
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await connection.recv()
        connection.arrived(MEDIA, 0.0)
        assert await connection.recv() == MEDIA


def touched(module: object) -> set[str]:
    """Every ``…._connection.NAME`` in a module of aiortc."""
    tree = ast.parse(inspect.getsource(module))  # type: ignore[arg-type]
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "_connection"
    }


async def test_all_that_aiortc_touches_of_a_connection_is_there() -> None:
    names = touched(rtcicetransport) | touched(rtcpeerconnection)
    assert {"connect", "recv", "send", "close", "get_event", "local_candidates"} <= names
    async with open_mux() as mux:
        connection = mux.connection()
        assert [name for name in names if not hasattr(connection, name)] == []


async def test_what_waits_and_what_is_named_is_bounded() -> None:
    async with open_mux() as mux:
        connection = mux.connection()
        for _ in range(QUEUED_DATAGRAMS + 7):
            connection.arrived(MEDIA, 0.0)
        assert connection.overflowed == 7
        named = Candidate("1", 1, "udp", 1, "192.0.2.1", 9, "host")
        for _ in range(NAMED_CANDIDATES + 7):
            await connection.add_remote_candidate(named)
        await connection.add_remote_candidate(None)
        assert len(connection.remote_candidates) == NAMED_CANDIDATES
        assert connection.address is None
