"""Results, history, hall screen and desk over real HTTP."""

from __future__ import annotations

from typing import Any

from tests.server import Server
from tests.web.client import Client, ballot
from tests.web.test_api import refused


def test_files_of_an_open_poll(server: Server, visitor: Client, poll: dict[str, Any]) -> None:
    path = f"/api/v1/polls/{poll['id']}"
    assert visitor.ask("POST", f"{path}/votes", ballot("2")).status == 200
    csv = visitor.ask("GET", f"{path}/results.csv?lang=fa")
    assert csv.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert f'filename="poll-{poll["id"]}.csv"' in csv.headers["Content-Disposition"]
    text = csv.body.decode()
    assert "رأی در انتخابات نیست" in text
    assert "answer,q1,single,2,Two,1,1.0000" in text
    told = visitor.ask("GET", f"{path}/results.json?lang=en").json
    assert told["notice"].endswith("not a vote in the election.")
    assert told["poll"]["tally"]["counts"] == {"1": 0, "2": 1, "3": 0}


def test_what_has_not_opened_or_is_hidden_is_the_organiser_s(
    server: Server, stream_key: str
) -> None:
    client = Client(server)
    asked = {"question": "?", "choices": ["a", "b"], "rules": {"results": "organiser"}}
    made = client.ask("POST", "/api/v1/streams/alef/polls", asked, key=stream_key).json
    path = f"/api/v1/polls/{made['id']}"
    refused(client.ask("GET", f"{path}/results.json"), 404, "unknown_poll")
    assert client.ask("GET", f"/polls/{made['id']}").status == 404
    client.ask("POST", f"{path}/open", {}, key=stream_key)
    assert client.ask("GET", f"{path}/results.json").json["results_hidden"] is True
    shown = client.ask("GET", f"{path}/results.json", key=stream_key).json
    assert shown["results_hidden"] is False
    assert client.ask("GET", f"/polls/{made['id']}").status == 200


def test_pages_need_no_key_and_know_their_stream(server: Server) -> None:
    client = Client(server)
    for path in ("/polls", "/polls?stream=alef", "/present/alef", "/studio/alef/desk"):
        answer = client.ask("GET", path)
        assert answer.status == 200, path
        assert "text/html" in answer.headers["Content-Type"]
    for path in ("/polls?stream=nowhere", "/present/nowhere", "/studio/nowhere/desk"):
        assert client.ask("GET", path).status == 404, path
    assert client.ask("GET", "/polls/aaaaaaaaaa").status == 404


def test_the_hall_s_link(server: Server) -> None:
    client = Client(server)
    code = client.ask("GET", "/present/alef/qr.svg")
    assert code.headers["Content-Type"].startswith("image/svg+xml")
    assert code.body.startswith(b"<?xml") or code.body.startswith(b"<svg")
    assert client.ask("GET", "/present/nowhere/qr.svg").status == 404
    # The client follows: the short link leads to the watch page.
    assert b"<streamd-player" in client.ask("GET", "/j/alef").body
    assert client.ask("GET", "/j/nowhere").status == 404
