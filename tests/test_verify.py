"""``streamd verify`` against a real streamd, a lying one, and none."""

from __future__ import annotations

import contextlib
import http.server
import json
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from polling.log import Checkpoint
from polling.notes import NoteKey, NoteSigner
from polling.receipts import ReceiptSigner
from streamd.errors import VerifyFailed
from streamd.verify import Verification, read_receipt, verify
from tests.server import ROOT, Server
from tests.web.client import Client


@pytest.fixture(scope="module")
def finished(server: Server, stream_key: str) -> dict[str, Any]:
    """A recount poll that is over: its receipt with nonce and answer, and its first checkpoint."""
    voter = Client(server)
    assert voter.ask("GET", "/").status == 200
    assert voter.prove().status == 200
    asked = {
        "question": "Which?",
        "choices": ["One", "Two"],
        "rules": {"log": "recount"},
        "open": True,
    }
    poll = voter.ask("POST", "/api/v1/streams/alef/polls", asked, key=stream_key).json["id"]
    base = f"/api/v1/polls/{poll}"
    empty = until_found(voter, f"{base}/checkpoint")
    nonce = secrets.token_hex(16)
    ballot = {"choices": ["2"], "ballot_id": secrets.token_hex(16), "nonce": nonce}
    receipt = voter.ask("POST", f"{base}/votes", ballot).json
    voter.ask("POST", f"{base}/close", {}, key=stream_key)
    until_found(voter, f"{base}/close-statement")
    key = voter.ask("GET", "/api/v1/log/key").body.decode()
    return {**receipt, "nonce": nonce, "answer": "2", "_key": key, "_empty": empty}


def until_found(client: Client, path: str) -> str:
    deadline = time.monotonic() + 30
    while (answer := client.ask("GET", path)).status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return answer.body.decode()


def receipt_of(finished: dict[str, Any], **changes: Any) -> str:
    fields = {name: value for name, value in finished.items() if not name.startswith("_")}
    return json.dumps({**fields, **changes})


def wrong(found: Verification) -> list[str]:
    return [finding.text for finding in found.findings if not finding.ok]


def test_everything_holds(server: Server, finished: dict[str, Any]) -> None:
    found = verify(
        receipt_of(finished), server.url, finished["_key"], finished["_empty"], recount=True
    )
    assert found.ok, wrong(found)
    assert found.mode == "recount"
    assert not found.notes
    # Receipt, inclusion, commitment, growth, statement, recount.
    assert len(found.findings) == 6
    assert "gives the very numbers signed" in found.findings[-1].text


def test_a_replaced_ballot_is_recorded_and_not_counted(server: Server, stream_key: str) -> None:
    voter = Client(server)
    assert voter.ask("GET", "/").status == 200
    assert voter.prove().status == 200
    asked = {
        "question": "Which?",
        "choices": ["One", "Two"],
        "rules": {"log": "recount", "revote": "last"},
        "open": True,
    }
    poll = voter.ask("POST", "/api/v1/streams/alef/polls", asked, key=stream_key).json["id"]
    base = f"/api/v1/polls/{poll}"
    receipts = []
    for choice in "21":
        ballot = {
            "choices": [choice],
            "ballot_id": secrets.token_hex(16),
            "nonce": secrets.token_hex(16),
        }
        receipts.append(voter.ask("POST", f"{base}/votes", ballot).json)
    # Both are logged while the poll is open; which of them counts is told at the close.
    proofs = [until_found(voter, f"{base}/proof/{one['ballot_id']}") for one in receipts]
    assert [json.loads(proof)["superseded"] for proof in proofs] == [None, None]
    open_yet = verify(json.dumps(receipts[0]), server.url)
    assert open_yet.ok
    assert any("a later one of yours counts" in note for note in open_yet.notes)
    voter.ask("POST", f"{base}/close", {}, key=stream_key)
    until_found(voter, f"{base}/close-statement")

    first, second = (verify(json.dumps(one), server.url, recount=True) for one in receipts)
    assert first.ok, wrong(first)
    assert second.ok, wrong(second)
    assert "NOT counted" in first.findings[-2].text
    assert "does not name it: it counts" in second.findings[-2].text
    assert "Recounting all 1 opened answers" in first.findings[-1].text


def test_the_command_says_so(server: Server, finished: dict[str, Any], tmp_path: Path) -> None:
    kept, key = tmp_path / "receipt.json", tmp_path / "key"
    kept.write_text(receipt_of(finished))
    key.write_text(finished["_key"])
    saved = tmp_path / "checkpoint"
    options = ["--url", server.url, "--key", str(key), "--save", str(saved)]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "streamd", "verify", *arguments]
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)

    done = run(str(kept), *options)
    assert done.returncode == 0, done.stderr
    assert "Your ballot is recorded, once" in done.stdout
    assert done.stdout.count("✓") == 4
    again = run(receipt_of(finished), *options[:4], "--checkpoint", str(saved))
    assert again.returncode == 0, again.stderr
    assert "The log has only grown, from 1 to 1 leaves" in again.stdout
    changed = run(receipt_of(finished, seq=99), *options)
    assert changed.returncode == 1
    assert "did not sign this receipt" in changed.stdout
    assert "Keep the receipt" in changed.stderr


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seq": 7}, "did not sign this receipt"),
        ({"log": "elsewhere/abcdefghij"}, "not one of"),
        ({"nonce": "0" * 32}, "commits to another answer"),
        ({"answer": "1"}, "commits to another answer"),
        ({"nonce": "xyz"}, "not hexadecimal"),
    ],
)
def test_what_was_changed_is_found(
    server: Server, finished: dict[str, Any], changes: dict[str, Any], said: str
) -> None:
    found = verify(receipt_of(finished, **changes), server.url, finished["_key"])
    assert any(said in text for text in wrong(found))


def test_another_key_is_not_taken(server: Server, finished: dict[str, Any]) -> None:
    other = NoteSigner("localhost", b"o" * 32).key.vkey
    assert len(wrong(verify(receipt_of(finished), server.url, other))) == 2
    unpinned = verify(receipt_of(finished), server.url)
    assert unpinned.ok
    assert any("taken from the server itself" in note for note in unpinned.notes)


@pytest.mark.parametrize(
    ("text", "url", "said"),
    [
        ("{}", "", "not a whole receipt"),
        ("nonsense", "", "not JSON"),
        ("", "file:///etc/passwd", "not JSON"),
    ],
)
def test_what_cannot_be_checked(text: str, url: str, said: str) -> None:
    with pytest.raises(VerifyFailed, match=said):
        verify(text, url)


def test_servers_that_cannot_be_asked(server: Server, finished: dict[str, Any]) -> None:
    for url, said in (
        ("file:///etc", "no address"),
        ("http://localhost:9", "does not answer"),
    ):
        with pytest.raises(VerifyFailed, match=said):
            verify(receipt_of(finished), url, finished["_key"])
    unknown = receipt_of(finished, ballot_id="0" * 32)
    with pytest.raises(VerifyFailed, match="does not hold this ballot"):
        verify(unknown, server.url, finished["_key"])


def test_a_receipt_is_read_from_wherever_it_is(tmp_path: Path) -> None:
    path = tmp_path / "receipt.json"
    path.write_text('{"a": 1}')
    assert read_receipt(str(path), iter(())) == '{"a": 1}'
    assert read_receipt("-", iter(['{"b"', ": 2}"])) == '{"b": 2}'
    assert read_receipt('{"c": 3}', iter(())) == '{"c": 3}'
    with pytest.raises(VerifyFailed, match="cannot be read"):
        read_receipt(str(tmp_path / "none"), iter(()))


class Liar:
    """A server with a key of its own, that answers what it is told to."""

    def __init__(self) -> None:
        self.signer = NoteSigner("localhost", b"l" * 32)
        self.answers: dict[str, bytes] = {}
        self.url = ""

    def receipt(self) -> str:
        (sig,) = ReceiptSigner(self.signer).sign("abcdefghij", 0, [("0" * 32, 1)])
        fields = {"poll": "abcdefghij", "ballot_id": "0" * 32, "shard": 0, "seq": 1}
        return json.dumps({**fields, "log": "localhost/abcdefghij", "sig": sig})

    def checkpoint(self, size: int, root: bytes = b"r" * 32) -> str:
        return Checkpoint("localhost/abcdefghij", size, root).signed(self.signer)

    def proves(self, **fields: Any) -> None:
        proof = {"index": 0, "path": [], "commitment": None, "checkpoint": self.checkpoint(1)}
        path = f"/api/v1/polls/abcdefghij/proof/{'0' * 32}"
        self.answers[path] = json.dumps({**proof, **fields}).encode()

    @property
    def key(self) -> NoteKey:
        return self.signer.key


@pytest.fixture
def liar() -> Iterator[Liar]:
    lying = Liar()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = lying.answers.get(self.path)
            self.send_response(404 if body is None else 200)
            self.end_headers()
            with contextlib.suppress(BrokenPipeError):
                self.wfile.write(body or b"")

        def log_message(self, format: str, *args: Any) -> None:
            return

    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    lying.url = f"http://127.0.0.1:{served.server_port}"
    thread = threading.Thread(target=served.serve_forever)
    thread.start()
    yield lying
    served.shutdown()
    thread.join()
    served.server_close()


LIES: list[tuple[Callable[[Liar], dict[str, Any]], str]] = [
    (lambda liar: {}, "does not lead from this ballot"),
    (lambda liar: {"path": ["AAAA"]}, "does not lead from this ballot"),
    (lambda liar: {"path": "x"}, "not whole"),
    (lambda liar: {"index": "0"}, "not whole"),
    (lambda liar: {"checkpoint": "x"}, "checkpoint does not hold"),
    (lambda liar: {"checkpoint": liar.checkpoint(1).replace("\n1\n", "\n2\n")}, "does not hold"),
    (
        lambda liar: {
            "checkpoint": Checkpoint("localhost/other", 1, b"r" * 32).signed(liar.signer)
        },
        "another log",
    ),
]


@pytest.mark.parametrize(("lie", "said"), LIES)
def test_a_lying_proof_is_found(
    liar: Liar, lie: Callable[[Liar], dict[str, Any]], said: str
) -> None:
    liar.proves(**lie(liar))
    found = verify(liar.receipt(), liar.url, liar.key.vkey)
    assert [text for text in wrong(found) if said in text], wrong(found)


def test_a_log_that_shrank_or_changed_is_found(liar: Liar) -> None:
    liar.proves()
    larger = verify(liar.receipt(), liar.url, liar.key.vkey, liar.checkpoint(5))
    assert any("ballots were taken out" in text for text in wrong(larger))
    liar.answers["/api/v1/polls/abcdefghij/consistency?from=1&to=1"] = b'{"path": []}'
    changed = verify(liar.receipt(), liar.url, liar.key.vkey, liar.checkpoint(1, b"q" * 32))
    assert any("does not go on" in text for text in wrong(changed))
