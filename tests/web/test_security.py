"""Who may act from where: every state-changing route, with and without an Origin."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp.test_utils import make_mocked_request

from streamd import config
from streamd.web.security import rtmp_url
from streamd.web.services import Services
from tests.server import Server
from tests.web.client import Client, ballot
from tests.web.test_api import refused

ELSEWHERE = ("", "https://elsewhere.example", "null")


@pytest.mark.parametrize("origin", ELSEWHERE)
def test_a_cookie_acts_only_from_our_pages(
    visitor: Client, poll: dict[str, Any], origin: str
) -> None:
    votes = f"/api/v1/polls/{poll['id']}/votes"
    refused(visitor.ask("POST", votes, ballot("1"), Origin=origin), 403, "forbidden")
    refused(visitor.ask("POST", "/api/v1/token", {}, Origin=origin), 403, "forbidden")


@pytest.mark.parametrize("origin", ELSEWHERE)
def test_a_bearer_does_not_open_the_door_for_a_cookie(visitor: Client, origin: str) -> None:
    answer = visitor.ask("POST", "/api/v1/token", {}, key="x", Origin=origin)
    refused(answer, 401, "unauthenticated")


@pytest.mark.parametrize("origin", ELSEWHERE)
def test_keys_and_tokens_act_from_anywhere(
    server: Server, visitor: Client, poll: dict[str, Any], stream_key: str, origin: str
) -> None:
    token = visitor.ask("POST", "/api/v1/token", {}).json["token"]
    program = Client(server)
    votes = f"/api/v1/polls/{poll['id']}/votes"
    assert program.ask("POST", votes, ballot("1"), key=token, Origin=origin).status == 200
    close = f"/api/v1/polls/{poll['id']}/close"
    refused(program.ask("POST", close, Origin=origin), 401, "unauthenticated")
    assert program.ask("POST", close, key=stream_key, Origin=origin).status == 200


def test_without_identity_and_origin_a_vote_is_told_that_it_has_no_identity(
    server: Server, poll: dict[str, Any]
) -> None:
    votes = f"/api/v1/polls/{poll['id']}/votes"
    refused(Client(server).ask("POST", votes, ballot("1"), Origin=""), 401, "no_identity")


def test_nesting_and_odd_hosts_are_refused_or_served_not_broken(
    server: Server, visitor: Client, poll: dict[str, Any]
) -> None:
    deep = b'{"choices":["1"],"x":' + b"[" * 20_000 + b"]" * 20_000 + b"}"
    votes = f"/api/v1/polls/{poll['id']}/votes"
    refused(visitor.ask("POST", votes, deep, Content_Type="application/json"), 400, "bad_request")
    assert visitor.ask("GET", "/", Host="[bad").status in (200, 400)
    assert "Traceback" not in server.log()


@pytest.mark.parametrize(
    ("rtmp", "host", "shown"),
    [
        (config.Rtmp(), "localhost:8080", "rtmp://localhost/live"),
        (config.Rtmp(port=1936), "127.0.0.1", "rtmp://127.0.0.1:1936/live"),
        (config.Rtmp(host="0.0.0.0"), "live.example:8080", "rtmp://live.example/live"),
        (config.Rtmp(host="::"), "[2001:db8::1]:8080", "rtmp://[2001:db8::1]/live"),
        (config.Rtmp(), "live.example", None),
        (config.Rtmp(enabled=False), "localhost", None),
        (config.Rtmp(port=0), "localhost", None),
    ],
)
def test_obs_is_told_an_address_that_it_can_reach(
    rtmp: config.Rtmp, host: str, shown: str | None
) -> None:
    request = make_mocked_request("GET", "/studio/alef", headers={"Host": host})
    services = cast(Services, SimpleNamespace(config=config.Config(rtmp=rtmp)))
    assert rtmp_url(request, services) == shown


def test_our_own_sockets_are_allowed_by_name(visitor: Client, server: Server) -> None:
    policy = visitor.ask("GET", "/studio/alef").headers["Content-Security-Policy"]
    assert f"ws://localhost:{server.port} " in policy
