from __future__ import annotations

import json
import time
import urllib.request
from pathlib import Path

import pytest

from loadtests.errors import WorkerFailed
from loadtests.served import STREAM, streamd


def test_the_card_server_is_live_and_its_polls_can_be_audited(tmp_path: Path) -> None:
    with streamd(tmp_path / "var", ("-m", "loadtests.card_server", "opus")) as served:
        asked = {"question": "Which?", "choices": ["One", "Two"], "open": True}
        poll = served.post(f"/api/v1/streams/{STREAM}/polls", asked)
        assert poll["state"] == "open"
        [audit] = served.audit([poll["id"]])
        assert audit["ok"]
        assert audit["total"] == 0
        assert served.secret.exists()
        deadline = time.monotonic() + 30
        state = ""
        while state != "live" and time.monotonic() < deadline:
            with urllib.request.urlopen(f"{served.url}/api/v1/streams/{STREAM}") as answer:
                state = json.load(answer)["state"]
        assert state == "live"
        store = served.store_pid
        assert store > 0
        process = served.process
    assert process.returncode == 0
    assert not Path(f"/proc/{store}").exists()


def test_a_server_that_does_not_start_is_quoted(tmp_path: Path) -> None:
    with (
        pytest.raises(WorkerFailed, match=r"did not start(.|\n)*no-such-command"),
        streamd(tmp_path / "var", ("-m", "streamd", "no-such-command")),
    ):
        pass
