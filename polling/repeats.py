"""Which ballot ids stand in several shards, found in bounded memory.

Ids go to a file that has no name, in 256 parts by their first byte; at the end one part after the
other is read. So a poll of ten million ballots takes 180 MB of disk and a few megabytes of memory.
"""

from __future__ import annotations

import tempfile
from typing import IO, Final

_PARTS: Final = 256
_ID_BYTES: Final = 16
_ROW_BYTES: Final = _ID_BYTES + 2
_BUFFER_BYTES: Final = 400 * _ROW_BYTES
SHOWN: Final = 1_000
"""Repeated ids that are told; past them only their number is."""


class Repeats:
    """Takes (ballot id, shard) in any order; then tells. A context: it owns a file."""

    def __init__(self) -> None:
        self._buffers = [bytearray() for _ in range(_PARTS)]
        self._places: list[list[tuple[int, int]]] = [[] for _ in range(_PARTS)]
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Repeats:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def take(self, ballot_id: bytes, shard: int) -> None:
        """Notes 16 bytes' id in a shard from 0 to 255."""
        part = ballot_id[0]
        buffer = self._buffers[part]
        buffer += ballot_id + shard.to_bytes(2)
        if len(buffer) >= _BUFFER_BYTES:
            self._spill(part)

    def found(self) -> tuple[list[bytes], int]:
        """Ids of several shards, the first ``SHOWN`` of them in their order, and how many."""
        shown: list[bytes] = []
        number = 0
        for part in range(_PARTS):
            repeated = self._repeated(part)
            shown += sorted(repeated)[: SHOWN - len(shown)]
            number += len(repeated)
        return shown, number

    def _repeated(self, part: int) -> set[bytes]:
        shard_of: dict[bytes, bytes] = {}
        repeated: set[bytes] = set()
        for rows in (*self._read(part), bytes(self._buffers[part])):
            for at in range(0, len(rows), _ROW_BYTES):
                ballot_id, shard = rows[at : at + _ID_BYTES], rows[at + _ID_BYTES : at + _ROW_BYTES]
                if shard_of.setdefault(ballot_id, shard) != shard:
                    repeated.add(ballot_id)
        return repeated

    def _spill(self, part: int) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by __exit__)
        buffer = self._buffers[part]
        self._file.seek(0, 2)
        self._places[part].append((self._file.tell(), len(buffer)))
        self._file.write(buffer)
        buffer.clear()

    def _read(self, part: int) -> list[bytes]:
        rows = []
        for start, size in self._places[part]:
            assert self._file is not None
            self._file.seek(start)
            rows.append(self._file.read(size))
        return rows
