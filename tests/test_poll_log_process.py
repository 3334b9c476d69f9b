"""The polls' logs in a process of their own: they come, and go on when the process is killed."""

from __future__ import annotations

import os
import secrets
import signal
import time
from pathlib import Path

from polling.log import Checkpoint, CloseStatement
from polling.notes import NoteKey
from polling.receipts import SignedReceipt
from tests.server import Server, running
from tests.test_log_kill import until_found
from tests.web.client import Client


def test_logs_go_on_when_their_process_is_killed(tmp_path: Path) -> None:
    asked = {"question": "Which?", "choices": ["One", "Two"], "open": True}
    with running(tmp_path, STREAMD_POLLS_LOG_PROCESS="true") as server:
        stream_key, voter = server.new_key("alef"), Client(server)
        voter.ask("GET", "/")
        assert voter.prove().status == 200
        key = NoteKey.parse(voter.ask("GET", "/api/v1/log/key").body.decode())
        first = new_poll(voter, asked, stream_key)
        assert receipt_of(voter, first).holds(key)
        note = until_found(voter, f"/api/v1/polls/{first}/checkpoint")
        assert Checkpoint.open(note, key).origin.endswith(first)

        killed = log_process_of(server)
        os.kill(killed, signal.SIGKILL)
        second = new_poll(voter, asked, stream_key)
        assert receipt_of(voter, second).holds(key)
        for poll in (first, second):
            path = f"/api/v1/polls/{poll}"
            assert voter.ask("POST", f"{path}/close", {}, key=stream_key).status == 200
            note = until_found(voter, f"{path}/close-statement")
            statement = CloseStatement.open(note, key)
            assert statement.tally["total"] == statement.checkpoint.size == 1
            assert statement.identities["device"] == 1
        until_told(voter, "streamd_poll_log_completed_total 2.0")
        last = log_process_of(server)
        assert last != killed
        server.process.terminate()
        server.process.wait(20)
        assert not Path(f"/proc/{last}").exists()
        assert "did not end by itself" not in server.log()


def new_poll(client: Client, asked: dict[str, object], key: str) -> str:
    return str(client.ask("POST", "/api/v1/streams/alef/polls", asked, key=key).json["id"])


def receipt_of(client: Client, poll: str) -> SignedReceipt:
    ballot = {
        "choices": ["2"],
        "ballot_id": secrets.token_hex(16),
        "nonce": secrets.token_hex(16),
    }
    return SignedReceipt.of(client.ask("POST", f"/api/v1/polls/{poll}/votes", ballot).json)


def log_process_of(server: Server) -> int:
    """The process id; waits for one."""
    deadline = time.monotonic() + 40
    while True:
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
        for pid in children.read_text().split():
            command = Path(f"/proc/{pid}/cmdline")
            if command.exists() and b"streamd.poll_log_work" in command.read_bytes():
                return int(pid)
        assert time.monotonic() < deadline, "no process makes the logs"
        time.sleep(0.05)


def until_told(client: Client, line: str) -> None:
    deadline = time.monotonic() + 40
    while line not in (told := client.ask("GET", "/metrics").body.decode()):
        assert time.monotonic() < deadline, told
        time.sleep(0.1)
