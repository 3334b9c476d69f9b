"""Leases on polls' logs, kept in the store beside the polls; ``lease.lua`` has the key's head.

One sequencer at a time holds a poll's lease, and only its holder can move what is published. The
token is the fence: a holder that slept through its lease finds that a newer token stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

_SCRIPT: Final = (Path(__file__).parent / "lease.lua").read_text(encoding="utf-8")

LEASE_MS: Final = 8_000
"""How long a lease outlives its holder; the rarest look at a poll renews it twice in that time."""


class _Server(Protocol):
    """The part of ``polling.store_single.Server`` that leases need."""

    async def change(self, call: tuple[Any, ...]) -> Any:
        """The reply to a command that writes. Raises StoreDown."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to publish a poll's log on from ``size`` and ``root`` (b"": nothing yet)."""

    poll: str
    token: int
    size: int
    root: bytes


class Leases:
    """The leases of one ``holder``, a name that no other process has.

    Every method raises StoreDown where the store does not answer.
    """

    def __init__(self, server: _Server, holder: str, milliseconds: int = LEASE_MS) -> None:
        self._server = server
        self._holder = holder
        self._milliseconds = milliseconds

    async def take(self, poll: str) -> Lease | None:
        """The lease, for ``milliseconds`` from now, or None while another one holds it.

        Its holder calls this again and again; the token stays the same meanwhile.
        """
        token, *head = await self._call(poll, "take", self._holder, self._milliseconds)
        return Lease(poll, token, int(head[0]), head[1]) if token else None

    async def advance(self, lease: Lease, size: int, root: bytes) -> Lease | None:
        """The lease on from there; None where it is no longer the newest, or not of this log."""
        args = (lease.token, lease.size, lease.root, size, root)
        if not await self._call(lease.poll, "advance", *args):
            return None
        return Lease(lease.poll, lease.token, size, root)

    async def release(self, lease: Lease) -> None:
        """Lets another one take it at once."""
        await self._call(lease.poll, "release", lease.token)

    async def settle(self, poll: str, shard: int, seq: int) -> None:
        """Returns once all that the shard's node had written before is as durable as it gets.

        On a Cluster a replica has it on disk by then: a failover cannot take it back.
        """
        await self._server.change(("SET", f"{{{poll}:{shard}}}:sequenced", seq))

    async def _call(self, poll: str, verb: str, *args: Any) -> Any:
        return await self._server.change(("EVAL", _SCRIPT, 1, f"{{{poll}:0}}:lease", verb, *args))
