from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from loadtests.voter import Voter, client_frame

Answers = list[dict[str, Any] | None]


@contextlib.asynccontextmanager
async def gateway(answers: Answers) -> AsyncIterator[tuple[int, list[dict[str, Any]]]]:
    """Answers connects itself and each RPC with the next of ``answers``; None: hangs up."""
    heard: list[dict[str, Any]] = []

    async def serve_one(connection: ServerConnection) -> None:
        async for message in connection:
            command = json.loads(message)
            if not command:
                continue
            heard.append(command)
            if "connect" in command:
                await connection.send("{}")
                await connection.send(json.dumps({"id": command["id"], "connect": {}}))
                continue
            answer = answers.pop(0)
            if answer is None:
                connection.transport.abort()
                return
            await connection.send(json.dumps({"id": command["id"], **answer}))

    async with serve(serve_one, "127.0.0.1", 0) as server:
        yield next(iter(server.sockets)).getsockname()[1], heard


async def connect(voter: Voter, port: int) -> None:
    await asyncio.get_running_loop().create_connection(lambda: voter, "127.0.0.1", port)
    async with asyncio.timeout(20):
        await voter.connected


class Done:
    """Collects what a voter reports."""

    def __init__(self) -> None:
        self.numbers: asyncio.Queue[int] = asyncio.Queue()

    def __call__(self, _voter: Voter, number: int) -> None:
        self.numbers.put_nowait(number)

    async def next(self) -> int:
        async with asyncio.timeout(20):
            return await self.numbers.get()


def receipt(seq: int) -> dict[str, Any]:
    return {"rpc": {"data": {"poll": "a", "ballot_id": "", "shard": 0, "seq": seq}}}


def test_a_client_frame_is_masked_with_zeros() -> None:
    assert client_frame(b"{}") == b"\x81\x82\0\0\0\0{}"
    assert client_frame(b"x" * 200)[:8] == b"\x81\xfe\x00\xc8\0\0\0\0"


async def test_a_receipt_is_kept_and_a_temporary_error_retried_with_the_same_ballot() -> None:
    done = Done()
    answers: Answers = [
        {"error": {"code": 100, "message": "later", "temporary": True}},
        receipt(7),
        {"error": {"code": 1005, "message": "voted"}},
    ]
    async with gateway(answers) as (port, heard):
        voter = Voter("token", done)
        await connect(voter, port)
        for number in (voter.add("a", "1"), voter.add("a", "2")):
            voter.cast(number)
            assert await done.next() == number
        voter.leave()
    first, second = voter.casts
    assert (first.position, first.retries, first.refused) == (7, 1, 0)
    assert first.acknowledged > first.sent > 0
    assert (second.position, second.acknowledged, second.refused) == (0, 0, 1005)
    assert heard[0]["connect"] == {"token": "token"}
    assert heard[1] == heard[2]
    assert heard[1]["rpc"]["data"]["choices"] == ["1"]
    assert len(heard[1]["rpc"]["data"]["ballot_id"]) == 32


async def test_a_vote_whose_connection_broke_goes_out_again() -> None:
    done = Done()
    async with gateway([None, receipt(1)]) as (port, heard):
        voter = Voter("token", done)
        await connect(voter, port)
        voter.cast(voter.add("a", "1"))
        async with asyncio.timeout(20):
            while not voter.lost:
                await asyncio.sleep(0.01)
        voter.renew()
        await connect(voter, port)
        voter.resend()
        assert await done.next() == 0
        voter.leave()
    votes = [one for one in heard if "rpc" in one]
    assert votes[0] == votes[1]
    assert voter.casts[0].retries == 1


async def test_a_receipt_that_changes_is_noticed() -> None:
    done = Done()
    async with gateway([receipt(4), receipt(4), receipt(5)]) as (port, _):
        voter = Voter("token", done)
        await connect(voter, port)
        voter.add("a", "1")
        for position in (4, 4, -1):
            voter.cast(0)
            await done.next()
            assert voter.casts[0].position == position
        voter.leave()
