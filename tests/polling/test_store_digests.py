from __future__ import annotations

import hashlib
import secrets

import pytest

from polling.store_digests import check, digests, kept_receipt, new_salt
from polling.store_wire import Vote, pack, shuffled


def test_digests_are_keyed_blake2b() -> None:
    salt, ids = new_salt(), [secrets.token_bytes(16) for _ in range(3)]
    made = digests(salt, ids)
    assert made == [hashlib.blake2b(one, key=salt, digest_size=12).digest() for one in ids]
    assert len({*made, *digests(new_salt(), ids)}) == 6


def test_ids_with_one_beginning_are_told_apart() -> None:
    ids = [b"a" * 12 + bytes(3) + bytes([n]) for n in range(100)]
    assert len(set(digests(new_salt(), ids))) == 100


def test_the_check_is_of_nonce_and_answer() -> None:
    nonce = secrets.token_bytes(16)
    assert check(nonce, b"1") == hashlib.sha256(nonce + b"1").digest()[:2]
    # Every answer has nonces with every check, so alone it tells nothing of the answer.
    for answer in (b"1", b"2"):
        seen = {check(n.to_bytes(16), answer)[0] for n in range(5_000)}
        assert len(seen) == 256


@pytest.mark.parametrize(
    ("seq", "position"),
    [
        (1, b"\0\0\x01"),
        (2**24 - 1, b"\xff\xff\xff"),
        (2**24, b"\x01\0\0\0"),
        (2**40, b"\x01" + bytes(5)),
    ],
)
def test_a_kept_receipt_is_position_and_check(seq: int, position: bytes) -> None:
    assert kept_receipt(seq, b"n" * 16, "~é") == position + check(b"n" * 16, "~é".encode())


def test_a_batch_carries_what_a_kept_receipt_is_made_of() -> None:
    salt = new_salt()
    votes = [
        Vote(bytes([n]) * 16, secrets.token_bytes(16), f"~é{n % 3}", secrets.token_bytes(16), ())
        for n in range(40)
    ]
    packed = pack(votes, shuffled(40), 1.0, salt)
    for vote, digest in zip(votes, digests(salt, [one.ballot_id for one in votes]), strict=True):
        assert digest in packed
        assert check(vote.nonce, vote.answer.encode()) in packed
