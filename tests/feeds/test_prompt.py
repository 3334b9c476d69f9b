"""Calls that are begun at once and answered by a callback, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
from websockets.frames import Frame, Opcode

from streamd.feeds import calls as calls_module
from streamd.feeds import session as session_module
from streamd.feeds.calls import CALLS, PromptHandler
from streamd.feeds.codes import ErrorCode, RpcError
from streamd.identity import Identity
from tests.feeds.harness import Client, Running, running, until

BOTH = pytest.mark.parametrize("binary", [False, True], ids=["json", "msgpack"])


class Word(msgspec.Struct):
    word: str
    number: int = 0


class Echo(PromptHandler):
    """Answers with the word, when told to; "await" is awaited, "no" and "late no" are refused."""

    kind = Word

    def __init__(self) -> None:
        self.waiting: list[tuple[Word, Callable[[Any], None]]] = []
        self.begun = 0
        self.awaited: list[object] = []
        self.held = False

    async def __call__(self, identity: Identity | None, data: object) -> object:
        self.awaited.append(data)
        return {"awaited": data}

    def begin(self, identity: Identity, data: Word, done: Callable[[Any], None]) -> bool:
        if data.word == "await":
            return False
        if data.word == "fail":
            raise RuntimeError("broken")
        if data.word == "no":
            raise RpcError(ErrorCode.POLL_CLOSED, "No.")
        self.begun += 1
        self.waiting.append((data, done))
        if not self.held:
            asyncio.get_running_loop().call_soon(self.answer)
        return True

    def answer(self) -> None:
        waiting, self.waiting = self.waiting, []
        for data, done in waiting:
            done(data.word)

    def result(self, data: Word, outcome: str) -> object:
        if outcome == "again":
            return None
        if outcome == "late fail":
            raise RuntimeError("broken")
        if outcome == "late no":
            raise RpcError(ErrorCode.ALREADY_VOTED, "No, after all.")
        return {"said": outcome}


@pytest.fixture
async def echo() -> Echo:
    return Echo()


@pytest.fixture
async def gateway(echo: Echo) -> AsyncIterator[Running]:
    async with running(rpc={"echo": echo}) as gateway:
        yield gateway


def say(number: int, word: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "rpc": {"method": "echo", "data": {"word": word, **more}}}


async def settle(client: Client) -> None:
    """The connect went through the library; now nothing of it is left."""
    assert await client.call("ping", {}) == {"ping": {}}


@BOTH
async def test_a_prompt_call_is_answered(gateway: Running, echo: Echo, binary: bool) -> None:
    async with gateway.client(binary=binary, token="ana") as client:
        for word in ("yes", "چرا", "x" * 300):
            assert await client.call("rpc", {"method": "echo", "data": {"word": word}}) == {
                "rpc": {"data": {"said": word}}
            }
        assert echo.begun == 3
        assert echo.awaited == []


@BOTH
@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("no", (1003, "No.")),
        ("late no", (1005, "No, after all.")),
        ("fail", (100, "Something went wrong here. Try again.")),
        ("late fail", (100, "Something went wrong here. Try again.")),
    ],
)
async def test_a_refusal_at_once_or_later(
    gateway: Running, binary: bool, word: str, answer: tuple[int, str]
) -> None:
    async with gateway.client(binary=binary, token="ana") as client:
        error = (await client.call("rpc", {"method": "echo", "data": {"word": word}}))["error"]
        assert (error["code"], error["message"]) == answer


@BOTH
@pytest.mark.parametrize("word", ["await", "again"])
async def test_what_a_callback_cannot_answer_is_awaited(
    gateway: Running, echo: Echo, binary: bool, word: str
) -> None:
    async with gateway.client(binary=binary, token="ana") as client:
        await settle(client)
        reply = await client.call("rpc", {"method": "echo", "data": {"word": word, "number": 3}})
        assert reply == {"rpc": {"data": {"awaited": {"word": word, "number": 3}}}}
        assert len(echo.awaited) == 1


async def test_everyone_else_goes_the_long_way(gateway: Running, echo: Echo) -> None:
    async with gateway.client() as anonymous:
        await settle(anonymous)
        await anonymous.call("rpc", {"method": "echo", "data": {"word": "yes"}})
    async with gateway.client(token="ana") as client:
        await settle(client)
        # Two commands in a frame, another shape, a fragmented message.
        await client.send(say(5, "one"), say(6, "two"))
        assert {(await client.receive())["id"] for _ in range(2)} == {5, 6}
        await client.call("rpc", {"method": "echo", "data": {"word": 7}})
        whole = msgspec.json.encode(say(7, "in pieces")).decode()
        await client.socket.send([whole[:20], whole[20:50], whole[50:]])
        assert (await client.receive())["id"] == 7
        assert echo.begun == 0
        assert len(echo.awaited) == 5
        assert (await client.call("rpc", {"method": "echo", "data": {"word": "yes"}}))["rpc"]
        assert echo.begun == 1


async def test_frames_arrive_in_any_pieces(gateway: Running, echo: Echo) -> None:
    async with gateway.client(token="ana") as client:
        await settle(client)
        frames = [
            Frame(Opcode.TEXT, msgspec.json.encode(say(number, f"w{number}"))).serialize(mask=True)
            for number in range(10, 14)
        ]
        first, every = len(frames[0]), b"".join(frames)
        write = client.socket.transport.write
        for cut in (1, 2, 5, first - 1, first, first + 1, len(every) - 1):
            write(every[:cut])
            # The gateway reads the first piece by itself, or both at once: either has to do.
            await asyncio.sleep(0.01)
            write(every[cut:])
            assert {(await client.receive())["id"] for _ in range(4)} == {10, 11, 12, 13}
        assert echo.begun + len(echo.awaited) == 28
        assert echo.begun >= 7


async def test_a_prompt_call_never_overtakes_an_earlier_command(
    gateway: Running, echo: Echo
) -> None:
    async with gateway.client(token="ana") as client:
        await settle(client)
        await client.send({"id": 5, "subscribe": {"channel": "poll:1"}})
        await client.send(say(6, "yes"))
        await client.send({"id": 7, "ping": {}})
        answers = [(await client.receive())["id"] for _ in range(3)]
        assert answers[0] == 5
        assert set(answers) == {5, 6, 7}


async def test_prompt_calls_of_one_connection_are_bounded(gateway: Running, echo: Echo) -> None:
    echo.held = True
    async with gateway.client(token="ana") as client:
        await settle(client)
        for number in range(2, CALLS + 3):
            await client.send(say(number, "yes"))
        first = await client.receive()
        assert (first["id"], first["error"]["code"]) == (CALLS + 2, 111)
        echo.answer()
        assert {(await client.receive())["id"] for _ in range(CALLS)} == set(range(2, CALLS + 2))


async def test_prompt_calls_past_the_burst_are_paced(
    gateway: Running, echo: Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "BURST", 5)
    async with gateway.client(token="ana") as client:
        await settle(client)
        for _ in range(8):
            assert await client.call("rpc", {"method": "echo", "data": {"word": "yes"}})
        assert echo.begun < 8
        assert echo.awaited


async def test_a_prompt_call_without_an_answer_is_told_to_try_again(
    gateway: Running, echo: Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls_module, "ANSWER_SECONDS", 0.1)
    echo.held = True
    async with gateway.client(token="ana") as client:
        await settle(client)
        error = (await client.call("rpc", {"method": "echo", "data": {"word": "yes"}}))["error"]
        assert (error["code"], error["temporary"]) == (100, True)
        echo.answer()  # Too late: nobody hears it.
        assert await client.call("ping", {}) == {"ping": {}}


async def test_an_answer_for_one_who_left_touches_nobody(gateway: Running, echo: Echo) -> None:
    echo.held = True
    async with gateway.client(token="ana") as stays:
        await settle(stays)
        async with gateway.client(token="ana") as leaves:
            await settle(leaves)
            await leaves.send(say(8, "gone"))
            await until(lambda: len(echo.waiting) == 1)
        await until(lambda: gateway.gateway.connections == 1)
        await stays.send(say(9, "here"))
        await until(lambda: len(echo.waiting) == 2)
        echo.answer()
        assert (await stays.receive())["id"] == 9


async def test_prompt_calls_are_in_the_metrics(gateway: Running, echo: Echo) -> None:
    async with gateway.client(token="ana") as client:
        await settle(client)
        before = gateway.counted("commands_total")
        await client.call("rpc", {"method": "echo", "data": {"word": "yes"}})
        await until(lambda: gateway.counted("commands_total") == before + 1)


async def test_the_last_words_of_one_who_leaves_are_heard(gateway: Running, echo: Echo) -> None:
    echo.held = True
    async with gateway.client(token="ana") as client:
        await settle(client)
        # Its message, and right behind it the end of what it sends.
        await client.send(say(8, "bye"))
        client.socket.transport.close()
        await until(lambda: gateway.gateway.connections == 0)
        assert [data.word for data, _ in echo.waiting] == ["bye"]


async def test_calls_that_were_read_in_one_turn_are_begun_in_order(
    gateway: Running, echo: Echo
) -> None:
    echo.held = True
    async with gateway.client(token="ana") as client:
        await settle(client)
        for number in range(20):
            await client.send(say(8 + number, str(number)))
        await until(lambda: len(echo.waiting) == 20)
        assert [data.word for data, _ in echo.waiting] == [str(number) for number in range(20)]
        echo.answer()
        assert [(await client.receive())["id"] for _ in range(20)] == list(range(8, 28))
