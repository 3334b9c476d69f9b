"""What is published at a poll's close beside its statement, in the leaves' order.

In ``recount`` polls each counted leaf is opened: its answer and nonce. Where the last vote counts,
a list says which leaves are superseded; those stay sealed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from polling import log
from polling.ledger_files import LedgerFiles
from polling.log_files import LogFiles
from polling.model import Poll


@dataclass(frozen=True, slots=True)
class Opened:
    """One leaf: its ``index``, whether it is ``superseded``, its ``line`` of the openings."""

    index: int
    superseded: bool
    line: str


def openings(
    files: LogFiles,
    segments: LedgerFiles,
    poll: Poll,
    superseded: Mapping[int, Collection[int]],
) -> Iterator[Opened]:
    """Every leaf of the log. ``superseded``: shard → positions. One batch is in memory at a time.

    Lines are ``{"ballot_id", "nonce", "answer"}``, and ``{"ballot_id", "commitment", "superseded":
    true}`` of a superseded one; "" in ``presence`` polls.
    """
    drained = {shard: segments.read(poll.id, shard) for shard in segments.shards(poll.id)}
    index = 0
    for batch in files.batches:
        rows = []
        for shard, upto in batch.cursors.items():
            gone = superseded.get(shard, ())
            for entry in drained[shard]:
                rows.append(_opening(poll, entry, superseded=entry["seq"] in gone))
                if entry["seq"] >= upto:
                    break
        for _, is_superseded, line in sorted(rows):
            yield Opened(index, is_superseded, line)
            index += 1


def _opening(poll: Poll, entry: Mapping[str, str], *, superseded: bool) -> tuple[bytes, bool, str]:
    ballot_id, nonce, answer = entry["ballot_id"], entry["nonce"], entry["answer"]
    if poll.rules.log != "recount":
        return log.ballot_leaf(poll.id, ballot_id), superseded, ""
    committed = log.commitment(bytes.fromhex(nonce), answer)
    opened: dict[str, object] = {"ballot_id": ballot_id, "nonce": nonce, "answer": answer}
    if superseded:
        opened = {"ballot_id": ballot_id, "commitment": committed, "superseded": True}
    leaf = log.ballot_leaf(poll.id, ballot_id, committed)
    return leaf, superseded, json.dumps(opened, separators=(",", ":")) + "\n"
