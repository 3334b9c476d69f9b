"""What anybody can check of a poll with its log, in sentences. Pure.

Each check takes what was fetched or kept and answers with a ``Finding``. The same checks run in
the browser, in ``static/js/verify/``.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import msgspec

from polling import log, merkle
from polling.answers import deltas_of
from polling.errors import NoteRejected
from polling.log import Checkpoint, CloseStatement, unbase64
from polling.model import Poll
from polling.notes import NoteKey
from polling.questions import Question
from polling.receipts import SignedReceipt

SUPERSEDED = (
    "This ballot is recorded and was NOT counted: the signed list of superseded ballots names it, "
    "so the server says that a later ballot of the same voter took its place. If you never changed "
    "your answer, that is false: your receipt and this signed list are the evidence; complain."
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: whether it holds, and a sentence for people that says so."""

    ok: bool
    text: str


def check_receipt(receipt: SignedReceipt, key: NoteKey) -> Finding:
    """Is the receipt the server's own promise?"""
    promise = receipt.promise
    # A key may be pinned by the server's name, or by the one log's own.
    if promise.log not in (log.origin(key.name, promise.poll), key.name):
        return Finding(
            False, f"The receipt names the log “{promise.log}”, which is not one of “{key.name}”."
        )
    if not receipt.holds(key):
        return Finding(
            False,
            f"“{key.name}” did not sign this receipt: it was changed, or is from another server.",
        )
    return Finding(True, f"“{key.name}” signed this receipt: it promised to log this ballot.")


def check_inclusion(
    receipt: SignedReceipt, proof: Mapping[str, Any], key: NoteKey
) -> tuple[Finding, Checkpoint | None]:
    """Is the ballot a leaf of a signed checkpoint of its log? The checkpoint, where it is signed.

    ``proof`` is the answer of ``/proof/{ballot_id}``.
    """
    promise = receipt.promise
    try:
        checkpoint = Checkpoint.open(str(proof.get("checkpoint")), key)
    except NoteRejected as error:
        return Finding(False, f"The log's checkpoint does not hold: {error}"), None
    if checkpoint.origin != promise.log:
        return Finding(False, "The checkpoint is of another log than the receipt names."), None
    index, committed = proof.get("index"), proof.get("commitment")
    path = proof.get("path")
    whole = (
        isinstance(index, int)
        and isinstance(path, list)
        and (committed is None or isinstance(committed, str))
    )
    if not whole:
        return Finding(False, "The server's proof is not whole."), checkpoint
    leaf = log.ballot_leaf(promise.poll, promise.ballot_id, committed)
    hashes = [unbase64(one) for one in path or ()]
    if not merkle.is_included(leaf, index or 0, checkpoint.size, hashes, checkpoint.root):
        return Finding(
            False, "The proof does not lead from this ballot to the signed checkpoint."
        ), checkpoint
    return Finding(
        True,
        f"The ballot is leaf {(index or 0) + 1:,} of the {checkpoint.size:,} in the log, under a "
        "checkpoint that the same key signed.",
    ), checkpoint


def check_commitment(proof: Mapping[str, Any], nonce: str, answer: str) -> Finding:
    """Does the leaf of a ``recount`` poll commit to this answer?"""
    try:
        expected = log.commitment(bytes.fromhex(nonce), answer)
    except ValueError:
        return Finding(False, "The nonce kept with this receipt is not hexadecimal.")
    if proof.get("commitment") != expected:
        return Finding(False, "The leaf commits to another answer than the one kept here.")
    return Finding(True, "The leaf commits to the answer kept with this receipt.")


def check_consistency(earlier: Checkpoint, later: Checkpoint, proof: Mapping[str, Any]) -> Finding:
    """Has the log only grown from one checkpoint to the other, nothing changed or taken out?"""
    if earlier.origin != later.origin:
        return Finding(False, "The two checkpoints are of different logs.")
    path = proof.get("path")
    hashes = [unbase64(one) for one in path] if isinstance(path, list) else []
    if not merkle.is_consistent(earlier.size, earlier.root, later.size, later.root, hashes):
        return Finding(
            False,
            f"The log of {later.size:,} leaves does not go on from the one of {earlier.size:,}: "
            "something was changed or taken out. Keep both checkpoints; they prove it.",
        )
    return Finding(
        True,
        f"The log has only grown, from {earlier.size:,} to {later.size:,} leaves; nothing was "
        "changed or taken out.",
    )


def check_statement(note: str, key: NoteKey, newest: Checkpoint) -> Finding:
    """Does the close statement fit the log?"""
    try:
        statement = CloseStatement.open(note, key)
    except NoteRejected as error:
        return Finding(False, f"The close statement does not hold: {error}")
    if statement.checkpoint != newest:
        return Finding(False, "The close statement is about another log than the checkpoint.")
    total, gone = statement.tally.get("total"), statement.superseded.count
    if not isinstance(total, int) or total + gone != newest.size:
        return Finding(
            False,
            f"The signed tally counts {total} ballots and {gone:,} are called superseded, but the "
            f"log has {newest.size:,}.",
        )
    issued = ", ".join(f"{count:,} {tier}" for tier, count in statement.identities.items())
    return Finding(
        True,
        f"The poll is over. The signed tally counts {total:,} ballots and {gone:,} are signed as "
        f"superseded: together exactly the {newest.size:,} leaves of the log. Identities "
        f"issued by then: {issued or 'none'}.",
    )


def check_superseded(statement: CloseStatement, rows: bytes, proof: Mapping[str, Any]) -> Finding:
    """What does the signed superseded list say of the ballot, and does ``proof`` say the same?

    ``rows`` is the list as served, b"" where the statement counts none; ``proof`` led from the
    ballot to a checkpoint.
    """
    gone = statement.superseded
    if hashlib.sha256(rows).hexdigest() != gone.sha256:
        return Finding(False, "The list of superseded ballots is not the one that was signed.")
    try:
        places = superseded_places(rows)
    except ValueError:
        places = []
    size = statement.checkpoint.size
    ascends = all(one < other for one, other in pairwise(places))
    if len(places) != gone.count or not ascends or (places and places[-1] >= size):
        return Finding(
            False,
            "The signed list of superseded ballots is not whole: each of them is named once, as a "
            "leaf of the log.",
        )
    named = proof.get("index") in set(places)
    if proof.get("superseded", named) not in (named, None):
        return Finding(False, "The server's proof and its signed list differ on this ballot.")
    if not named:
        return Finding(True, "The signed list of superseded ballots does not name it: it counts.")
    return Finding(True, SUPERSEDED)


def superseded_places(rows: bytes) -> list[int]:
    """The indices in a superseded list. Raises ValueError."""
    found = [int(line) for line in rows.splitlines()]
    if b"".join(map(log.superseded_row, found)) != rows:
        raise ValueError("not as it is written")
    return found


def recount(
    row: Mapping[str, Any],
    openings: Iterable[str | bytes],
    statement: CloseStatement,
    superseded: bytes = b"",
) -> Finding:
    """Do the opened answers make the signed log, and the signed counts?

    ``row`` is the poll as ``/api/v1/polls/{id}`` shows it, ``openings`` the lines of
    ``openings.jsonl``, ``superseded`` the list whose hash was signed.
    """
    leaves: list[bytes] = []
    gone: list[int] = []
    counts = Counter[str]()
    try:
        poll = _asked(row)
        for line in openings:
            opened = json.loads(line)
            if opened.get("superseded") is True:
                gone.append(len(leaves))
                leaf = log.ballot_leaf(statement.poll, opened["ballot_id"], opened["commitment"])
                leaves.append(leaf)
                continue
            committed = log.commitment(bytes.fromhex(opened["nonce"]), opened["answer"])
            leaves.append(log.ballot_leaf(statement.poll, opened["ballot_id"], committed))
            for counter, number in deltas_of(poll, opened["answer"]):
                counts[counter] += number
    except (ValueError, KeyError, TypeError, msgspec.ValidationError) as error:
        return Finding(False, f"The openings cannot be read: {error}")
    if merkle.root_of(b"".join(leaves)) != statement.checkpoint.root:
        return Finding(False, "The openings are not those of the signed log.")
    if b"".join(map(log.superseded_row, gone)) != superseded:
        return Finding(False, "The openings leave out others than the signed superseded list.")
    told = statement.tally.get("counts") or {}
    differing = [name for name in {*told, *counts} if told.get(name, 0) != counts.get(name, 0)]
    if differing:
        names = ", ".join(sorted(differing))
        return Finding(False, f"Recounting gives other numbers than were signed, for {names}.")
    return Finding(
        True,
        f"Recounting all {len(leaves) - len(gone):,} opened answers gives the very numbers signed.",
    )


def _asked(row: Mapping[str, Any]) -> Poll:
    questions = [
        {**question, "right": question.get("right") or ()} for question in row["questions"]
    ]
    return Poll(
        id=row["id"],
        stream=row["stream"],
        questions=msgspec.convert(questions, tuple[Question, ...]),
        asker=row["asker"],
        created_at=row["created_at"],
    )
