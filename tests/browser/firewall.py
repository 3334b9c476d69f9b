"""A network whose firewall drops UDP: two namespaces in a row, the first one forwarding TCP alone.

The machine and the inner namespace see each other's addresses; what the firewall drops, it drops
without a word, so that neither side learns of it but by waiting.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from loadtests.namespace import Namespace, namespace

_FIRST, _MOVED = "10.214", "10.215"
_UDP = ("rule", "add", "pref", "10", "ipproto", "udp", "blackhole")


@dataclass(frozen=True)
class Firewalled:
    """``name``: the inner namespace. ``host``: this machine's address, as it is seen from there."""

    name: str
    host: str
    firewall: Namespace

    def open(self) -> None:
        """From now on UDP passes."""
        _ip("-n", self.firewall.name, "rule", "del", "pref", "10")

    def move(self) -> None:
        """The inner side gets another address, as a phone does between Wi-Fi and mobile data."""
        _ip("-n", self.name, "addr", "flush", "dev", "out0")
        _join(self.name, self.firewall, _MOVED)

    def chromium(self, folder: Path, chromium: str) -> Path:
        """A program that runs Chromium inside."""
        program = folder / "chromium-inside"
        program.write_text(f'#!/bin/sh\nexec ip netns exec {self.name} {chromium} "$@"\n')
        program.chmod(0o755)
        return program


@contextlib.contextmanager
def firewalled() -> Iterator[Firewalled]:
    """Makes both namespaces and removes them. Raises Unprepared where that takes other rights."""
    with namespace() as firewall:
        name = f"{firewall.name}-in"
        _ip("netns", "add", name)
        try:
            _ip("-n", firewall.name, "link", "add", "in0", "type", "veth", "peer", "name", "out0",
                "netns", name)  # fmt: skip
            for place, link in ((firewall.name, "in0"), (name, "out0"), (name, "lo")):
                _ip("-n", place, "link", "set", link, "up")
            _join(name, firewall, _FIRST)
            forwarding = "echo 1 > /proc/sys/net/ipv4/ip_forward"
            _run(firewall.inside(["sh", "-c", forwarding]))
            _ip("-n", firewall.name, *_UDP)
            yield Firewalled(name, firewall.host, firewall)
        finally:
            _ip("netns", "del", name)


def _join(name: str, firewall: Namespace, network: str) -> None:
    """Gives both ends of the inner link an address of ``network``, and everybody the way there."""
    _, _, third, fourth = firewall.host.split(".")
    base, outer, inner = (f"{network}.{third}.{int(fourth) + last}" for last in (-1, 0, 1))
    _ip("-n", firewall.name, "addr", "add", f"{outer}/30", "dev", "in0")
    _ip("-n", name, "addr", "add", f"{inner}/30", "dev", "out0")
    _ip("-n", name, "route", "add", "default", "via", outer)
    _ip("route", "add", f"{base}/30", "via", firewall.guest)


def _ip(*arguments: str) -> None:
    _run(["ip", *arguments])


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=30)
