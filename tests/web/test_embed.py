"""The page for platforms' frames over real HTTP: whose frames, which cookies, which identity."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.proof import solved
from tests.server import Server, running
from tests.web.client import Client, ballot
from tests.web.test_api import refused
from tests.web.test_pages import page_of

MESSENGER = "https://messenger.example"
FRAMED = {"Sec_Fetch_Dest": "iframe", "Sec_Fetch_Site": "cross-site"}
CANDIDATES = "[{stream = 'alef', number = 3, name = {en = 'Alef'}}]"


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A streamd that one messenger's pages may show."""
    home = tmp_path_factory.mktemp("embed")
    settings = {
        "STREAMD_FEEDS_ORIGINS": f"['{MESSENGER}']",
        "STREAMD_EVENT_CANDIDATES": CANDIDATES,
    }
    with running(home, **settings) as server:
        yield server


def ancestors(server: Server, path: str) -> str:
    """Whose pages may show that one."""
    policy: str = (
        Client(server).ask("GET", path, Accept="text/html").headers["Content-Security-Policy"]
    )
    return policy.rpartition("frame-ancestors ")[2]


def cookies(answer: object) -> list[str]:
    found: list[str] = answer.headers.get_all("Set-Cookie", [])  # type: ignore[attr-defined]
    return found


def test_nobody_else_may_show_it_by_default(server: Server) -> None:
    assert ancestors(server, "/embed/alef") == "'self'"
    assert ancestors(server, "/watch/alef") == "'none'"


def test_configured_origins_may_show_it_and_no_other_page(carried: Server) -> None:
    assert ancestors(carried, "/embed/alef") == f"'self' {MESSENGER}"
    # What the frame says of a broadcast that is not there has to be seen in it.
    assert ancestors(carried, "/embed/nobody") == f"'self' {MESSENGER}"
    for path in ("/", "/watch/alef", "/studio/alef", "/vod", "/verify", "/nothing"):
        assert ancestors(carried, path) == "'none'"


def test_a_foreign_frame_gets_a_device_of_its_own_jar(carried: Server) -> None:
    framed = Client(carried).ask("GET", "/embed/alef?lang=fa", **FRAMED)
    [cookie] = cookies(framed)
    assert cookie.startswith("streamd_device_framed=")
    kept = {"HttpOnly", "Secure", "SameSite=None", "Partitioned", "Path=/"}
    assert kept <= set(cookie.split("; "))
    own = Client(carried).ask("GET", "/embed/alef", Sec_Fetch_Dest="document")
    [cookie] = cookies(own)
    assert cookie.startswith("streamd_device=")
    assert "SameSite=Lax" in cookie
    assert "Partitioned" not in cookie
    # A page of a site that is ours too, on another port or below another name, is not foreign.
    near = Client(carried).ask(
        "GET", "/embed/alef", Sec_Fetch_Dest="iframe", Sec_Fetch_Site="same-site"
    )
    assert cookies(near)[0].startswith("streamd_device=")


def test_a_frame_s_device_proves_itself_and_votes(carried: Server) -> None:
    client = Client(carried)
    [cookie] = cookies(client.ask("GET", "/embed/alef", **FRAMED))
    # urllib knows no localhost over which Secure cookies may go.
    held = {"Cookie": cookie.partition(";")[0]}
    assert client.ask("GET", "/api/v1/identity", **held).json == {"device": True}
    assert client.ask("GET", "/api/v1/identity").json == {"device": False}
    refused(client.ask("POST", "/api/v1/token", {}), 401, "no_identity")
    proof = solved(client.ask("GET", "/api/v1/identity/challenge", **held).json)
    paid = client.ask("POST", "/api/v1/token", {"altcha": proof}, **held)
    assert paid.json["tier"] == "device"
    [passed] = cookies(paid)
    assert passed.startswith("streamd_pass_framed=")
    assert {"Secure", "SameSite=None", "Partitioned"} <= set(passed.split("; "))
    held["Cookie"] += f"; {passed.partition(';')[0]}"
    assert client.ask("GET", "/api/v1/identity/challenge", **held).status == 204
    asked = {"question": "Which?", "choices": ["One", "Two"], "open": True}
    key = carried.new_key("alef")
    poll = client.ask("POST", "/api/v1/streams/alef/polls", asked, key=key).json["id"]
    path = f"/api/v1/polls/{poll}/votes"
    elsewhere = {**held, "Origin": "https://elsewhere.example"}
    refused(client.ask("POST", path, ballot("1"), **elsewhere), 403, "forbidden")
    assert client.ask("POST", path, ballot("1"), **held).status == 200


def test_a_frame_s_address_does_not_set_the_visitor_s_language(carried: Server) -> None:
    framed = cookies(Client(carried).ask("GET", "/embed/alef?lang=fa", **FRAMED))
    assert not [cookie for cookie in framed if cookie.startswith("streamd_lang")]


@pytest.mark.parametrize("language", ["en", "fa"])
def test_it_says_where_to_go_on_and_whom_it_listens_to(carried: Server, language: str) -> None:
    answer = Client(carried).ask("GET", f"/embed/alef?lang={language}")
    shown = page_of(answer.body)
    assert shown["tab"] == f"/watch/alef?lang={language}"
    assert shown["origins"] == [MESSENGER]
    assert b'<base target="_blank">' in answer.body


def test_an_unknown_broadcast_is_told_in_the_frame(carried: Server) -> None:
    answer = Client(carried).ask("GET", "/embed/nobody?lang=en", Accept="text/html")
    assert answer.status == 404
    assert b"names a broadcast that we do not have" in answer.body
