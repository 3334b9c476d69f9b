"""A Cluster of Valkey or Redis servers, where a write counts once a replica has it on disk too.

The calls for one node travel as one pipeline on one connection, and after them ``WAITAOF 1 1``:
one local and one replica's append-only file, within 200 ms. Both counts are checked; where one is
missing, the calls were not acknowledged and their caller sends them again.

The 200 ms are several waits in a row. A replica is asked for its position once, when a wait
begins; if it answers just before its fsync, its next answer comes with its second's tick, and
one wait in fifty would fail. The next wait asks again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from redis import exceptions as redis_errors
from redis.asyncio import Redis, RedisCluster

from polling.errors import StoreDown
from polling.store_single import (
    LIBRARY,
    Call,
    LibraryMissing,
    Server,
    SingleServer,
    ask,
    is_missing,
    new_client,
)

WAITS_MS: Final = (10, 20, 40, 130)
WAIT_MS: Final = sum(WAITS_MS)
_REFRESH_SECONDS = 0.05
# Errors that say: the slot is, or soon will be, on another node.
_ELSEWHERE = (
    redis_errors.MovedError,
    redis_errors.AskError,
    redis_errors.TryAgainError,
    redis_errors.ClusterDownError,
    redis_errors.ReadOnlyError,
    redis_errors.ConnectionError,
    redis_errors.SlotNotCoveredError,
    OSError,
)
# Commands whose first key comes after a script or a function's name and the number of keys.
_KEYS_COUNTED = ("FCALL", "FCALL_RO", "EVAL", "EVALSHA", "EVAL_RO")
_Node = tuple[str, int]


class NotOnDisk(StoreDown):
    """Written, but not known to be on two disks in time. Sent again, it is counted once."""

    def __init__(self, found: object) -> None:
        super().__init__(f"not on two disks in {WAIT_MS} ms: {found!r}")


class ClusterServer:
    """A Cluster, found through any of its nodes. Clients are one a node and use."""

    # WAITAOF waits for the last write of its own connection; a retry that writes nothing would
    # be acknowledged although the write it asks about went over another one.
    needs_a_write = True

    def __init__(self, url: str) -> None:
        """``url`` is ``redis://`` or ``rediss://`` of one node."""
        cluster: Any = RedisCluster.from_url(
            url, socket_connect_timeout=2, require_full_coverage=False
        )
        # Only its map of slots is used: its pipelines know nothing of WAITAOF.
        self._map = cluster
        self._options = {
            name: value
            for name, value in cluster.get_connection_kwargs().items()
            if name in ("username", "password", "connection_class") or name.startswith("ssl_")
        }
        self._writers: dict[_Node, Redis] = {}
        self._readers: dict[_Node, Redis] = {}
        self._known = False
        self._refreshed = 0.0

    async def change(self, call: Call) -> Any:
        """The reply, once the write is on two disks."""
        (reply,) = await self.change_all([call])
        return _value(reply)

    async def look_up(self, call: Call) -> Any:
        """The reply of the slot's primary."""
        (reply,) = await self.look_up_all([call])
        return reply

    async def look_up_all(self, calls: Iterable[Call]) -> list[Any]:
        """The replies of the slots' primaries."""
        return [_value(reply) for reply in await self._twice(list(calls), self._readers)]

    async def change_all(self, calls: Sequence[Call]) -> list[Any]:
        """The replies, or in their place the exceptions: NotOnDisk where WAITAOF says so."""
        return await self._twice(calls, self._writers)

    async def load(self) -> None:
        """Loads ``cast.lua`` on every primary; replicas get it from them."""
        await self._learn()
        for node in self._map.get_primaries():
            client: Any = self._client(self._writers, (node.host, int(node.port)))
            await ask(client.execute_command("FUNCTION LOAD", "REPLACE", LIBRARY))

    async def rewrite(self) -> bool:
        """Asks every node, replicas too, to write its append-only file anew."""
        await self._learn()
        started = True
        for node in self._map.get_nodes():
            client: Any = self._client(self._readers, (node.host, int(node.port)))
            try:
                await ask(client.execute_command("BGREWRITEAOF"))
            except StoreDown:
                started = False
        return started

    async def close(self) -> None:
        """Closes the connections."""
        for clients in (self._writers, self._readers):
            for client in clients.values():
                await client.aclose()
            clients.clear()
        # Not the map's own aclose: its commands were never used, so it would close nothing.
        for nodes in ("nodes_cache", "startup_nodes"):
            await self._map.nodes_manager.aclose(nodes)

    async def _twice(self, calls: Sequence[Call], clients: dict[_Node, Redis]) -> list[Any]:
        """Sends every call to its node, and those whose slot is elsewhere once more."""
        if not calls:
            return []
        await self._learn()
        replies = await self._send(calls, [None] * len(calls), clients)
        again = [place for place, reply in enumerate(replies) if _is_elsewhere(reply)]
        if again:
            await self._learn(anew=True)
            asked = [_asked_of(replies[place]) for place in again]
            second = await self._send([calls[place] for place in again], asked, clients)
            for place, reply in zip(again, second, strict=True):
                replies[place] = reply
        return replies

    async def _send(
        self, calls: Sequence[Call], asked: Sequence[_Node | None], clients: dict[_Node, Redis]
    ) -> list[Any]:
        replies: list[Any] = [None] * len(calls)
        nodes: dict[_Node, list[int]] = {}
        for place, call in enumerate(calls):
            try:
                node = asked[place] or self._node_of(call)
            except redis_errors.SlotNotCoveredError as error:
                replies[place] = error
            else:
                nodes.setdefault(node, []).append(place)

        async def send(node: _Node, places: Sequence[int]) -> None:
            try:
                sent = await self._send_to(
                    self._client(clients, node),
                    [(calls[place], asked[place] is not None) for place in places],
                    waits=clients is self._writers,
                )
            except StoreDown as error:
                sent = [error] * len(places)
            for place, reply in zip(places, sent, strict=True):
                replies[place] = reply

        if len(nodes) == 1:
            await send(*nodes.popitem())
        elif nodes:
            await asyncio.gather(*(send(*one) for one in nodes.items()))
        return replies

    async def _send_to(
        self, client: Any, calls: Sequence[tuple[Call, bool]], *, waits: bool
    ) -> list[Any]:
        async with client.pipeline(transaction=False) as pipeline:
            for call, asking in calls:
                if asking:
                    pipeline.execute_command("ASKING")
                pipeline.execute_command(*call)
            if waits:
                for milliseconds in WAITS_MS:
                    pipeline.execute_command("WAITAOF", 1, 1, milliseconds)
            found = await ask(pipeline.execute(raise_on_error=False))
        disks = found[-1] if waits else (1, 1)
        replies = []
        unread = iter(found)
        for _, asking in calls:
            if asking:
                next(unread)
            replies.append(next(unread))
        if isinstance(disks, Exception) or disks[0] < 1 or disks[1] < 1:
            return [
                reply if isinstance(reply, Exception) else NotOnDisk(disks) for reply in replies
            ]
        return replies

    def _node_of(self, call: Call) -> _Node:
        key = call[3] if call[0] in _KEYS_COUNTED else call[1]
        node = self._map.get_node_from_key(key)
        return node.host, int(node.port)

    def _client(self, clients: dict[_Node, Redis], node: _Node) -> Redis:
        client = clients.get(node)
        if client is None:
            host, port = node
            client = clients[node] = new_client("", host=host, port=port, **self._options)
        return client

    async def _learn(self, *, anew: bool = False) -> None:
        """Knows which node has which slots. Raises StoreDown where no node tells."""
        if self._known and not anew:
            return
        now = asyncio.get_running_loop().time()
        if self._known and now - self._refreshed < _REFRESH_SECONDS:
            return
        self._refreshed = now
        await ask(self._map.nodes_manager.initialize())
        self._known = True


def server_at(url: str, *, cluster: bool = False) -> Server:
    """The server, or with ``cluster`` or ``?cluster=1`` the Cluster, at ``url``."""
    url, wanted = without_cluster(url)
    return ClusterServer(url) if cluster or wanted else SingleServer.at(url)


def without_cluster(url: str) -> tuple[str, bool]:
    """``url`` without its ``cluster=1``, and whether it had that."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(name, value) for name, value in query if name != "cluster"]
    if ("cluster", "1") not in query:
        return url, False
    return urlunsplit(parts._replace(query=urlencode(kept))), True


def _value(reply: Any) -> Any:
    if isinstance(reply, redis_errors.RedisError):
        raise (LibraryMissing if is_missing(reply) else StoreDown)(str(reply)) from reply
    if isinstance(reply, Exception):
        raise reply
    return reply


def _is_elsewhere(reply: Any) -> bool:
    if isinstance(reply, StoreDown):
        reply = reply.__cause__
    return isinstance(reply, _ELSEWHERE)


def _asked_of(reply: Any) -> _Node | None:
    if isinstance(reply, redis_errors.AskError):
        return reply.host, int(reply.port)
    return None
