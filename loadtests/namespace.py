"""A network namespace of its own, joined to this machine by a veth pair.

WebRTC's peers do not gather loopback addresses, and viewers do not come over it: behind a veth pair
both sides meet at real addresses, and nothing leaves this machine.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from loadtests.errors import Unprepared

_NETWORK: Final = "10.213"


@dataclass(frozen=True)
class Namespace:
    """``name`` for ``ip netns exec``; the addresses of this machine's end and of the other."""

    name: str
    host: str
    guest: str

    def inside(self, command: list[str]) -> list[str]:
        """``command`` as it is run inside."""
        return ["ip", "netns", "exec", self.name, *command]


@contextlib.contextmanager
def namespace() -> Iterator[Namespace]:
    """Makes a namespace and removes it. Raises Unprepared where that takes other rights."""
    number = os.getpid() % 16_000
    third, fourth = divmod(number * 4, 256)
    host, guest = (f"{_NETWORK}.{third}.{fourth + last}" for last in (1, 2))
    made = Namespace(f"streamd-{number}", host, guest)
    outer, inner = f"sd{number}a", f"sd{number}b"
    _ip("netns", "add", made.name)
    try:
        _ip("link", "add", outer, "type", "veth", "peer", "name", inner, "netns", made.name)
        _ip("addr", "add", f"{host}/30", "dev", outer)
        _ip("link", "set", outer, "up")
        _ip("-n", made.name, "addr", "add", f"{guest}/30", "dev", inner)
        _ip("-n", made.name, "link", "set", inner, "up")
        _ip("-n", made.name, "link", "set", "lo", "up")
        yield made
    finally:
        # The veth pair goes with it.
        _ip("netns", "del", made.name)


def _ip(*arguments: str) -> None:
    try:
        done = subprocess.run(["ip", *arguments], capture_output=True, text=True, timeout=30)
    except FileNotFoundError as error:
        raise Unprepared("Network namespaces need iproute2's “ip” command.") from error
    if done.returncode:
        raise Unprepared(
            f"“ip {' '.join(arguments)}” failed: {done.stderr.strip()}. "
            "A network namespace takes root's rights (CAP_NET_ADMIN, CAP_SYS_ADMIN)."
        )
