"""What ``ballots`` keeps of a ballot, pure: where to find it, and what a retry must prove.

A poll's ``ballots`` lead from a digest of the ballot id to its position and a check. Both are
short because this is what each voter takes in the store's memory.

The digest is 12 bytes of BLAKE2b under a key that the poll's draft is given at random. The first
12 bytes of the id itself would not do, nor would a digest without a key: ballot ids are the
voter's to choose, so a voter could make two that are one here, have the first one counted and be
given a signed receipt for the second, which the log can never show. The key stands in the store
beside the poll and is never shown; whoever has it has the ballots already.

The check is 2 bytes of SHA-256(nonce ‖ answer). A retry gets its receipt only with the nonce that
its ballot came with: otherwise whoever knows a ballot id could send it with one answer after the
other, and the one that is not refused would be the voter's. Without the nonce the check says
nothing, for every answer has nonces that fit. A client that sends a ballot id again with another
answer or nonce is refused, except once in 65,536 times: then it is told that its ballot is
counted, which is so, though with the answer that it sent first.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from typing import Final

DIGEST_BYTES: Final = 12
CHECK_BYTES: Final = 2
SALT_BYTES: Final = 16
_POSITION_BYTES: Final = 3


def new_salt() -> bytes:
    """The key of one poll's digests."""
    return secrets.token_bytes(SALT_BYTES)


def digests(salt: bytes, ballot_ids: Iterable[bytes]) -> list[bytes]:
    """Under which field of ``ballots`` each ballot stands."""
    # A copy of a keyed state is two thirds of a new one's time.
    copy = hashlib.blake2b(key=salt, digest_size=DIGEST_BYTES).copy
    made = []
    for ballot_id in ballot_ids:
        state = copy()
        state.update(ballot_id)
        made.append(state.digest())
    return made


def check(nonce: bytes, answer: bytes) -> bytes:
    """What a retry must match; ``answer`` is its canonical text in UTF-8."""
    return hashlib.sha256(nonce + answer).digest()[:CHECK_BYTES]


def kept_receipt(seq: int, nonce: bytes, answer: str) -> bytes:
    """What ``ballots`` holds for a ballot: position, then check."""
    size = max(_POSITION_BYTES, (seq.bit_length() + 7) // 8)
    return seq.to_bytes(size) + check(nonce, answer.encode())
