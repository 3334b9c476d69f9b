"""A running gateway and raw clients of it, for the tests of this folder."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self

import msgpack
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from streamd import config
from streamd.errors import Unauthenticated
from streamd.feeds.calls import RpcHandler
from streamd.feeds.codes import RpcError, UnknownChannel
from streamd.feeds.gateway import Gateway
from streamd.feeds.hub import Hub
from streamd.identity import Identity, TokenExpired
from tests.server import Server
from tests.web.client import Client as Visitor

PATIENCE = 10.0
"""Seconds any single expected message may take on a busy machine."""


def verify(token: str) -> Identity:
    """Tokens of these tests: ``voter`` or ``voter/seconds``, ``expired``, anything with ``bad``."""
    if token == "expired":
        raise TokenExpired("The connect token has expired. Ask for a new one.")
    if "bad" in token:
        raise Unauthenticated("The connect token is not valid. Ask for a new one.")
    voter, _, seconds = token.partition("/")
    return Identity(f"device:{voter}", "device", int(time.time()) + int(seconds or 300))


async def whoami(identity: Identity | None, data: object) -> object:
    """An RPC that answers with who calls and what was sent."""
    return {"voter": identity.voter if identity else None, "data": data}


async def refuse(identity: Identity | None, data: object) -> object:
    """An RPC that refuses with a contract code."""
    raise RpcError(1003, "This poll is closed.")


async def fail(identity: Identity | None, data: object) -> object:
    """An RPC with a fault."""
    raise ZeroDivisionError


async def snapshot(name: str) -> Mapping[str, object] | None:
    """Polls 1 to 99 exist; 99 has no state yet."""
    if not name.isdigit() or not 1 <= int(name) <= 99:
        raise UnknownChannel(f"poll:{name}")
    return None if name == "99" else {"poll": name, "seq": 0}


async def until(holds: Callable[[], bool]) -> None:
    """Waits until ``holds``, at most PATIENCE."""
    for _ in range(int(PATIENCE / 0.01)):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


async def open_poll(server: Server, key: str) -> str:
    """The id of a new open poll with two choices on the running streamd."""
    body = {"question": "Where first?", "choices": ["North", "South"], "open": True}
    made = await asyncio.to_thread(
        Visitor(server).ask, "POST", "/api/v1/streams/alef/polls", body, key
    )
    assert made.status == 201, made.body
    return str(made.json["id"])


async def token_of_a_visitor(server: Server) -> str:
    """A connect token as a page gets it: by the cookie of a page seen before."""

    def visit() -> str:
        visitor = Visitor(server)
        assert visitor.ask("GET", "/").status == 200
        answer = visitor.prove()
        assert answer.status == 200, answer.body
        return str(answer.json["token"])

    return await asyncio.to_thread(visit)


class Running:
    """A hub with polls, and its gateway."""

    def __init__(self, hub: Hub, gateway: Gateway) -> None:
        self.hub = hub
        self.gateway = gateway

    @property
    def url(self) -> str:
        """The feed's address."""
        return f"ws://127.0.0.1:{self.gateway.port}/connection/websocket"

    def client(self, *, binary: bool = False, **options: Any) -> Client:
        """A raw client, to be used as an async context manager."""
        return Client(self.url, binary=binary, **options)

    async def until(self, channel: str, subscribers: int) -> None:
        """Waits until ``channel`` has that many subscribers."""
        await until(lambda: self.hub.subscribers(channel) == subscribers)

    def counted(self, name: str, **labels: str) -> float:
        """A metric's value, 0 where it was never touched."""
        return self.hub.metrics.registry.get_sample_value(f"streamd_feed_{name}", labels) or 0.0


@asynccontextmanager
async def running(
    *,
    rpc: Mapping[str, RpcHandler] | None = None,
    origins: Iterable[str] = ("http://own.example",),
    hub: Hub | None = None,
    grace: float = 2.0,
    **settings: Any,
) -> AsyncIterator[Running]:
    """A gateway on a free port; keywords are ``config.Feeds`` settings."""
    hub = hub or Hub()
    hub.provide("poll", snapshot)
    handlers: dict[str, RpcHandler] = {"whoami": whoami, "refuse": refuse, "fail": fail}
    gateway = Gateway(
        msgspec.structs.replace(config.Feeds(port=0), **settings),
        hub,
        verify,
        {**handlers, **(rpc or {})},
        origins=origins,
    )
    await gateway.start()
    try:
        yield Running(hub, gateway)
    finally:
        await gateway.stop(grace)


class Client:
    """Speaks the protocol in either encoding, one message at a time."""

    def __init__(
        self, url: str, *, binary: bool = False, token: str = "", greet: bool = True, **options: Any
    ) -> None:
        self.binary = binary
        self._url = url
        self._token = token
        self._greet = greet
        self._options = options
        self._next = 1
        self.hello: dict[str, Any] = {}
        self.socket: ClientConnection

    async def __aenter__(self) -> Self:
        names = [Subprotocol("streamd.msgpack")] if self.binary else None
        origin = self._options.pop("origin", None)
        self.socket = await connect(
            self._url,
            subprotocols=names,
            origin=Origin(origin) if origin else None,
            max_size=None,
            ping_interval=None,
            close_timeout=1,
            compression=None,
            proxy=None,
            **self._options,
        )
        if self._greet:
            self.hello = await self.call("connect", {"token": self._token} if self._token else {})
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.socket.close()

    async def send(self, *messages: object) -> None:
        """Sends commands in one frame."""
        if not self.binary:
            await self.socket.send("\n".join(map(json.dumps, messages)))
        else:
            await self.socket.send(
                msgpack.packb(messages[0] if len(messages) == 1 else list(messages))
            )

    async def receive(self) -> dict[str, Any]:
        """The next message; answers the server's pings by itself."""
        async with asyncio.timeout(PATIENCE):
            while True:
                frame = await self.socket.recv()
                assert isinstance(frame, bytes) == self.binary
                message = msgpack.unpackb(frame) if self.binary else json.loads(frame)
                assert isinstance(message, dict)
                if message:
                    return message
                await self.send({})

    async def call(self, kind: str, request: Mapping[str, object]) -> dict[str, Any]:
        """Sends a command and gives the reply to it; pushes before it are dropped."""
        command_id, self._next = self._next, self._next + 1
        await self.send({"id": command_id, kind: request})
        while True:
            message = await self.receive()
            if "push" not in message:
                assert message.pop("id") == command_id
                return message

    async def subscribe(self, channel: str, **request: object) -> dict[str, Any]:
        """Subscribes and gives the result, or ``{"error": …}``."""
        answer = await self.call("subscribe", {"channel": channel, **request})
        return answer.get("subscribe", answer)  # type: ignore[no-any-return]

    async def publication(self) -> Any:
        """The next publication's data."""
        message = await self.receive()
        return message["push"]["pub"]["data"]

    async def closed(self) -> tuple[int | None, str | None]:
        """Waits for the close and gives its code and reason."""
        async with asyncio.timeout(PATIENCE):
            await self.socket.wait_closed()
        return self.socket.close_code, self.socket.close_reason
