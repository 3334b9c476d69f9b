"""One poll's log on disk, as its sequencer writes it. Everything here blocks.

    {directory}/{poll}/
      lock             held by the process that writes here
      batches          one JSON line a batch: size and root after it, how far each shard was read
      level-0, -1, …   the hashes of every level of tiles, 32 bytes each
      commitments      recount polls: per batch, sorted by ballot id, 16 bytes id and 32 commitment
      checkpoint       the newest one published
      openings.jsonl   recount polls, after the close: ballot id, nonce and answer of what counted
      superseded       after the close, where the last vote counts: which leaves did not
      close-statement  after the close: nothing more is added

A batch is there once its line in ``batches`` is on disk. Opening cuts away what a crash left behind
that, so the log always goes on from a batch that was whole.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from polling import log
from polling.errors import LogForked
from polling.files import append, cut, put, sync
from polling.log import SUPERSEDED_BYTES, Checkpoint, Mode, Superseded
from polling.merkle import EMPTY_ROOT, HASH_BYTES
from polling.tiles import TILE_BYTES, Edge, lengths

ClosePart = Literal["openings.jsonl", "superseded"]
"""A file that is shown whole at a poll's close."""

ROW_BYTES = 16 + HASH_BYTES
"""One row of ``commitments``."""


@dataclass(frozen=True, slots=True)
class LogBatch:
    """One batch: the log's ``size`` and ``root`` after it; new cursors (shard → position)."""

    size: int
    root: bytes
    cursors: Mapping[int, int]

    @property
    def line(self) -> bytes:
        """Its line in ``batches``."""
        cursors = {str(shard): seq for shard, seq in sorted(self.cursors.items())}
        fields = {
            "size": self.size,
            "root": base64.b64encode(self.root).decode(),
            "cursors": cursors,
        }
        return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def read_batches(path: Path) -> list[LogBatch]:
    """The whole lines of a file ``batches``; a torn last one is left out."""
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        fields = json.loads(line)
        cursors = {int(shard): seq for shard, seq in fields["cursors"].items()}
        found.append(LogBatch(fields["size"], base64.b64decode(fields["root"]), cursors))
    return found


class LogFiles:
    """The writer of one poll's log. One at a time, by a lock; ``close()`` lets it go."""

    def __init__(self, folder: Path, poll: str, mode: Mode, lock: int) -> None:
        self._folder = folder
        self._poll = poll
        self._mode = mode
        self._lock = lock
        self._batches = read_batches(folder / "batches")
        self._length = sum(len(batch.line) for batch in self._batches)
        self.cursors: dict[int, int] = {}
        for batch in self._batches:
            self.cursors.update(batch.cursors)
        self._recover()

    @classmethod
    def open(cls, directory: Path, poll: str, mode: Mode) -> LogFiles | None:
        """The poll's log, made where there is none; None where another process writes it."""
        folder = directory / poll
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            sync(directory)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return cls(folder, poll, mode, lock)
        except BlockingIOError:
            os.close(lock)
            return None
        except BaseException:
            os.close(lock)
            raise

    def close(self) -> None:
        """Lets another process write here."""
        os.close(self._lock)

    @property
    def size(self) -> int:
        """Leaves on disk."""
        return self._batches[-1].size if self._batches else 0

    @property
    def root(self) -> bytes:
        """The root over them."""
        return self._batches[-1].root if self._batches else EMPTY_ROOT

    @property
    def is_complete(self) -> bool:
        """Whether the close statement is published."""
        return (self._folder / "close-statement").exists()

    @property
    def batches(self) -> Sequence[LogBatch]:
        """Every batch, oldest first."""
        return self._batches

    def append(self, ballots: Iterable[tuple[str, str]], cursors: Mapping[int, int]) -> LogBatch:
        """Puts a batch on disk: (ballot id, commitment) each, in hexadecimal, and the new cursors.

        ``commitment`` is not looked at in ``presence`` polls. Not published yet.
        """
        poll, start = self._poll, self.size
        if self._mode == "recount":
            rows = list(ballots)
            leaves = sorted([log.ballot_leaf(poll, *row) for row in rows])
            packed = b"".join(sorted([bytes.fromhex(one + other) for one, other in rows]))
            append(self._folder / "commitments", packed, start * ROW_BYTES)
        else:
            leaves = sorted([log.ballot_leaf(poll, ballot_id) for ballot_id, _ in ballots])
        starts = lengths(start)
        for level, hashes in enumerate(self._edge.append(b"".join(leaves))):
            at = starts[level] if level < len(starts) else 0
            append(self._level(level), hashes, at * HASH_BYTES)
        batch = LogBatch(start + len(leaves), self._edge.root(), dict(cursors))
        # From here on the batch is there; its files' names have to be, too.
        sync(self._folder)
        append(self._folder / "batches", batch.line, self._length)
        self._length += len(batch.line)
        self._batches.append(batch)
        self.cursors.update(cursors)
        return batch

    def check_goes_on_from(self, size: int, root: bytes) -> None:
        """Raises LogForked unless this log had this size and root once: what was published last."""
        published = (size, root or EMPTY_ROOT)
        if published != (0, EMPTY_ROOT) and published not in (
            (batch.size, batch.root) for batch in self._batches
        ):
            raise LogForked(self._poll, self.size, size)

    def publish(self, checkpoint: Checkpoint, note: str) -> None:
        """Puts ``note``, the signed ``checkpoint``, where readers find it."""
        if (checkpoint.size, checkpoint.root) != (self.size, self.root):
            raise LogForked(self._poll, self.size, checkpoint.size)
        path = self._folder / "checkpoint"
        with contextlib.suppress(FileNotFoundError):
            if path.read_text(encoding="utf-8") == note:
                return
        put(path, note.encode())

    def finish(self, statement: str) -> None:
        """Publishes the close statement. Openings are to be there by now."""
        put(self._folder / "close-statement", statement.encode())

    def add(self, name: ClosePart, rows: Iterable[bytes], *, first: bool) -> None:
        """Adds to the file that ``show`` publishes; ``first``: after nothing."""
        with (self._folder / f".{name}").open("wb" if first else "ab") as file:
            file.writelines(rows)

    def show(self, name: ClosePart) -> None:
        """Publishes what was added."""
        aside = self._folder / f".{name}"
        with aside.open("rb+") as file:
            os.fsync(file.fileno())
        aside.replace(self._folder / name)
        sync(self._folder)

    def superseded(self) -> Superseded:
        """What the close statement says of the published list; of none where there is none."""
        path = self._folder / "superseded"
        if not path.exists():
            return Superseded()
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Superseded(path.stat().st_size // SUPERSEDED_BYTES, digest)

    def _recover(self) -> None:
        size = self.size
        cut(self._folder / "batches", self._length)
        cut(self._folder / "commitments", size * ROW_BYTES)
        kept = lengths(size)
        for path in self._folder.glob("level-*"):
            level = int(path.name.partition("-")[2])
            cut(path, (kept[level] if level < len(kept) else 0) * HASH_BYTES)
        tails = []
        for level, count in enumerate(kept):
            with self._level(level).open("rb") as file:
                end = count * HASH_BYTES
                file.seek(end - end % TILE_BYTES)
                tails.append(file.read())
        self._edge = Edge(size, tails)
        if self._edge.root() != self.root:
            raise LogForked(self._poll, size, size)

    def _level(self, level: int) -> Path:
        return self._folder / f"level-{level}"
