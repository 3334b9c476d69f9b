"""A real Valkey for the tests of polls, and polls over it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from redis import Redis, RedisCluster

from loadtests.durable import durable_valkey
from polling import store_cluster
from polling.model import Ballot, Poll, Tally
from polling.poll_keys import PollKeys
from polling.service import PollService
from polling.stage import Stage, nowhere
from polling.store import PollStore
from tests.cluster import Cluster, cluster


@dataclass(frozen=True, slots=True)
class Settings:
    """[polls] with a short tick."""

    tick_ms: int = 1
    batch: int = 500
    queue: int = 50_000
    pushes: int = 10
    pushes_crowded: int = 4


@dataclass
class Told:
    """What a service told through its callbacks."""

    tallies: list[Tally] = field(default_factory=list)
    polls: list[Poll] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Server:
    """A running valkey-server, or a Cluster of them, and its directory."""

    url: str
    directory: Path
    cluster: Cluster | None = None

    def plain(self) -> Redis:
        """A plain client; on a Cluster it sends commands without a key to every primary."""
        if self.cluster is None:
            return Redis.from_url(self.url)
        # Its commands are those of Redis, which the tests' types name.
        return cast(Redis, EveryPrimary(host="127.0.0.1", port=self.cluster.nodes[0].port))


class EveryPrimary(RedisCluster):
    """A client of a Cluster whose settings, pauses and searches go to every primary."""

    def keys(self, pattern: Any = "*", **kwargs: Any) -> Any:
        """KEYS on all primaries: redis asks one node alone."""
        return super().keys(pattern, target_nodes=RedisCluster.PRIMARIES)

    def config_set(self, name: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
        """CONFIG SET on all primaries."""
        return super().config_set(name, value, target_nodes=RedisCluster.PRIMARIES)

    def client_pause(self, timeout: int, all: bool = True, **kwargs: Any) -> Any:
        """CLIENT PAUSE on all primaries."""
        return super().client_pause(timeout, all, target_nodes=RedisCluster.PRIMARIES)

    def client_unpause(self, **kwargs: Any) -> Any:
        """CLIENT UNPAUSE on all primaries."""
        return super().client_unpause(target_nodes=RedisCluster.PRIMARIES)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests marked cluster_too run on both kinds of store."""
    mark = metafunc.definition.get_closest_marker
    if "valkey" in metafunc.fixturenames and mark("cluster_too") and not mark("one_server"):
        metafunc.parametrize("valkey", ["single", "cluster"], indirect=True)


@pytest.fixture
def valkey(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Where the tests' polls are: a valkey-server, or in tests marked cluster_too a Cluster.

    On the Cluster a busy machine's disks may take their time: a write is waited for longer.
    """
    if getattr(request, "param", "single") == "single":
        server: Server = request.getfixturevalue("one_server")
        return server
    monkeypatch.setattr(store_cluster, "WAITS_MS", (*store_cluster.WAITS_MS, 800, 2_000))
    made: Cluster = request.getfixturevalue("whole_cluster")
    return Server(made.url, made.directory, made)


@pytest.fixture(scope="session")
def session_cluster() -> Iterator[Cluster]:
    """Three primaries and three replicas, for the whole test session."""
    with cluster() as made:
        yield made


@pytest.fixture
def whole_cluster(session_cluster: Cluster) -> Cluster:
    """The Cluster with all its nodes."""
    if len(session_cluster.alive()) < len(session_cluster.nodes):
        session_cluster.heal()
    return session_cluster


@pytest.fixture(scope="session")
def one_server() -> Iterator[Server]:
    """A valkey-server set up as streamd sets up its own, for the whole test session."""
    with durable_valkey() as server:
        yield Server(f"unix://{server.socket}", server.socket.parent)


@pytest.fixture
def client(valkey: Server) -> Iterator[Redis]:
    """A plain client on an emptied store."""
    client = valkey.plain()
    client.flushall()
    yield client
    client.close()


@pytest.fixture
async def polls(valkey: Server, client: Redis) -> AsyncIterator[PollStore]:
    """A PollStore on an emptied store."""
    store = PollStore.at(valkey.url)
    yield store
    await store.close()


@pytest.fixture
def told() -> Told:
    """What ``service`` told."""
    return Told()


Serving = Callable[..., AbstractAsyncContextManager[PollService]]


@pytest.fixture
def serving(valkey: Server, client: Redis, tmp_path: Path, told: Told) -> Serving:
    """Makes services on one store and one directory of keys: ``async with serving() as s``."""

    @asynccontextmanager
    async def serve(
        settings: Settings | None = None,
        now: Callable[[], float] = time.time,
        crowded: Callable[[], bool] = lambda: False,
        told: Told = told,
        stage: Stage = nowhere,
    ) -> AsyncIterator[PollService]:
        service = PollService(
            PollStore.at(valkey.url),
            PollKeys(tmp_path / "poll-keys"),
            settings or Settings(),
            on_tally=told.tallies.append,
            on_poll=told.polls.append,
            crowded=crowded,
            now=now,
            stage=stage,
        )
        await service.start()
        try:
            yield service
        finally:
            await service.stop()

    return serve


@pytest.fixture
async def service(serving: Serving) -> AsyncIterator[PollService]:
    """A started PollService."""
    async with serving() as service:
        yield service


Asking = Callable[..., Awaitable[Poll]]


@pytest.fixture
def ask(service: PollService) -> Asking:
    """Creates and opens a poll with three choices."""

    async def ask(duration_seconds: int | None = None) -> Poll:
        poll = await service.create(
            "alef", "Where first?", ["North", "South", "East"], "HQ", duration_seconds
        )
        return await service.open(poll.id)

    return ask


def ballot(poll: Poll | str, choice: str = "1", ballot_id: str | None = None) -> Ballot:
    """A ballot with random ids."""
    name = poll if isinstance(poll, str) else poll.id
    return Ballot(name, (choice,), ballot_id or secrets.token_hex(16), secrets.token_hex(16))


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Returns once ``condition()`` holds; fails after a generous while."""
    async with asyncio.timeout(seconds):
        while True:
            if condition():
                return
            await asyncio.sleep(0.005)
