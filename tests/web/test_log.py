"""The logs over HTTP, in a real streamd: from a signed receipt to a proof and a statement."""

from __future__ import annotations

import base64
import json
import secrets
import time
from typing import Any

import pytest

from polling import log, merkle
from polling.log import Checkpoint, CloseStatement
from polling.notes import NoteKey
from polling.receipts import SignedReceipt
from tests.server import Server
from tests.web.client import Answer, Client

DEADLINE_SECONDS = 30


def ask_until(client: Client, path: str, status: int = 200) -> Answer:
    """What ``path`` answers once it answers with ``status``."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while (answer := client.ask("GET", path)).status != status:
        assert time.monotonic() < deadline, f"{path}: {answer.status} {answer.body!r}"
        time.sleep(0.2)
    return answer


@pytest.fixture
def key(visitor: Client) -> NoteKey:
    return NoteKey.parse(visitor.ask("GET", "/api/v1/log/key").body.decode())


@pytest.fixture
def voted(visitor: Client, poll: dict[str, Any]) -> dict[str, Any]:
    """A vote's receipt."""
    ballot = {
        "choices": ["1"],
        "ballot_id": secrets.token_hex(16),
        "nonce": secrets.token_hex(16),
    }
    answer = visitor.ask("POST", f"/api/v1/polls/{poll['id']}/votes", ballot)
    assert answer.status == 200
    receipt: dict[str, Any] = answer.json
    return receipt


def test_a_receipt_is_completed_by_a_proof_and_the_poll_by_a_statement(
    visitor: Client, key: NoteKey, voted: dict[str, Any], stream_key: str
) -> None:
    receipt = SignedReceipt.of(voted)
    assert receipt.holds(key)
    base = f"/api/v1/polls/{voted['poll']}"
    early = visitor.ask("GET", f"{base}/proof/{voted['ballot_id']}")
    assert early.status == 404
    assert early.json["type"].endswith(":not_merged")
    assert early.headers["Retry-After"] == "5"
    assert early.headers["Access-Control-Allow-Origin"] == "*"
    assert visitor.ask("GET", f"{base}/close-statement").json["type"].endswith(":not_merged")
    empty = Checkpoint.open(ask_until(visitor, f"{base}/checkpoint").body.decode(), key)
    assert (empty.size, empty.root) == (0, merkle.EMPTY_ROOT)

    # Closing merges what waits at once.
    assert visitor.ask("POST", f"{base}/close", {}, key=stream_key).status == 200
    signed = ask_until(visitor, f"{base}/close-statement")
    assert signed.headers["Content-Type"] == "text/plain; charset=utf-8"
    statement = CloseStatement.open(signed.body.decode(), key)
    assert statement.tally["counts"] == {"1": 1, "2": 0, "3": 0}
    assert statement.identities["device"] >= 1

    proof = visitor.ask("GET", f"{base}/proof/{voted['ballot_id']}").json
    checkpoint = Checkpoint.open(proof["checkpoint"], key)
    assert checkpoint == statement.checkpoint
    assert checkpoint.origin == proof["log"] == voted["log"] == f"localhost/{voted['poll']}"
    leaf = log.ballot_leaf(voted["poll"], voted["ballot_id"])
    path = [base64.b64decode(one) for one in proof["path"]]
    assert merkle.is_included(leaf, proof["index"], checkpoint.size, path, checkpoint.root)

    grown = visitor.ask("GET", f"{base}/consistency?from=0").json
    assert (grown["from"], grown["to"], grown["path"]) == (0, 1, [])
    assert figures(visitor)["leaves_total"] >= 1
    assert figures(visitor)["completed_total"] >= 1
    assert figures(visitor)["forks_total"] == 0
    tile = visitor.ask("GET", f"{base}/log/tile/0/000.p/1")
    assert tile.body == leaf
    assert "immutable" in tile.headers["Cache-Control"]
    assert tile.headers["Content-Type"] == "application/octet-stream"
    assert visitor.ask("GET", f"{base}/log/checkpoint").body.decode() == proof["checkpoint"]
    assert visitor.ask("GET", f"{base}/proof/{'0' * 32}").json["type"].endswith(":not_in_log")
    assert visitor.ask("GET", f"{base}/openings.jsonl").json["type"].endswith(":not_in_log")


def figures(client: Client) -> dict[str, float]:
    """The polls' logs in /metrics."""
    lines = client.ask("GET", "/metrics").body.decode().splitlines()
    rows = [line.removeprefix("streamd_poll_log_").split() for line in lines if "poll_log" in line]
    return {name: float(value) for name, value, *more in rows if not more}


def test_a_ballot_that_waits_for_the_log_is_seen_in_the_metrics(
    visitor: Client, voted: dict[str, Any], stream_key: str
) -> None:
    deadline = time.monotonic() + 20
    while figures(visitor)["ballots_waiting"] < 1:
        assert time.monotonic() < deadline, figures(visitor)
        time.sleep(0.05)
    shown = figures(visitor)
    assert shown["polls"] >= 1
    assert 0 <= shown["oldest_wait_seconds"] < 60
    closed = visitor.ask("POST", f"/api/v1/polls/{voted['poll']}/close", {}, key=stream_key)
    assert closed.status == 200


def test_a_standard_tool_gets_the_key_by_the_logs_own_name(
    visitor: Client, key: NoteKey, poll: dict[str, Any]
) -> None:
    answer = visitor.ask("GET", f"/api/v1/log/key?poll={poll['id']}")
    named = NoteKey.parse(answer.body.decode())
    note = ask_until(visitor, f"/api/v1/polls/{poll['id']}/checkpoint").body.decode()
    assert named == key.named(f"localhost/{poll['id']}")
    assert named.open(note).startswith(f"localhost/{poll['id']}\n0\n")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/log/key?poll=../x", 404),
        ("/api/v1/polls/aaaaaaaaaa/checkpoint", 404),
        ("/api/v1/polls/..%2f..%2fsecrets/checkpoint", 404),
        ("/api/v1/polls/{poll}/consistency", 400),
        ("/api/v1/polls/{poll}/consistency?from=-1", 400),
        ("/api/v1/polls/{poll}/consistency?from=9", 404),
        ("/api/v1/polls/{poll}/log/tile/0/000", 404),
        ("/api/v1/polls/{poll}/log/tile/../checkpoint", 404),
        ("/api/v1/polls/{poll}/log/tile/entries/000", 404),
        ("/api/v1/polls/{poll}/proof/none", 404),
    ],
)
def test_what_a_log_has_not_got(
    visitor: Client, poll: dict[str, Any], path: str, status: int
) -> None:
    ask_until(visitor, f"/api/v1/polls/{poll['id']}/checkpoint")
    answer = visitor.ask("GET", path.format(poll=poll["id"]))
    assert answer.status == status
    assert json.loads(answer.body)["status"] == status


def test_the_key_outlives_a_restart(server: Server, key: NoteKey) -> None:
    seed = (server.home / "secrets" / "log.key").read_bytes()
    assert len(seed) == 32
    assert (server.home / "secrets" / "log.key").stat().st_mode & 0o077 == 0
