"""The drained ledger on disk: ``{directory}/{poll}/{shard}/{first}-{last}.jsonl``.

A segment holds the ballots of consecutive positions, one JSON object a line:
``{"seq", "ballot_id", "answer", "nonce"}``, ids and nonces in hexadecimal. Everything here blocks.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from polling import store_wire
from polling.files import put, sync


class Entry(Protocol):
    """One ballot of a ledger, as the store reads it."""

    @property
    def seq(self) -> int: ...
    @property
    def ballot_id(self) -> bytes: ...
    @property
    def answer(self) -> str: ...
    @property
    def nonce(self) -> bytes: ...


class LedgerFiles:
    """The drained ledgers of all polls under ``directory``."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def write(self, poll: str, shard: int, entries: Sequence[Entry]) -> None:
        """Puts ``entries``, of consecutive positions, on disk as one segment."""
        folder = self._directory / poll / str(shard)
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            sync(folder.parent)
        lines = [_line(entry) for entry in entries]
        path = folder / f"{entries[0].seq:012}-{entries[-1].seq:012}.jsonl"
        put(path, "".join(lines).encode())
        # No time beside a ballot, so that a backup of this folder holds none either.
        os.utime(path, (0, 0))

    def discard_after(self, poll: str, cursors: dict[int, int]) -> None:
        """Removes what was written of positions past ``cursors`` (shard → last position)."""
        for path in self._directory.glob(f"{poll}/*/*.jsonl"):
            if int(path.stem.partition("-")[0]) > cursors.get(int(path.parent.name), 0):
                path.unlink()

    def entries(self, poll: str, shard: int, upto: int) -> Iterator[store_wire.Entry]:
        """The drained ballots of one shard up to position ``upto``, for an audit."""
        for row in self.read(poll, shard):
            if row["seq"] > upto:
                return
            yield store_wire.Entry(
                row["seq"],
                bytes.fromhex(row["ballot_id"]),
                row["answer"],
                bytes.fromhex(row["nonce"]),
            )

    def read(self, poll: str, shard: int) -> Iterator[dict[str, Any]]:
        """The drained ballots of one shard, in the order of their positions."""
        for path in sorted((self._directory / poll / str(shard)).glob("*.jsonl")):
            with path.open(encoding="utf-8") as file:
                for line in file:
                    yield json.loads(line)

    def shards(self, poll: str) -> list[int]:
        """The shards of which something was drained."""
        return sorted(int(path.name) for path in (self._directory / poll).glob("*"))


def _line(entry: Entry) -> str:
    return (
        f'{{"seq":{entry.seq},"ballot_id":"{entry.ballot_id.hex()}",'
        f'"answer":{json.dumps(entry.answer)},"nonce":"{entry.nonce.hex()}"}}\n'
    )
