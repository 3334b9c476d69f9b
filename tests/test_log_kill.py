"""kill -9 of a whole streamd amid votes: its published log goes on, every receipt in it."""

from __future__ import annotations

import base64
import secrets
import time
from pathlib import Path

from polling import log, merkle
from polling.log import Checkpoint, CloseStatement
from polling.notes import NoteKey
from polling.receipts import SignedReceipt
from tests.server import running
from tests.web.client import Client


def until_found(client: Client, path: str) -> str:
    deadline = time.monotonic() + 40
    while (answer := client.ask("GET", path)).status != 200:
        assert time.monotonic() < deadline, answer.body
        time.sleep(0.1)
    return answer.body.decode()


def test_a_killed_streamd_goes_on_with_its_log(tmp_path: Path) -> None:
    asked = {"question": "Which?", "choices": ["One", "Two"], "open": True}
    with running(tmp_path) as first:
        stream_key, voter = first.new_key("alef"), Client(first)
        voter.ask("GET", "/")
        assert voter.prove().status == 200
        polls = [
            voter.ask("POST", "/api/v1/streams/alef/polls", asked, key=stream_key).json["id"]
            for _ in range(5)
        ]
        key = NoteKey.parse(voter.ask("GET", "/api/v1/log/key").body.decode())
        receipts, before = [], []
        for poll in polls:
            ballot = {
                "choices": ["2"],
                "ballot_id": secrets.token_hex(16),
                "nonce": secrets.token_hex(16),
            }
            receipts.append(voter.ask("POST", f"/api/v1/polls/{poll}/votes", ballot).json)
            note = until_found(voter, f"/api/v1/polls/{poll}/checkpoint")
            before.append(Checkpoint.open(note, key))
        first.process.kill()
        first.process.wait()

    with running(tmp_path) as second:
        organiser = Client(second)
        for poll, receipt, earlier in zip(polls, receipts, before, strict=True):
            base = f"/api/v1/polls/{poll}"
            assert SignedReceipt.of(receipt).holds(key)
            assert organiser.ask("POST", f"{base}/close", {}, key=stream_key).status == 200
            note = until_found(organiser, f"{base}/close-statement")
            statement = CloseStatement.open(note, key)
            assert statement.tally["counts"] == {"1": 0, "2": 1}
            newest = statement.checkpoint
            proof = organiser.ask("GET", f"{base}/proof/{receipt['ballot_id']}").json
            leaf = log.ballot_leaf(poll, receipt["ballot_id"])
            path = [base64.b64decode(one) for one in proof["path"]]
            assert merkle.is_included(leaf, proof["index"], newest.size, path, newest.root)
            grown = organiser.ask("GET", f"{base}/consistency?from={earlier.size}").json
            path = [base64.b64decode(one) for one in grown["path"]]
            assert merkle.is_consistent(earlier.size, earlier.root, newest.size, newest.root, path)
