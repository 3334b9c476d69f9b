"""One Valkey or Redis server, which has every write on disk before it answers.

It is asked whether it does, once a second at most: where it does not, nothing is sent to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from redis import exceptions as redis_errors
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from polling.errors import StoreDown, StoreUnsafe
from polling.store_durability import ASK, doubt

LIBRARY: Final = (Path(__file__).parent / "cast.lua").read_text(encoding="utf-8")
ANSWER_SECONDS = 5.0
_SURE_SECONDS: Final = 1.0
"""How long an answer about the server's settings is relied on."""

# What one command is made of: its name, then its keys and arguments.
Call = Sequence[Any]


class LibraryMissing(StoreDown):
    """The function library is not there, as after FUNCTION FLUSH or on a new server."""


class Server(Protocol):
    """Where the keys lie: one server or a Cluster. Every method raises StoreDown."""

    # Whether a call that writes nothing has nothing to wait for.
    needs_a_write: bool

    async def change(self, call: Call) -> Any:
        """The reply to a command that writes, once it is as durable as this server makes it."""

    async def look_up(self, call: Call) -> Any:
        """The reply to a command that reads."""

    async def look_up_all(self, calls: Iterable[Call]) -> list[Any]:
        """The replies to commands that read, in one round trip for each node."""

    async def change_all(self, calls: Sequence[Call]) -> list[Any]:
        """The replies to commands that write, or in their place the exceptions."""

    async def load(self) -> None:
        """Loads ``cast.lua``, in place of any earlier text under the same name."""

    async def rewrite(self) -> bool:
        """Asks for new append-only files without past writes; False: one is being written now."""

    async def close(self) -> None:
        """Closes the connections."""


class SingleServer:
    """One server. Its pages' reads have connections of their own: a vote waits for none of them."""

    needs_a_write = False

    def __init__(self, client: Redis, reader: Redis | None = None) -> None:
        """``client`` casts and changes, ``reader`` reads; None: ``client`` does both."""
        # Its methods' types differ from command to command; plain commands go through all of them.
        self._client: Any = client
        self._reader: Any = reader or client
        self._sure_until = float("-inf")

    @classmethod
    def at(cls, url: str) -> SingleServer:
        """A server at ``redis://``, ``rediss://`` or ``unix://``."""
        return cls(new_client(url), new_client(url))

    async def change(self, call: Call) -> Any:
        """The reply. Raises StoreUnsafe."""
        await self._make_sure()
        return await ask(self._client.execute_command(*call))

    async def look_up(self, call: Call) -> Any:
        """The reply."""
        return await ask(self._reader.execute_command(*call))

    async def look_up_all(self, calls: Iterable[Call]) -> list[Any]:
        """The replies, in one round trip."""
        async with self._reader.pipeline(transaction=False) as pipeline:
            for call in calls:
                pipeline.execute_command(*call)
            replies: list[Any] = await ask(pipeline.execute())
        return replies

    async def change_all(self, calls: Sequence[Call]) -> list[Any]:
        """The replies and exceptions, in one round trip. Raises StoreUnsafe."""
        await self._make_sure()
        async with self._client.pipeline(transaction=False) as pipeline:
            for call in calls:
                pipeline.execute_command(*call)
            replies: list[Any] = await ask(pipeline.execute(raise_on_error=False))
        return replies

    async def _make_sure(self) -> None:
        """Returns while a reply means "on disk"; raises StoreUnsafe where it may not."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._sure_until:
            return
        asked = loop.time()
        try:
            settings = await ask(self._client.execute_command(*ASK))
        except StoreDown as error:
            if not isinstance(error.__cause__, redis_errors.ResponseError):
                raise
            # It may not be asked.
            settings = None
        if why := doubt(settings):
            raise StoreUnsafe(why)
        self._sure_until = asked + _SURE_SECONDS

    async def load(self) -> None:
        """Loads ``cast.lua``."""
        await self.change(("FUNCTION LOAD", "REPLACE", LIBRARY))

    async def rewrite(self) -> bool:
        """Asks for a new append-only file; False where that has to be asked again later."""
        try:
            await self.look_up(("BGREWRITEAOF",))
        except StoreDown:
            return False
        return True

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()
        await self._reader.aclose()


def new_client(url: str, **options: Any) -> Redis:
    """A client over a pool of its own; with an empty ``url``, ``options`` say where."""
    settings: dict[str, Any] = {
        "max_connections": 16,
        "timeout": ANSWER_SECONDS,
        # The timeout is ask's. With this one, redis awaits every send in asyncio.wait_for,
        # which in Python 3.11 can swallow a cancellation (python/cpython#86296).
        "socket_timeout": None,
        "socket_connect_timeout": 2,
        # Once, for a connection that died while idle. Longer waits are the voter's to decide.
        "retry": Retry(NoBackoff(), 1),
        **options,
    }
    if url:
        return Redis.from_pool(BlockingConnectionPool.from_url(url, **settings))
    return Redis.from_pool(BlockingConnectionPool(**settings))


async def ask(reply: Awaitable[Any]) -> Any:
    """The reply, in five seconds. Raises StoreDown, LibraryMissing."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await reply
    except TimeoutError as error:
        raise StoreDown(f"no answer in {ANSWER_SECONDS:.0f} s") from error
    except (redis_errors.RedisError, redis_errors.RedisClusterException, OSError) as error:
        if is_missing(error):
            raise LibraryMissing(str(error)) from error
        raise StoreDown(str(error)) from error


def is_missing(reply: Any) -> bool:
    """Whether ``reply`` says that the function library is not there."""
    return isinstance(reply, redis_errors.ResponseError) and "Function not found" in str(reply)
