"""What a poll's log answers: checkpoints, proofs, tiles, openings. Everything here blocks.

Reads only what ``LogFiles`` published; it may run in another process, and while a batch is being
added.
"""

from __future__ import annotations

import base64
import os
from bisect import bisect_right
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from polling import log, merkle
from polling.errors import NotInLog, NotMerged, UnknownPoll
from polling.log import SUPERSEDED_BYTES, Checkpoint, superseded_row
from polling.log_files import ROW_BYTES, read_batches
from polling.merkle import HASH_BYTES, Hashes
from polling.notes import note_text
from polling.rules import is_poll_id
from polling.tiles import Tile, lengths, subtrees

_HEX = frozenset("0123456789abcdef")


class LogReader:
    """The logs of all polls under ``directory``."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def checkpoint(self, poll: str) -> str:
        """The newest checkpoint, a signed note. Raises UnknownPoll, NotMerged."""
        note = self._text(poll, "checkpoint")
        if note is None:
            raise NotMerged(poll, "The log of this poll begins within seconds of its opening.")
        return note

    def close_statement(self, poll: str) -> str:
        """The close statement, a signed note. Raises UnknownPoll, NotMerged."""
        statement = self._text(poll, "close-statement")
        if statement is None:
            raise NotMerged(
                poll, "The statement comes when the poll is closed and every ballot is in its log."
            )
        return statement

    def openings(self, poll: str) -> Path:
        """The file of the openings. Raises UnknownPoll, NotMerged, NotInLog."""
        self.close_statement(poll)
        path = self._folder(poll) / "openings.jsonl"
        if not path.exists():
            raise NotInLog(poll, "Answers are not opened in this poll: its log proves presence.")
        return path

    def superseded(self, poll: str) -> Path:
        """The file of the superseded list. Raises UnknownPoll, NotMerged, NotInLog."""
        self.close_statement(poll)
        path = self._folder(poll) / "superseded"
        if not path.exists():
            raise NotInLog(poll, "In this poll the first vote counts: no ballot was superseded.")
        return path

    def proof(self, poll: str, ballot_id: str) -> dict[str, Any]:
        """The inclusion proof of one ballot under the newest checkpoint, for JSON.

        ``{"poll", "ballot_id", "log", "commitment", "index", "size", "path", "checkpoint",
        "superseded"}``: hashes in base64, ``commitment`` in hexadecimal or null, ``superseded``
        null until the close statement is there. Raises UnknownPoll, NotMerged, NotInLog.
        """
        note = self.checkpoint(poll)
        newest = Checkpoint.parse(note_text(note))
        if len(ballot_id) != 32 or not _HEX.issuperset(ballot_id):
            raise NotInLog(poll, "A ballot id is 32 lower-case hexadecimal characters.")
        found = self._find(poll, ballot_id, self._bounds(poll, newest.size))
        if found is None:
            raise self._absent(poll)
        index, committed = found
        path = merkle.inclusion_proof(self._hashes(poll, newest.size), index, newest.size)
        return {
            "poll": poll,
            "ballot_id": ballot_id,
            "log": newest.origin,
            "commitment": committed,
            "index": index,
            "size": newest.size,
            "path": [base64.b64encode(one).decode() for one in path],
            "checkpoint": note,
            "superseded": self._is_superseded(poll, index),
        }

    def consistency(self, poll: str, old: int, new: int | None) -> dict[str, Any]:
        """The proof that the tree of ``new`` leaves (None: the newest) begins with that of ``old``.

        ``{"log", "from", "to", "path", "checkpoint"}``. Raises UnknownPoll, NotMerged, NotInLog.
        """
        note = self.checkpoint(poll)
        newest = Checkpoint.parse(note_text(note))
        to = newest.size if new is None else new
        if not 0 <= old <= to <= newest.size:
            raise NotInLog(
                poll, f"This log has {newest.size} leaves. Ask for 0 <= from <= to <= that."
            )
        path = merkle.consistency_proof(self._hashes(poll, newest.size), old, to)
        return {
            "log": newest.origin,
            "from": old,
            "to": to,
            "path": [base64.b64encode(one).decode() for one in path],
            "checkpoint": note,
        }

    def tile(self, poll: str, tile: Tile) -> bytes:
        """The tile's hashes, one after the other. Raises UnknownPoll, NotMerged, NotInLog."""
        newest = Checkpoint.parse(note_text(self.checkpoint(poll)))
        counts = lengths(newest.size)
        count = counts[tile.level] if tile.level < len(counts) else 0
        start = tile.number * 256
        if start + tile.width > count:
            raise NotInLog(poll, "The published log has no such tile, or not yet.")
        return self._read(poll)(tile.level, start, tile.width)

    def _find(
        self, poll: str, ballot_id: str, bounds: Sequence[int]
    ) -> tuple[int, str | None] | None:
        """The ballot's leaf and commitment: by bisection in each batch, the newest first."""
        batches = list(zip([0, *bounds], bounds, strict=False))[::-1]
        rows = self._folder(poll) / "commitments"
        committed = None
        if rows.exists():
            wanted = bytes.fromhex(ballot_id)
            with _Rows(rows, ROW_BYTES) as table:
                for start, end in batches:
                    place = table.find(wanted, start, end)
                    if place is not None:
                        committed = table.row(place)[16:].hex()
                        batches = [(start, end)]
                        break
                else:
                    return None
        leaf = log.ballot_leaf(poll, ballot_id, committed)
        with _Rows(self._folder(poll) / "level-0", HASH_BYTES) as table:
            for start, end in batches:
                place = table.find(leaf, start, end)
                if place is not None:
                    return place, committed
        return None

    def _is_superseded(self, poll: str, index: int) -> bool | None:
        if self._text(poll, "close-statement") is None:
            return None
        path = self._folder(poll) / "superseded"
        rows = path.stat().st_size // SUPERSEDED_BYTES if path.exists() else 0
        with _Rows(path, SUPERSEDED_BYTES) as table:
            return table.find(superseded_row(index), 0, rows) is not None

    def _bounds(self, poll: str, size: int) -> list[int]:
        sizes = [batch.size for batch in read_batches(self._folder(poll) / "batches")]
        return sizes[: bisect_right(sizes, size)]

    def _absent(self, poll: str) -> NotMerged | NotInLog:
        if self._text(poll, "close-statement") is None:
            return NotMerged(
                poll,
                "This ballot is not in the log yet. A receipt's ballot is merged within ten "
                "seconds.",
            )
        return NotInLog(
            poll,
            "The finished log does not hold this ballot. Every ballot that was counted or replaced "
            "is in it: a signed receipt of this one proves that it was left out.",
        )

    def _hashes(self, poll: str, size: int) -> Hashes:
        # A proof asks for few hashes, most of them once.
        return subtrees(self._read(poll)) if size else _nothing

    def _read(self, poll: str) -> Callable[[int, int, int], bytes]:
        folder = self._folder(poll)

        def read(level: int, start: int, count: int) -> bytes:
            with (folder / f"level-{level}").open("rb") as file:
                return os.pread(file.fileno(), count * HASH_BYTES, start * HASH_BYTES)

        return read

    def _text(self, poll: str, name: str) -> str | None:
        try:
            return (self._folder(poll) / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def _folder(self, poll: str) -> Path:
        if not is_poll_id(poll):
            raise UnknownPoll(poll)
        return self._directory / poll


class _Rows:
    """A file of rows of one length, sorted within each batch."""

    def __init__(self, path: Path, length: int) -> None:
        self._file = path.open("rb") if path.exists() else None
        self._length = length

    def __enter__(self) -> _Rows:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def row(self, place: int) -> bytes:
        """The row at ``place``."""
        if self._file is None:
            return b""
        return os.pread(self._file.fileno(), self._length, place * self._length)

    def find(self, start_of_row: bytes, low: int, high: int) -> int | None:
        """Where in [low, high) a row begins with ``start_of_row``."""
        end = high
        while low < high:
            middle = (low + high) // 2
            if self.row(middle)[: len(start_of_row)] < start_of_row:
                low = middle + 1
            else:
                high = middle
        return low if low < end and self.row(low).startswith(start_of_row) else None


def _nothing(level: int, index: int) -> bytes:
    raise ValueError("an empty tree has no hashes")
