"""/api/v1 over real HTTP: what it gives, and what every wrong request gets."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.server import Server
from tests.web.client import Answer, Client, ballot


def refused(answer: Answer, status: int, slug: str) -> str:
    """Checks that ``answer`` is a problem of that kind; its sentence."""
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json
    assert problem["status"] == status
    assert problem["type"] == f"urn:streamd:problem:{slug}"
    assert len(problem["detail"]) >= 15
    assert problem["detail"][-1] in ".?!"
    return str(problem["detail"])


def test_streams_come_in_rotation_with_their_candidates(visitor: Client) -> None:
    streams = visitor.ask("GET", "/api/v1/streams").json["streams"]
    assert {one["id"] for one in streams} == {"alef", "be", "pe"}
    numbers = [one["candidate"]["number"] for one in streams]
    assert numbers in ([3, 5, 8], [5, 8, 3], [8, 3, 5])
    alef = visitor.ask("GET", "/api/v1/streams/alef?lang=fa").json
    assert alef["candidate"]["name"] == "الف آزاد"
    assert alef["state"] in ("idle", "live", "stalled", "ended")


def test_a_vote_is_counted_once_and_its_receipt_repeated(
    visitor: Client, poll: dict[str, Any]
) -> None:
    path = f"/api/v1/polls/{poll['id']}/votes"
    mine = ballot("2")
    first = visitor.ask("POST", path, mine)
    assert first.status == 200
    assert first.json == {
        "poll": poll["id"],
        "ballot_id": mine["ballot_id"],
        "shard": 0,
        "seq": first.json["seq"],
        "log": f"localhost/{poll['id']}",
        "sig": first.json["sig"],
    }
    assert visitor.ask("POST", path, mine).body == first.body
    refused(visitor.ask("POST", path, {**mine, "choices": ["1"]}), 409, "ballot_conflict")
    refused(visitor.ask("POST", path, ballot("2")), 409, "already_voted")
    tally = visitor.ask("GET", f"/api/v1/polls/{poll['id']}").json["tally"]
    assert tally["counts"] == {"1": 0, "2": 1, "3": 0}
    assert tally["total"] == 1


def test_votes_that_cannot_count(
    server: Server, visitor: Client, poll: dict[str, Any], stream_key: str
) -> None:
    path = f"/api/v1/polls/{poll['id']}/votes"
    refused(visitor.ask("POST", path, ballot("9")), 422, "unknown_choice")
    refused(visitor.ask("POST", "/api/v1/polls/nosuchpoll/votes", ballot("1")), 404, "unknown_poll")
    refused(Client(server).ask("POST", path, ballot("1")), 401, "no_identity")
    refused(visitor.ask("POST", path, {**ballot("1"), "ballot_id": "xyz"}), 422, "invalid_ballot")
    refused(visitor.ask("POST", path, {"choices": "1"}), 400, "bad_request")
    refused(visitor.ask("POST", path, b"{", Content_Type="application/json"), 400, "bad_request")
    refused(visitor.ask("POST", path, b"a=1"), 415, "unsupported_media_type")
    closed = visitor.ask("POST", f"/api/v1/polls/{poll['id']}/close", {}, key=stream_key)
    assert closed.json["state"] == "closed"
    refused(visitor.ask("POST", path, ballot("1")), 409, "closed")


def test_another_site_cannot_vote_with_our_cookie(visitor: Client, poll: dict[str, Any]) -> None:
    path = f"/api/v1/polls/{poll['id']}/votes"
    for origin in ("https://elsewhere.example", "null", "http://localhost:1"):
        refused(visitor.ask("POST", path, ballot("1"), Origin=origin), 403, "forbidden")
    refused(
        visitor.ask("POST", "/api/v1/token", {}, Origin="https://elsewhere.example"),
        403,
        "forbidden",
    )


def test_a_connect_token_votes_too(server: Server, visitor: Client, poll: dict[str, Any]) -> None:
    token = visitor.ask("POST", "/api/v1/token", {}).json
    assert token["expires_in"] == 300
    assert token["tier"] == "device"
    path = f"/api/v1/polls/{poll['id']}/votes"
    assert Client(server).ask("POST", path, ballot("1"), key=token["token"]).status == 200
    refused(visitor.ask("POST", path, ballot("1")), 409, "already_voted")
    refused(Client(server).ask("POST", path, ballot("1"), key="nonsense"), 401, "unauthenticated")


def test_no_token_without_a_device(server: Server) -> None:
    refused(Client(server).ask("POST", "/api/v1/token", {}), 401, "no_identity")


def test_only_the_stream_and_the_headquarters_ask(server: Server, stream_key: str) -> None:
    client = Client(server)
    asked = {"question": "Which?", "choices": ["One", "Two"]}
    path = "/api/v1/streams/alef/polls"
    refused(client.ask("POST", path, asked), 401, "unauthenticated")
    refused(client.ask("POST", path, asked, key="sk_wrong"), 401, "unauthenticated")
    refused(client.ask("POST", path, asked, key=server.new_key("be")), 403, "forbidden")
    headquarters = server.new_key()
    refused(
        client.ask("POST", "/api/v1/streams/nobody/polls", asked, key=headquarters),
        404,
        "unknown_stream",
    )
    made = client.ask("POST", path, asked, key=headquarters)
    assert made.status == 201
    assert made.json["state"] == "draft"
    poll = made.json["id"]
    assert made.headers["Location"] == f"/api/v1/polls/{poll}"
    refused(client.ask("POST", f"/api/v1/polls/{poll}/open", {}), 401, "unauthenticated")
    refused(
        client.ask("POST", f"/api/v1/polls/{poll}/close", {}, key=stream_key), 409, "illegal_move"
    )
    assert client.ask("POST", f"/api/v1/polls/{poll}/open", {}, key=stream_key).json["opened_at"]
    listed = client.ask("GET", "/api/v1/polls?stream=alef").json["polls"]
    assert poll in [one["id"] for one in listed]


def test_drafts_are_the_organisers_own(server: Server, stream_key: str) -> None:
    client = Client(server)
    asked = {"question": "Not yet?", "choices": ["One", "Two"]}
    poll = client.ask("POST", "/api/v1/streams/alef/polls", asked, key=stream_key).json["id"]
    public = client.ask("GET", "/api/v1/polls?stream=alef").json["polls"]
    own = client.ask("GET", "/api/v1/polls?stream=alef", key=stream_key).json["polls"]
    assert poll not in [one["id"] for one in public]
    assert poll in [one["id"] for one in own]
    refused(client.ask("GET", f"/api/v1/polls/{poll}"), 404, "unknown_poll")
    assert client.ask("GET", f"/api/v1/polls/{poll}", key=stream_key).status == 200


@pytest.mark.parametrize(
    "asked",
    [
        {"question": "", "choices": ["One", "Two"]},
        {"question": "Which?", "choices": ["One"]},
        {"question": "Which?", "choices": [str(n) for n in range(11)]},
        {"question": "Which?", "choices": ["One", "One"]},
        {"question": "x" * 2_000, "choices": ["One", "Two"]},
        {"question": "Which?", "choices": ["One", "Two"], "duration_seconds": -1},
    ],
)
def test_a_poll_that_breaks_a_rule_is_refused(
    server: Server, stream_key: str, asked: dict[str, object]
) -> None:
    answer = Client(server).ask("POST", "/api/v1/streams/alef/polls", asked, key=stream_key)
    refused(answer, 422, "invalid_poll")


def test_a_poll_with_a_duration_closes_by_itself(server: Server, stream_key: str) -> None:
    client = Client(server)
    asked = {"question": "Quick?", "choices": ["Y", "N"], "duration_seconds": 5, "open": True}
    poll = client.ask("POST", "/api/v1/streams/alef/polls", asked, key=stream_key).json
    assert poll["closes_at"] == pytest.approx(poll["opened_at"] + 5)
    deadline = time.monotonic() + 30
    while client.ask("GET", f"/api/v1/polls/{poll['id']}").json["state"] != "closed":
        assert time.monotonic() < deadline
        time.sleep(0.3)


def test_health_is_for_the_key_holder(server: Server, stream_key: str) -> None:
    client = Client(server)
    refused(client.ask("GET", "/api/v1/streams/alef/health"), 401, "unauthenticated")
    health = client.ask("GET", "/api/v1/streams/alef/health", key=stream_key).json
    assert {"state", "bitrate_kbps", "fps", "keyframe_seconds", "viewers"} <= set(health)
    assert {"level", "link", "notices", "advice", "delay_seconds"} <= set(health)


def test_a_large_body_gets_413(visitor: Client, poll: dict[str, Any]) -> None:
    body = b'{"choices": ["' + b"x" * 70_000 + b'"]}'
    answer = visitor.ask(
        "POST", f"/api/v1/polls/{poll['id']}/votes", body, Content_Type="application/json"
    )
    assert "64 kB" in refused(answer, 413, "request_entity_too_large")


def test_unknown_addresses_and_methods(visitor: Client) -> None:
    refused(visitor.ask("GET", "/api/v1/nothing"), 404, "not_found")
    refused(visitor.ask("GET", "/api/v1/streams/nobody"), 404, "unknown_stream")
    answer = visitor.ask("DELETE", "/api/v1/streams")
    refused(answer, 405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]
