"""Receipts: a batch's signature covers each of them alone, and nothing else."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import replace

import pytest

from polling.errors import NoteRejected
from polling.notes import NoteSigner
from polling.receipts import TITLE, Promise, ReceiptSigner, SignedReceipt

NOTES = NoteSigner("vote.example", b"s" * 32)
SIGNER = ReceiptSigner(NOTES)


def signed(count: int, shard: int = 3) -> list[SignedReceipt]:
    batch = [(os.urandom(16).hex(), number + 1) for number in range(count)]
    origin = SIGNER.origin("abcdefghij")
    return [
        SignedReceipt(Promise("abcdefghij", ballot_id, shard, seq, origin), sig)
        for (ballot_id, seq), sig in zip(
            batch, SIGNER.sign("abcdefghij", shard, batch), strict=True
        )
    ]


@pytest.mark.parametrize("count", [*range(1, 34), 500])
def test_each_receipt_of_a_batch_holds_and_no_other_does(count: int) -> None:
    receipts = signed(count)
    for place, receipt in enumerate(receipts):
        assert receipt.holds(NOTES.key)
        neighbour = receipts[place - 1].sig
        assert count == 1 or not replace(receipt, sig=neighbour).holds(NOTES.key)
    last = receipts[-1]
    for change in ({"seq": 9}, {"shard": 4}, {"ballot_id": "0" * 32}, {"poll": "x"}, {"log": "x"}):
        changed = replace(last, promise=replace(last.promise, **change))
        if changed.promise != last.promise:
            assert not changed.holds(NOTES.key)
    assert not last.holds(NoteSigner("vote.example", b"t" * 32).key)


def test_a_batch_of_one_is_a_plain_signature() -> None:
    (receipt,) = signed(1)
    raw = base64.b64decode(receipt.sig)
    assert len(raw) == 64 + 2 + 2
    assert raw[64:] == b"\0\0\0\1"


def test_a_signature_over_receipts_is_over_nothing_else() -> None:
    assert b" " in TITLE.split(b"\n")[0], "no origin has a space: no checkpoint begins so"


def test_the_signed_text_is_canonical_json() -> None:
    promise = signed(1)[0].promise
    assert json.loads(promise.text) == {
        "poll": "abcdefghij",
        "ballot_id": promise.ballot_id,
        "shard": 3,
        "seq": 1,
        "log": "vote.example/abcdefghij",
    }
    assert promise.text.startswith('{"ballot_id":"')
    assert promise.text.endswith(
        ',"log":"vote.example/abcdefghij","poll":"abcdefghij","seq":1,"shard":3}'
    )


def test_a_receipt_reads_back_from_json_with_other_fields_beside() -> None:
    (receipt,) = signed(1)
    fields = {**json.loads(receipt.promise.text), "sig": receipt.sig, "choices": ["1"]}
    assert SignedReceipt.parse(json.dumps(fields, indent=2)) == receipt


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"poll":"a","ballot_id":"b","shard":true,"seq":1,"log":"c","sig":""}',
        '{"poll":"a","ballot_id":"b","shard":0,"seq":1.5,"log":"c","sig":""}',
        '{"poll":"a","ballot_id":"b","shard":0,"seq":1,"log":"c"}',
        "[" * 100_000,
    ],
)
def test_what_is_no_receipt(text: str) -> None:
    with pytest.raises(NoteRejected):
        SignedReceipt.parse(text)


@pytest.mark.parametrize("sig", ["", "AAAA", "!", base64.b64encode(b"\0" * 67).decode()])
def test_broken_signatures_do_not_hold(sig: str) -> None:
    assert not replace(signed(1)[0], sig=sig).holds(NOTES.key)


def test_batches_have_bounds() -> None:
    for batch in ([], [("0" * 32, 1)] * 65_536):
        with pytest.raises(ValueError, match="cannot be signed"):
            SIGNER.sign("abcdefghij", 0, batch)
