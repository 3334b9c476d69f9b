"""Polls over real HTTP: asking of every kind, rules, edits, schedules; what is hidden from whom."""

from __future__ import annotations

import secrets
import time
from typing import Any

import pytest

from tests.server import Server
from tests.web.client import Client, ballot
from tests.web.test_api import refused

AB = {"question": "Which?", "choices": ["One", "Two"]}


class Desk:
    """An organiser with the key of stream ``alef``."""

    def __init__(self, server: Server, key: str) -> None:
        self._client = Client(server)
        self._key = key

    def post(self, path: str, body: object, status: int = 200, method: str = "POST") -> Any:
        """Sends ``body`` with the key; the answer's JSON."""
        answer = self._client.ask(method, path, body, key=self._key)
        assert answer.status == status, answer.body
        return answer.json if answer.body else None

    def ask(self, **body: object) -> Any:
        """A new poll's row."""
        return self.post("/api/v1/streams/alef/polls", body, 201)

    def get(self, path: str) -> Any:
        """What the organiser is shown."""
        answer = self._client.ask("GET", path, key=self._key)
        assert answer.status == 200, answer.body
        return answer.json


@pytest.fixture
def desk(server: Server, stream_key: str) -> Desk:
    return Desk(server, stream_key)


def ids() -> dict[str, object]:
    return {"ballot_id": secrets.token_hex(16), "nonce": secrets.token_hex(16)}


def test_a_survey_from_the_question_to_the_summary(desk: Desk, visitor: Client) -> None:
    row = desk.ask(
        questions=[
            {"text": "Where?", "choices": ["North", "South"]},
            {"text": "How sure?", "kind": "rating", "scale": {"low": 0, "high": 10}},
            {"text": "In which order?", "kind": "ranking", "choices": ["a", "b", "c"]},
            {"text": "Anything else?", "kind": "text", "required": False},
        ],
        rules={"results": "after_close", "shuffle": True, "who": ["device"]},
        open=True,
    )
    assert (row["kind"], row["question"], len(row["questions"])) == ("survey", "Where?", 4)
    assert len(row["seed"]) == 32
    path = f"/api/v1/polls/{row['id']}"
    answers = {"q1": ["2"], "q2": ["7"], "q3": ["3", "1", "2"], "q4": "more water"}
    partial = {**ids(), "answers": {"q1": ["2"]}}
    assert "required" in refused(
        visitor.ask("POST", f"{path}/votes", partial), 422, "invalid_ballot"
    )
    mine = {**ids(), "answers": answers, "version": row["version"]}
    receipt = visitor.ask("POST", f"{path}/votes", mine)
    assert receipt.status == 200
    hidden = visitor.ask("GET", path).json
    assert hidden["tally"]["counts"] is None
    assert hidden["tally"]["total"] == 1
    assert (hidden["summary"], hidden["regions"]) == ({}, {})
    held = desk.get(f"{path}/answers")
    assert [one["text"] for one in held["answers"]] == ["more water"]
    desk.post(f"{path}/answers/{mine['ballot_id']}", {"verdict": "approve"}, 204)
    assert desk.get(path)["tally"]["words"]["q4"] == [["more", 1], ["water", 1]]
    assert "words" not in visitor.ask("GET", path).json["tally"]
    desk.post(f"{path}/close", {})
    shown = visitor.ask("GET", path).json
    assert shown["tally"]["counts"]["q3.3"] == 2
    assert shown["summary"]["q2"] == {"answers": 1, "mean": 7.0}
    assert shown["summary"]["q3"]["order"] == ["3", "1", "2"]
    assert shown["tier_results"] == {"device": None, "platform": None, "code": None}


def test_after_my_vote_i_see_the_tally_and_others_do_not(
    server: Server, desk: Desk, visitor: Client
) -> None:
    row = desk.ask(**AB, rules={"results": "after_vote"}, open=True)
    path = f"/api/v1/polls/{row['id']}"
    mine = ballot("1")
    assert visitor.ask("POST", f"{path}/tally", {}).json["counts"] is None
    assert visitor.ask("POST", f"{path}/votes", mine).status == 200
    named = {"ballot_id": mine["ballot_id"]}
    assert visitor.ask("POST", f"{path}/tally", named).json["counts"] == {"1": 1, "2": 0}
    stranger = Client(server)
    assert stranger.ask("POST", f"{path}/tally", {}).json["counts"] is None
    assert stranger.ask("GET", path).json["tally"]["counts"] is None
    listed = stranger.ask("GET", "/api/v1/polls?stream=alef").json["polls"]
    assert [one["tally"]["counts"] for one in listed if one["id"] == row["id"]] == [None]
    assert desk.get(path)["tally"]["counts"] == {"1": 1, "2": 0}
    refused(visitor.ask("POST", f"{path}/tally", {"ballot_id": "x"}), 422, "invalid_ballot")


def test_a_quiz_hides_its_answer_while_votes_count(desk: Desk, visitor: Client) -> None:
    row = desk.ask(**AB, kind="quiz", right=["2"], open=True)
    path = f"/api/v1/polls/{row['id']}"
    assert row["questions"][0]["right"] == ["2"]
    assert visitor.ask("GET", path).json["questions"][0]["right"] is None
    # A voter's own token is no key.
    token = visitor.ask("POST", "/api/v1/token", {}).json["token"]
    assert visitor.ask("GET", path, key=token).json["questions"][0]["right"] is None
    assert desk.post(f"{path}/show", {})["shown_at"]
    assert visitor.ask("GET", path).json["questions"][0]["right"] is None
    desk.post(f"{path}/close", {})
    assert visitor.ask("GET", path).json["questions"][0]["right"] == ["2"]


def test_a_poll_is_edited_until_somebody_votes(desk: Desk, visitor: Client) -> None:
    row = desk.ask(**AB, duration_seconds=60)
    path = f"/api/v1/polls/{row['id']}"
    edited = desk.post(
        path,
        {"question": "Who?", "choices": ["A", "B", "C"], "duration_seconds": None},
        200,
        "PATCH",
    )
    assert (edited["version"], edited["question"], edited["duration_seconds"]) == (2, "Who?", None)
    kept = desk.post(path, {"rules": {"results": "organiser"}}, 200, "PATCH")
    assert (kept["question"], kept["results"]) == ("Who?", "organiser")
    desk.post(f"{path}/open", {})
    refused(
        visitor.ask("POST", f"{path}/votes", {**ballot("1"), "version": 1}), 409, "poll_changed"
    )
    assert visitor.ask("POST", f"{path}/votes", ballot("1")).status == 200
    locked = desk.post(path, AB, 409, "PATCH")
    assert locked["type"] == "urn:streamd:problem:poll_locked"
    refused(visitor.ask("PATCH", path, AB), 401, "unauthenticated")


def test_a_scheduled_poll_is_the_organisers_own_and_opens_by_itself(
    desk: Desk, visitor: Client
) -> None:
    far = desk.ask(**AB, opens_at=time.time() + 3_600)
    assert far["state"] == "scheduled"
    path = f"/api/v1/polls/{far['id']}"
    refused(visitor.ask("GET", path), 404, "unknown_poll")
    refused(visitor.ask("POST", f"{path}/tally", {}), 404, "unknown_poll")
    refused(visitor.ask("POST", f"{path}/votes", ballot("1")), 409, "closed")
    assert desk.post(f"{path}/schedule", {"opens_at": time.time() + 0.3})["opens_at"]
    deadline = time.monotonic() + 30
    while visitor.ask("GET", path).status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert visitor.ask("POST", f"{path}/votes", ballot("1")).status == 200
    assert desk.post(f"{path}/close", {})["state"] == "closed"
    assert desk.post(f"{path}/archive", {})["state"] == "archived"
    assert visitor.ask("GET", path).json["state"] == "archived"
    late = desk.post(f"{path}/schedule", {"opens_at": time.time() + 60}, 409)
    assert late["type"] == "urn:streamd:problem:illegal_move"


def test_viewers_put_questions(server: Server, desk: Desk, visitor: Client) -> None:
    row = desk.ask(question="Ask the candidate", kind="qa", open=True)
    path = f"/api/v1/polls/{row['id']}"
    item = secrets.token_hex(16)
    held = visitor.ask("POST", f"{path}/items", {"id": item, "text": "Why  not?"})
    assert (held.status, held.json["state"], held.json["text"]) == (202, "held", "Why not?")
    assert visitor.ask("GET", path).json["tally"]["items"] == []
    refused(visitor.ask("GET", f"{path}/items"), 401, "unauthenticated")
    refused(visitor.ask("POST", f"{path}/items/{item}/upvote", {}), 404, "unknown_item")
    assert desk.get(f"{path}/items")["items"][0]["text"] == "Why not?"
    assert desk.post(f"{path}/items/{item}", {"move": "approve"})["state"] == "shown"
    for _ in range(2):
        assert visitor.ask("POST", f"{path}/items/{item}/upvote", {}).json["upvotes"] == 1
    (shown,) = visitor.ask("GET", path).json["tally"]["items"]
    assert (shown["id"], shown["upvotes"], shown["state"]) == (item, 1, "shown")
    refused(Client(server).ask("POST", f"{path}/items/{item}/upvote", {}), 401, "no_identity")
    foreign = {"id": secrets.token_hex(16), "text": "Hi"}
    answer = visitor.ask("POST", f"{path}/items", foreign, Origin="https://elsewhere.example")
    refused(answer, 403, "forbidden")
    for _ in range(2):
        more = {"id": secrets.token_hex(16), "text": "And?"}
        assert visitor.ask("POST", f"{path}/items", more).status == 202
    more = {"id": secrets.token_hex(16), "text": "And?"}
    refused(visitor.ask("POST", f"{path}/items", more), 429, "too_many_asked")
    refused(visitor.ask("POST", f"{path}/votes", ballot("1")), 422, "invalid_ballot")


def test_an_open_poll_s_deadline_is_moved(desk: Desk, visitor: Client) -> None:
    row = desk.ask(**AB, duration_seconds=60)
    path = f"/api/v1/polls/{row['id']}"
    deadline = f"{path}/deadline"
    refused_for = desk.post(deadline, {"duration_seconds": 90}, 409)
    assert refused_for["type"] == "urn:streamd:problem:illegal_move"
    row = desk.post(f"{path}/open", {})
    later = row["closes_at"] + 60
    moved = desk.post(deadline, {"closes_at": later})
    assert (moved["closes_at"], moved["ballots_until"], moved["state"]) == (later, later, "open")
    assert desk.post(deadline, {"closes_at": later})["deadlines"] == moved["deadlines"]
    moved = desk.post(deadline, {"duration_seconds": 30})
    assert moved["closes_at"] == row["opened_at"] + 30
    # What everybody may read: the poll was to close when its voters were told, and does not.
    public = visitor.ask("GET", path).json
    steps = [(one["from"], one["to"]) for one in public["deadlines"]]
    assert steps == [(row["closes_at"], later), (later, row["opened_at"] + 30)]
    assert public["rules"]["duration_seconds"] == 60
    for body, status in (
        ({}, 400),
        ({"closes_at": later, "duration_seconds": 5}, 400),
        ({"closes_at": row["opened_at"]}, 422),
        ({"duration_seconds": 0}, 422),
        ({"closes_at": later + 8 * 86_400}, 422),
    ):
        desk.post(deadline, body, status)
    refused(visitor.ask("POST", deadline, {"closes_at": later}), 401, "unauthenticated")
    desk.post(f"{path}/close", {})
    desk.post(deadline, {"closes_at": later}, 409)


def test_a_poll_for_others_says_so(desk: Desk, visitor: Client) -> None:
    row = desk.ask(**AB, rules={"who": ["code"]}, open=True)
    path = f"/api/v1/polls/{row['id']}/votes"
    answer = visitor.ask("POST", path, ballot("1"))
    refused(answer, 403, "not_eligible")
    assert answer.json["why"] == "tier"


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        ({}, 400, "bad_request"),
        ({"choices": ["a", "b"]}, 400, "bad_request"),
        ({**AB, "questions": []}, 400, "bad_request"),
        ({**AB, "open": True, "opens_at": 1.0}, 400, "bad_request"),
        ({**AB, "kind": "essay"}, 400, "bad_request"),
        ({**AB, "rules": {"results": "never"}}, 400, "bad_request"),
        ({**AB, "rules": {"secret": True}}, 400, "bad_request"),
        ({"questions": []}, 422, "invalid_poll"),
        ({**AB, "kind": "quiz"}, 422, "invalid_poll"),
        ({**AB, "rules": {"regions": ["atlantis"]}}, 422, "invalid_poll"),
        ({**AB, "rules": {"who": []}}, 422, "invalid_poll"),
        ({**AB, "opens_at": 1.0}, 422, "invalid_poll"),
    ],
)
def test_what_cannot_be_asked_is_said(
    server: Server, stream_key: str, body: dict[str, object], status: int, slug: str
) -> None:
    answer = Client(server).ask("POST", "/api/v1/streams/alef/polls", body, key=stream_key)
    refused(answer, status, slug)


def test_only_the_organiser_judges(desk: Desk, visitor: Client) -> None:
    row = desk.ask(question="Why?", kind="text", open=True)
    path = f"/api/v1/polls/{row['id']}"
    mine = {**ids(), "text": "because"}
    assert visitor.ask("POST", f"{path}/votes", mine).status == 200
    verdict = {"verdict": "approve"}
    where = f"{path}/answers/{mine['ballot_id']}"
    refused(visitor.ask("POST", where, verdict), 401, "unauthenticated")
    refused(visitor.ask("GET", f"{path}/answers"), 401, "unauthenticated")
    unknown = desk.post(f"{path}/answers/{secrets.token_hex(16)}", verdict, 404)
    assert unknown["type"] == "urn:streamd:problem:unknown_item"
    assert desk.post(where, {"verdict": "like"}, 400)["status"] == 400
    assert desk.get(f"{path}/answers?state=approved")["total"] == 0
    desk.post(where, verdict, 204)
    assert desk.get(f"{path}/answers?state=approved")["total"] == 1


def test_who_asks_is_whose_key_it_was_in_the_language_of_whoever_reads(
    server: Server, stream_key: str, visitor: Client
) -> None:
    path, asked = "/api/v1/streams/alef/polls?lang=fa", {**AB, "open": True}
    headquarters = server.new_key()
    expected = (
        (stream_key, "candidate", {"en": "Alef Azad", "fa": "الف آزاد"}),
        (headquarters, "headquarters", {"en": "Election headquarters", "fa": "ستاد انتخابات"}),
    )
    for key, kind, name in expected:
        made = visitor.ask("POST", path, asked, key=key).json
        for language, notice in (("en", "not a vote in the election"), ("fa", "رأی در انتخابات")):
            one = visitor.ask("GET", f"/api/v1/polls/{made['id']}?lang={language}").json
            listed = visitor.ask("GET", f"/api/v1/polls?stream=alef&lang={language}").json["polls"]
            for row in (one, next(row for row in listed if row["id"] == made["id"])):
                assert row["asked_by"] == {"kind": kind, "name": name}
                assert row["asker"] == name[language]
                assert notice in row["notice"]
            file = f"/api/v1/polls/{made['id']}/results.json?lang={language}"
            assert visitor.ask("GET", file).json["asked_by"] == name[language]
