"""The store: a Valkey that streamd starts and watches itself, or the server that a URL names.

While the store is away ``ready`` is False and nothing is acknowledged; it comes back by itself,
the embedded server by being started again. That a vote is on disk before it is answered is what
``streamd/valkey.py`` sees to. A named server is asked for its settings, at first and every second:
while they promise less it is not ready, and ``trouble`` says what to set. They are not set from
here: the server may be others' as well, and would forget it at its next start.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urlsplit

import structlog
from redis import exceptions as redis_errors
from redis.asyncio import BlockingConnectionPool, ConnectionPool, Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from polling.store_cluster import without_cluster
from polling.store_durability import ASK, doubt
from streamd import config
from streamd.errors import ConfigError, StoreHeld, StoreUnavailable
from streamd.valkey import Valkey

log = structlog.get_logger()

_LOOK_SECONDS = 1.0
_ANSWER_SECONDS = 5.0
_RETRY_FIRST_SECONDS = 0.1
_RETRY_MOST_SECONDS = 10.0
_OLDEST_VERSION = 7


class Store:
    """Starts, watches and stops the store; hands out a client for it.

    ``address`` is known from the beginning: ``unix:///…`` or the URL of the settings, with
    ``cluster=1`` where it is that of a Cluster's node.
    """

    def __init__(self, settings: config.Store) -> None:
        self._settings = settings
        self._valkey = None if settings.url else Valkey(Path(settings.dir))
        self._url, by_url = without_cluster(settings.url)
        self._cluster = settings.cluster or by_url
        self.address = settings.url
        if settings.cluster and not by_url:
            self.address += ("&" if "?" in settings.url else "?") + "cluster=1"
        if self._valkey is not None:
            self.address = f"unix://{quote(str(self._valkey.socket))}"
        self._ready = asyncio.Event()
        self._client: Redis | None = None
        self._watching: asyncio.Task[None] | None = None
        self._starting = False
        self.trouble = ""
        """Why a store that answers is not ready, in sentences; empty where it does not answer."""

    @property
    def ready(self) -> bool:
        """Whether the store answered last time it was asked, at most a second ago, and has what it
        is given on disk before it answers.
        """
        return self._ready.is_set()

    @property
    def pid(self) -> int | None:
        """The embedded server's process id while it runs."""
        return self._valkey.pid if self._valkey is not None else None

    def client(self) -> Redis:
        """The client that everybody shares; closed by ``stop``. Commands fail fast when down.

        On a Cluster it sends each command to the node that has its key, so a pipeline's keys may
        not lie apart.
        """
        if self._client is None and self._cluster:
            # Its commands are those of Redis.
            self._client = cast(
                Redis,
                RedisCluster.from_url(
                    self._url,
                    max_connections=32,
                    socket_timeout=_ANSWER_SECONDS,
                    socket_connect_timeout=2,
                    require_full_coverage=False,
                ),
            )
        if self._client is None:
            pool = BlockingConnectionPool.from_url(
                self.address,
                max_connections=32,
                timeout=_ANSWER_SECONDS,
                socket_timeout=_ANSWER_SECONDS,
                socket_connect_timeout=2,
                # Once, for a connection that died while idle.
                retry=Retry(NoBackoff(), 1),
            )
            self._client = Redis.from_pool(pool)
        return self._client

    async def start(self) -> None:
        """Returns when the store answers, or after ``start_seconds`` without: see ``ready``.

        Raises StoreHeld, StoreUnavailable where this machine cannot run the embedded server, and
        ConfigError where the named server is too old.
        """
        if self._valkey is not None:
            await self._valkey.hold()
        self._starting = True
        self._watching = asyncio.create_task(self._watch(), name="store")
        ready = asyncio.create_task(self._ready.wait(), name="store ready")
        try:
            await asyncio.wait(
                (ready, self._watching),
                timeout=self._settings.start_seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            ready.cancel()
            self._starting = False
        if self._watching.done():
            failure = self._watching.exception()
            await self.stop()
            assert failure is not None
            raise failure
        if not self.ready:
            said = self.trouble or "the store does not answer"
            log.error(f"{said.rstrip('.')}; streamd goes on and keeps trying", **self._where)

    async def stop(self) -> None:
        """Stops the watch, the connections, then the embedded server, last."""
        # 1. Nobody starts the server again.
        if self._watching is not None:
            # Again and again: asyncio.wait_for in Python 3.11, which redis uses, can swallow a
            # cancellation (python/cpython#86296).
            while not self._watching.done():
                self._watching.cancel()
                await asyncio.wait([self._watching], timeout=0.05)
            self._watching = None
        self._ready.clear()
        # 2. The connections.
        if self._client is not None:
            await self._client.aclose()
            self._client = None
        # 3. The server, which writes out its file; then the directory is free.
        if self._valkey is not None:
            await self._valkey.stop()
            self._valkey.release()

    @classmethod
    @contextlib.asynccontextmanager
    async def borrowed(cls, settings: config.Store) -> AsyncIterator[Redis]:
        """A client on the store of the streamd that runs, or of one started for this block.

        Raises StoreUnavailable where it does not answer within ``start_seconds``.
        """
        store = cls(settings)
        try:
            try:
                await store.start()
            except StoreHeld:
                await store._wait_for_answer()
            else:
                if not store.ready:
                    raise StoreUnavailable(
                        store.trouble or f"The store at {store._shown} does not answer."
                    )
            yield store.client()
        finally:
            await store.stop()

    async def _wait_for_answer(self) -> None:
        try:
            async with asyncio.timeout(self._settings.start_seconds):
                while True:
                    if await self._ask() is None:
                        return
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise StoreUnavailable(f"The store at {self._shown} does not answer.") from None

    async def _watch(self) -> None:
        """Brings the store up and stays with it, for ever. Raises ConfigError during ``start``."""
        delay = _RETRY_FIRST_SECONDS
        while True:
            try:
                await self._bring_up()
                if self._valkey is None:
                    await self._check_named_server()
            except (StoreUnavailable, ConfigError) as error:
                if isinstance(error, ConfigError) and self._starting:
                    raise
                log.warning("the store is down", why=str(error), retry_seconds=round(delay, 1))
            else:
                self._ready.set()
                log.info("the store is ready", **self._where)
                asked = asyncio.get_running_loop().time()
                why = await self._while_answering()
                self._ready.clear()
                log.error("the store is lost: no vote is acknowledged", why=why, **self._where)
                if asyncio.get_running_loop().time() - asked > _RETRY_MOST_SECONDS:
                    delay = _RETRY_FIRST_SECONDS
            await asyncio.sleep(delay * random.uniform(0.5, 1))  # noqa: S311 (no secret)
            delay = min(delay * 2, _RETRY_MOST_SECONDS)

    async def _bring_up(self) -> None:
        """Returns when the store answers. Raises StoreUnavailable where this attempt failed."""
        if self._valkey is None:
            if (why := await self._ask()) is not None:
                self.trouble = ""
                raise StoreUnavailable(f"{self._shown}: {why}")
            return
        if not self._valkey.alive:
            await self._valkey.spawn()
        told = asyncio.get_running_loop().time()
        while (why := await self._ask()) is not None:
            if not self._valkey.alive:
                raise StoreUnavailable(f"valkey-server ended: {self._valkey.last_words()}")
            now = asyncio.get_running_loop().time()
            if now - told > _ANSWER_SECONDS:
                log.warning("the store does not answer yet", why=why, **self._where)
                told = now
            await asyncio.sleep(0.01)

    async def _while_answering(self) -> str:
        """Asks every second; returns why, when there is no answer."""
        while True:
            if self._valkey is None:
                await asyncio.sleep(_LOOK_SECONDS)
            else:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_SECONDS):
                        return f"valkey-server ended with status {await self._valkey.ended()}"
            if (why := await self._ask()) is not None:
                return why
            if self._valkey is None and not self._cluster:
                try:
                    self.trouble = await self._doubt(self.client())
                except StoreUnavailable as error:
                    return str(error)
                if self.trouble:
                    return self.trouble

    async def _ask(self) -> str | None:
        """None where the store answers a ping, else why it does not."""
        try:
            await self.client().ping()
        except (redis_errors.RedisError, redis_errors.RedisClusterException, OSError) as error:
            return str(error) or type(error).__name__
        return None

    async def _check_named_server(self) -> None:
        for client in self._servers():
            try:
                await self._check_server(client)
            finally:
                if client is not self._client:
                    await client.aclose()

    def _servers(self) -> list[Redis]:
        """A client of each server: on a Cluster of every node, replicas too."""
        client: Any = self.client()
        if not self._cluster:
            return [client]
        login = {
            name: value
            for name, value in client.get_connection_kwargs().items()
            if name in ("username", "password", "connection_class") or name.startswith("ssl_")
        }
        return [
            Redis.from_pool(ConnectionPool(host=node.host, port=int(node.port), **login))
            for node in client.get_nodes()
        ]

    async def _check_server(self, client: Redis) -> None:
        try:
            facts = await client.info("server")
            version = str(facts.get("valkey_version") or facts.get("redis_version") or "0")
        except (redis_errors.RedisError, OSError) as error:
            raise StoreUnavailable(f"{self._shown}: {error}") from error
        if int(version.partition(".")[0]) < _OLDEST_VERSION:
            raise ConfigError(
                f"[store] url: {self._shown} is version {version}. Redis 7 or Valkey is needed."
            )
        trouble = await self._doubt(client)
        if not self._cluster:
            self.trouble = trouble
            if trouble:
                raise StoreUnavailable(trouble)
        elif trouble:
            # No vote is lost by it: each waits until two disks have it, or is not acknowledged.
            log.warning("votes may wait long for a node's disk", why=trouble, **self._where)

    async def _doubt(self, client: Redis) -> str:
        """Why an answer of that server does not mean "on disk"; "" where it does."""
        try:
            return doubt(await client.execute_command(*ASK))  # type: ignore[no-untyped-call]
        except redis_errors.ResponseError:
            return doubt(None)
        except (redis_errors.RedisError, OSError) as error:
            raise StoreUnavailable(f"{self._shown}: {error}") from error

    @property
    def _shown(self) -> str:
        """The address without its password."""
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    @property
    def _where(self) -> dict[str, str]:
        return {"store": self._shown}
