"""What a ``recount`` poll opens at its close: answer and nonce of every leaf, in their order."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from polling import log
from polling.ledger_files import LedgerFiles
from polling.log_files import LogFiles
from polling.model import Poll


def openings(files: LogFiles, segments: LedgerFiles, poll: Poll) -> Iterator[str]:
    """Lines ``{"ballot_id", "nonce", "answer"}``, one a leaf. One batch is in memory at a time."""
    drained = {shard: segments.read(poll.id, shard) for shard in segments.shards(poll.id)}
    for batch in files.batches:
        rows = []
        for shard, upto in batch.cursors.items():
            for entry in drained[shard]:
                if not entry.get("superseded"):
                    rows.append(_opening(poll.id, entry))
                if entry["seq"] >= upto:
                    break
        yield from (line for _, line in sorted(rows))


def _opening(poll: str, entry: Mapping[str, str]) -> tuple[bytes, str]:
    ballot_id, nonce, answer = entry["ballot_id"], entry["nonce"], entry["answer"]
    leaf = log.ballot_leaf(poll, ballot_id, log.commitment(bytes.fromhex(nonce), answer))
    opened = {"ballot_id": ballot_id, "nonce": nonce, "answer": answer}
    return leaf, json.dumps(opened, separators=(",", ":")) + "\n"
