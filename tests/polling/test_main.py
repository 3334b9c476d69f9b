from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from redis import Redis

from polling.__main__ import main
from tests.polling.conftest import Server


class Cli:
    """``python -m polling`` in this process, on the test's store."""

    def __init__(self, valkey: Server, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.options = ["--store", valkey.url, "--keys", str(home / "keys")]
        self.capsys = capsys

    def __call__(self, *arguments: str) -> tuple[int, str]:
        status = main([arguments[0], *self.options, *arguments[1:]])
        captured = self.capsys.readouterr()
        return status, (captured.out or captured.err).strip()


@pytest.fixture
def cli(valkey: Server, client: Redis, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(valkey, tmp_path, capsys)


def ask(cli: Cli) -> str:
    status, line = cli("create", "alef", "Where first?", "North", "South", "--asker", "HQ")
    assert status == 0
    poll = line.split()[0]
    assert cli("open", poll) == (0, f"{poll} open")
    return poll


def test_a_whole_poll_from_the_command_line(cli: Cli) -> None:
    poll = ask(cli)
    vote = ("cast", poll, "2", "--voter", "device:1", "--ballot-id", "b" * 32)
    status, first = cli(*vote, "--nonce", "a" * 32)
    receipt = json.loads(first)
    assert (status, receipt["poll"], receipt["seq"]) == (0, poll, 1)
    assert cli(*vote, "--nonce", "a" * 32) == (0, first)
    status, refusal = cli(*vote)
    assert (status, "already counted" in refusal) == (2, True)
    status, refusal = cli("cast", poll, "2", "--voter", "device:1")
    assert status == 2
    assert "already voted" in refusal
    assert cli("close", poll) == (0, f"{poll} closed")
    assert cli("list") == (0, f"{poll} alef closed 1 votes: Where first?")
    assert cli("audit") == (0, f"{poll} closed: sound. tally 1 = ledger 1 = voters 1")


def test_a_sheet_from_a_file_answered_and_moderated(cli: Cli, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.json"
    questions = [
        {"text": "Where?", "choices": ["North", "South"]},
        {"text": "Why?", "kind": "text"},
    ]
    sheet.write_text(json.dumps({"questions": questions, "rules": {"results": "organiser"}}))
    status, line = cli("create", "alef", "--sheet", str(sheet), "--asker", "HQ", "--json")
    row = json.loads(line)
    assert (status, row["kind"], row["results"]) == (0, "survey", "organiser")
    poll = row["id"]
    assert cli("open", poll)[0] == 0
    answers = json.dumps({"q1": ["2"], "q2": "clean water"})
    status, line = cli("cast", poll, "--answers", answers, "--voter", "a", "--tier", "code")
    assert status == 0
    ballot = json.loads(line)["ballot_id"]
    assert cli("answers", poll) == (0, f"{ballot} clean water")
    assert cli("judge", poll, ballot, "approve") == (0, f"{ballot} approved")
    tally = json.loads(cli("list", "--json")[1])["tally"]
    assert tally["counts"] == {"q1.1": 0, "q1.2": 1, "q2.answers": 1}
    assert tally["words"] == {"q2": [["clean", 1], ["water", 1]]}
    assert "sound" in cli("audit", poll)[1]
    status, text = cli("cast", poll, "--answers", "[", "--voter", "b")
    assert (status, "JSON" in text) == (2, True)


def test_a_quiz_scheduled_shown_and_archived(cli: Cli) -> None:
    asked = ("create", "alef", "Q", "a", "b", "--asker", "HQ", "--kind", "quiz", "--right", "2")
    poll = cli(*asked)[1].split()[0]
    assert cli("schedule", poll, "4000000000")[0] == 2
    assert cli("schedule", poll, str(time.time() + 3_600)) == (0, f"{poll} scheduled")
    assert cli("open", poll) == (0, f"{poll} open")
    assert json.loads(cli("show", poll, "--json")[1])["questions"][0]["right"] == ["2"]
    assert cli("close", poll) == (0, f"{poll} closed")
    assert cli("archive", poll) == (0, f"{poll} archived")
    status, text = cli("create", "alef", "--sheet", "/nowhere", "--asker", "HQ")
    assert (status, "can't be read" in text) == (2, True)


def test_the_audit_fails_when_the_numbers_differ(cli: Cli, client: Redis) -> None:
    sound, broken = ask(cli), ask(cli)
    for poll in (sound, broken):
        cli("cast", poll, "1", "--voter", "device:1")
    client.hset(f"{{{broken}:0}}:counts", "1", 2)
    status, text = cli("audit")
    assert status == 1
    assert f"{broken} open: BROKEN\n  counter 1 is 2 in the tally, 1 in the ledger" in text
    assert f"{sound} open: sound" in text
    assert cli("audit", sound)[0] == 0
    status, line = cli("audit", broken, "--json")
    assert status == 1
    assert json.loads(line)["ok"] is False


def test_nothing_to_audit(cli: Cli) -> None:
    assert cli("audit") == (0, "No polls.")


def test_an_unknown_poll(cli: Cli) -> None:
    assert cli("audit", "abcdefghij") == (2, "There is no poll “abcdefghij”.")


def test_a_store_that_is_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--store", str(tmp_path / "none.sock")]) == 2
    assert "The store does not answer" in capsys.readouterr().err


def test_help_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "polling", "--help"], capture_output=True, text=True, check=True
    )
    assert "audit" in done.stdout
