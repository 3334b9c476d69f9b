"""The polls' logs in a process of their own: they come, and go on when the process is killed."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from polling.log import Checkpoint, CloseStatement
from polling.notes import NoteKey
from polling.receipts import SignedReceipt
from streamd import config, poll_log_process
from streamd.poll_log_process import PollLogProcess
from streamd.poll_log_work import Work
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


async def test_it_is_started_again_after_a_start_that_fails_and_after_nonsense(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Votes are counted by whoever waits for ``run``: nothing that the process does ends it."""
    monkeypatch.setattr(poll_log_process, "AGAIN_SECONDS", 0.02)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    logs = PollLogProcess(Work(config.Store(dir=str(tmp_path)), config.Log(), "streamd"))
    task = asyncio.create_task(logs.run())
    try:
        await asyncio.sleep(0.1)
        assert (task.done(), logs.pid, logs.restarts) == (False, None, 0)
        monkeypatch.setattr(sys, "executable", program(tmp_path / "bad", "echo [; exec cat"))
        await until(task, lambda: logs.restarts >= 1)
        endless = "exec head -c 200000 /dev/zero"
        monkeypatch.setattr(sys, "executable", program(tmp_path / "long", endless))
        seen = logs.restarts
        await until(task, lambda: logs.restarts >= seen + 2)
        good = "echo '{\"followed\": 7}'; exec cat > /dev/null"
        monkeypatch.setattr(sys, "executable", program(tmp_path / "good", good))
        await until(task, lambda: logs.followed == 7)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await logs.stop()
    assert logs.pid is None


def program(path: Path, does: str) -> str:
    path.write_text(f"#!/bin/sh\n{does}\n")
    path.chmod(0o700)
    return str(path)


async def until(task: asyncio.Task[None], holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            assert not task.done(), task
            await asyncio.sleep(0.01)


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
