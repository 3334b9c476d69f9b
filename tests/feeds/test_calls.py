"""RPCs over real sockets."""

from __future__ import annotations

import asyncio

import pytest

from streamd.feeds import calls as calls_module
from streamd.identity import Identity
from tests.feeds.harness import running


async def test_calls_of_one_connection_are_bounded() -> None:
    release = asyncio.Event()

    async def wait(identity: Identity | None, data: object) -> object:
        await release.wait()
        return data

    async with running(rpc={"wait": wait}) as gateway, gateway.client() as client:
        most = calls_module.CALLS
        for number in range(2, most + 3):
            await client.send({"id": number, "rpc": {"method": "wait", "data": number}})
        first = await client.receive()
        assert first["id"] == most + 2
        assert (first["error"]["code"], first["error"]["temporary"]) == (111, True)
        release.set()
        answers = [await client.receive() for _ in range(most)]
        assert {one["rpc"]["data"] for one in answers} == set(range(2, most + 2))


async def test_a_call_without_an_answer_is_told_to_try_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calls_module, "ANSWER_SECONDS", 0.1)

    async def never(identity: Identity | None, data: object) -> object:
        await asyncio.Event().wait()
        raise AssertionError

    async with running(rpc={"never": never}) as gateway, gateway.client() as client:
        error = (await client.call("rpc", {"method": "never"}))["error"]
        assert (error["code"], error["temporary"]) == (100, True)
