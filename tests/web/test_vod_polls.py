"""A poll in a recording over real HTTP: while it is made, after a kill -9, and its late answers."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from loadtests.served import STREAM
from tests.conftest import EVENT
from tests.server import Server, running
from tests.web.client import Client, ballot
from tests.web.vod_client import rows, wait_until

DELAY_SECONDS = 1.0
SETTINGS = {
    "STREAMD_EVENT_DELAY_SECONDS": str(DELAY_SECONDS),
    "STREAMD_RECORDING_KEEP_DAYS": "0",
    "STREAMD_POLLS_GRACE_SECONDS": "0",
}
LATE = {"late": True, "results": "after_close"}


@dataclass
class Organiser:
    """Whoever broadcasts on STREAM and asks."""

    client: Client
    key: str

    def post(self, path: str, body: object) -> Any:
        answer = self.client.ask("POST", path, body, key=self.key)
        assert answer.status in (200, 201), answer.body
        return answer.json


@dataclass
class Replay:
    """A recording's polls.json as one visitor reads it."""

    client: Client
    recording: str

    def polls(self) -> list[dict[str, Any]]:
        answer = self.client.ask("GET", f"/vod/{self.recording}/polls.json")
        assert answer.status == 200, answer.body
        assert answer.headers["Content-Type"].startswith("application/json")
        assert answer.headers["Cache-Control"] == "no-cache"
        found: list[dict[str, Any]] = answer.json["polls"]
        return found

    def of(self, poll: str) -> dict[str, Any] | None:
        return next((one for one in self.polls() if one["poll"]["id"] == poll), None)

    def until(self, poll: str, *wanted: str) -> dict[str, Any]:
        """What is told of ``poll`` once ``total`` or ``late`` say what they are wanted to."""
        found: dict[str, Any] | None = None

        def is_there() -> bool:
            nonlocal found
            found = self.of(poll)
            return found is not None and all(_has(found, one) for one in wanted)

        wait_until(is_there)
        assert found is not None
        return found


def _has(found: dict[str, Any], wanted: str) -> bool:
    match wanted:
        case "answers":
            return bool(found["curve"]) and found["curve"][-1][1] == 1
        case "counts":
            return bool(found["curve"]) and found["curve"][-1][2] is not None
        case _:
            return found[wanted] is not None


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("replay")
    (home / "config.toml").write_text(EVENT.replace('"be"', f'"{STREAM}"'), encoding="utf-8")
    return home


def on_air(home: Path, source: str = "aac") -> Any:
    """A streamd that broadcasts the test card."""
    arguments = ("--config", str(home / "config.toml"))
    return running(home, source, *arguments, module="loadtests.card_server", **SETTINGS)


def marks(text: str) -> dict[str, str]:
    """A playlist's date ranges: what follows the id, by id."""
    return dict(re.findall(r'#EXT-X-DATERANGE:ID="(\d+)",(\S+)', text))


@dataclass
class Asked:
    """What was seen before the kill."""

    recording: str
    poll: str
    late: str
    told: dict[str, Any]


@pytest.fixture(scope="module")
def asked(home: Path) -> Asked:
    """A poll is asked, answered and closed on air; then the server is killed amid the broadcast."""
    with on_air(home) as server:
        asked = _ask(server)
        server.process.kill()
        server.process.wait()
    return asked


def _ask(server: Server) -> Asked:
    client = Client(server)
    wait_until(lambda: rows(client))
    recording = str(rows(client)[0]["id"])
    replay = Replay(client, recording)
    organiser = Organiser(Client(server), server.new_key(STREAM))
    question = {"question": "Which?", "choices": ["One", "Two"], "open": True, "rules": LATE}
    poll = organiser.post(f"/api/v1/streams/{STREAM}/polls", question)["id"]
    assert client.ask("GET", "/").status == client.prove().status == 200
    assert client.ask("POST", f"/api/v1/polls/{poll}/votes", ballot("2")).status == 200
    growing = replay.until(poll, "answers")
    assert growing["poll"]["state"] == "open"
    assert growing["late"] is None
    assert all(counts is None for _, _, counts in growing["curve"])
    wait_until(lambda: marks(client.ask("GET", f"/vod/{recording}/v.m3u8").body.decode()))
    listed = marks(client.ask("GET", f"/vod/{recording}/v.m3u8").body.decode())
    live = marks(client.ask("GET", f"/hls/{STREAM}/v.m3u8").body.decode())
    assert listed.items() <= live.items()
    assert f'X-POLL="{poll}",X-ACTION="open"' in "".join(listed.values())
    organiser.post(f"/api/v1/polls/{poll}/close", {})
    closed = replay.until(poll, "counts", "late")
    return Asked(recording, poll, closed["late"]["poll"], closed)


def test_the_curve_stands_on_the_broadcasts_clock(asked: Asked) -> None:
    told = asked.told
    cue, curve = told["cue"], told["curve"]
    assert told["poll"]["cue"]["lag"] >= DELAY_SECONDS
    assert cue["open"] == told["poll"]["cue"]["open"]
    assert cue["open"] < cue["close"]
    assert cue["show"] is None
    assert [total for _, total, _ in curve][-1] == 1
    assert curve[-1][2] == {"1": 0, "2": 1}
    times = [at for at, _, _ in curve]
    assert times == sorted(times)
    # The vote came before anybody saw the question; the last numbers come when ballots have ended.
    assert times[0] < cue["close"] - 0.1 < times[-1] < time.time() - DELAY_SECONDS


def test_late_answers_are_asked_apart(asked: Asked) -> None:
    late = asked.told["late"]
    # Until when it takes them.
    assert abs(late.pop("closes_at") - time.time() - 30 * 86_400) < 600
    assert late == {
        "poll": asked.late,
        "state": "open",
        "total": 0,
        "tally": {
            "poll": asked.late,
            "state": "open",
            "seq": 0,
            "total": 0,
            "counts": None,
        },
    }
    row = asked.told["poll"]
    assert row["late"] == {"poll": asked.late, "state": "open", "total": 0}


def test_after_a_kill_all_that_was_told_is_there(home: Path, asked: Asked) -> None:
    with on_air(home, "none") as server:
        client = Client(server)
        replay = Replay(client, asked.recording)
        wait_until(lambda: any(row["state"] == "finished" for row in rows(client)))
        found = replay.until(asked.poll, "late")
        before = asked.told["curve"]
        assert found["curve"][: len(before)] == before
        assert found["cue"] == asked.told["cue"]
        ended = client.ask("GET", f"/vod/{asked.recording}/v.m3u8").body.decode()
        audio = client.ask("GET", f"/vod/{asked.recording}/a.m3u8").body.decode()
        assert 'X-ACTION="open"' in "".join(marks(ended).values())
        assert marks(ended) == marks(audio)
        unknown = "/vod/nobody-20270115-080000-00000000/polls.json"
        assert client.ask("GET", unknown).status == 404
        _answer_late(server, client, replay, asked)


def _answer_late(server: Server, client: Client, replay: Replay, asked: Asked) -> None:
    """Who comes later answers, is counted apart, and is on no list of the stream."""
    assert client.ask("GET", "/").status == client.prove().status == 200
    assert client.ask("POST", f"/api/v1/polls/{asked.late}/votes", ballot("1")).status == 200
    wait_until(lambda: (replay.of(asked.poll) or {})["late"]["total"] == 1)
    found = replay.of(asked.poll)
    assert found is not None
    assert found["late"]["tally"]["counts"] is None
    assert found["poll"]["tally"]["counts"] == {"1": 0, "2": 1}
    lists = (f"/api/v1/polls?stream={STREAM}", "/api/v1/polls", "/api/v1/polls?late_of=x")
    for path in lists:
        assert asked.late not in [one["id"] for one in client.ask("GET", path).json["polls"]]
    (listed,) = client.ask("GET", f"/api/v1/polls?stream={STREAM}").json["polls"]
    assert listed["late"] == {"poll": asked.late, "state": "open", "total": 1}
    (late,) = client.ask("GET", f"/api/v1/polls?late_of={asked.poll}").json["polls"]
    assert (late["id"], late["late_of"], late["late"]) == (asked.late, asked.poll, None)
    assert client.ask("GET", f"/api/v1/polls/{asked.poll}").json["late"]["total"] == 1
    organiser = Organiser(Client(server), server.new_key(STREAM))
    row = organiser.post(f"/api/v1/polls/{asked.poll}/archive", {})
    assert row["late"] == {"poll": asked.late, "state": "archived", "total": 1}
    archived = client.ask("GET", f"/api/v1/polls/{asked.late}").json
    assert archived["tally"]["counts"] == {"1": 1, "2": 0}
