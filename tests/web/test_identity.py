"""``/api/v1/token`` by each tier, and what each refusal says, on a streamd with tight limits."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from streamd.identity_codes import make
from tests.proof import solved
from tests.server import Server, running
from tests.web.client import Client, ballot
from tests.web.test_api import refused

SECRET = "a-secret-of-more-than-thirty-two-characters"
PLATFORM = {
    "id": "chat",
    "issuer": "https://chat.example",
    "audience": "streamd",
    "algorithm": "HS256",
    "secret": SECRET,
    "region_claim": "region",
}
PAIRS = [f"{name} = '{value}'" for name, value in PLATFORM.items()]
TIGHT = {
    "STREAMD_WEB_PROXIES": "['127.0.0.1', '::1']",
    "STREAMD_IDENTITY_POW_COST": "20",
    "STREAMD_IDENTITY_DEVICES_PER_MINUTE": "3",
    "STREAMD_IDENTITY_CODE_GUESSES_PER_MINUTE": "3",
    "STREAMD_IDENTITY_PLATFORMS": f"[{{{', '.join(PAIRS)}}}]",
    "STREAMD_EVENT_CANDIDATES": "[{stream = 'alef', number = 3, name = {en = 'Alef'}}]",
    "STREAMD_EVENT_REGIONS": "[{id = 'north', name = {en = 'North', fa = 'شمال'}}]",
}


@pytest.fixture(scope="module")
def tight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Behind a proxy of its own, so that a test can come from any network."""
    with running(tmp_path_factory.mktemp("tight"), **TIGHT) as server:
        yield server


@pytest.fixture(scope="module")
def headquarters(tight: Server) -> str:
    return tight.new_key()


@pytest.fixture
def device(tight: Server) -> Client:
    """A device that has opened a page and done nothing else."""
    client = Client(tight)
    assert client.ask("GET", "/").status == 200
    return client


def challenge(client: Client) -> dict[str, Any]:
    asked: dict[str, Any] = client.ask("GET", "/api/v1/identity/challenge").json
    return asked


def pay(client: Client, proof: str, network: str) -> Any:
    return client.ask("POST", "/api/v1/token", {"altcha": proof}, X_Forwarded_For=network)


def vouched(**changes: Any) -> str:
    claims = {"iss": PLATFORM["issuer"], "aud": "streamd", "sub": "u-1", "region": "north"}
    return jwt.encode({**claims, "exp": int(time.time()) + 600, **changes}, SECRET, "HS256")


def new_poll(server: Server, key: str) -> str:
    asked = {"question": "Which?", "choices": ["One", "Two"], "open": True}
    made = Client(server).ask("POST", "/api/v1/streams/alef/polls", asked, key=key)
    assert made.status == 201, made.body
    return str(made.json["id"])


def codes(server: Server, key: str, **asked: Any) -> dict[str, Any]:
    made = Client(server).ask("POST", "/api/v1/codes", {"count": 1, **asked}, key=key)
    assert made.status == 201, made.body
    shown: dict[str, Any] = made.json
    return shown


def enter(server: Server, code: str, poll: str = "", network: str = "198.51.100.1") -> Any:
    body = {"code": code, "poll": poll}
    return Client(server).ask("POST", "/api/v1/token", body, X_Forwarded_For=network)


def test_a_new_device_has_to_prove_and_then_never_again(device: Client) -> None:
    refused(device.ask("POST", "/api/v1/token", {}), 401, "proof_needed")
    refused(device.ask("POST", "/api/v1/polls/any/votes", ballot("1")), 401, "proof_needed")
    asked = challenge(device)
    assert asked["parameters"]["cost"] == 20
    paid = pay(device, solved(asked), "203.0.113.1")
    assert paid.status == 200
    assert paid.json["tier"] == "device"
    cookie = paid.headers["Set-Cookie"]
    assert cookie.startswith("streamd_pass=")
    assert {"HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))
    assert device.ask("GET", "/api/v1/identity/challenge").status == 204
    again = device.ask("POST", "/api/v1/token", {})
    assert again.status == 200
    assert "Set-Cookie" not in again.headers


def test_a_solution_is_used_once(tight: Server, device: Client) -> None:
    proof = solved(challenge(device))
    assert pay(device, proof, "203.0.114.1").status == 200
    other = Client(tight)
    other.ask("GET", "/")
    assert "before" in refused(pay(other, proof, "203.0.115.1"), 422, "proof_refused")


def test_a_wrong_solution_is_refused(device: Client) -> None:
    refused(pay(device, "e30=", "203.0.116.1"), 422, "proof_refused")
    refused(device.ask("GET", "/api/v1/identity/challenge?kind=md5"), 400, "bad_request")


def test_a_network_brings_so_many_devices_and_its_solutions_keep(tight: Server) -> None:
    for last in range(4):
        device = Client(tight)
        device.ask("GET", "/")
        proof = solved(challenge(device))
        answer = pay(device, proof, f"1.1.1.1, 203.0.117.{last}")
        if last < 3:
            assert answer.status == 200
    refused(answer, 429, "too_often")
    assert 1 <= int(answer.headers["Retry-After"]) <= 20
    shown = Client(tight).ask("GET", "/metrics").body.decode()
    assert 'streamd_identity_refused_total{limit="devices"} 1.0' in shown
    assert "203.0" not in shown
    # The same solution is good from another network, as it will be later from this one.
    assert pay(device, proof, "203.0.118.1").status == 200


def test_a_platforms_user_votes_once(tight: Server, headquarters: str) -> None:
    poll = new_poll(tight, headquarters)
    stranger = Client(tight)
    given = stranger.ask("POST", "/api/v1/token", {}, key=vouched(), Origin="")
    assert given.json == {
        "token": given.json["token"],
        "expires_in": 300,
        "tier": "platform",
        "region": "north",
        "holder": given.json["holder"],
    }
    path = f"/api/v1/polls/{poll}/votes"
    assert stranger.ask("POST", path, ballot("1"), key=given.json["token"]).status == 200
    later = stranger.ask("POST", "/api/v1/token", {}, key=vouched()).json["token"]
    refused(stranger.ask("POST", path, ballot("2"), key=later), 409, "already_voted")
    other = stranger.ask("POST", "/api/v1/token", {}, key=vouched(sub="u-2")).json["token"]
    assert stranger.ask("POST", path, ballot("2"), key=other).status == 200


def test_a_holder_is_one_voter_s_and_names_nobody(tight: Server, headquarters: str) -> None:
    client = Client(tight)

    def holder(**changes: Any) -> str:
        given = client.ask("POST", "/api/v1/token", {}, key=vouched(**changes))
        return str(given.json["holder"])

    mina = holder(sub="mina")
    assert re.fullmatch(r"[\w-]{16}", mina)
    assert holder(sub="mina", exp=int(time.time()) + 60) == mina
    assert holder(sub="sara") != mina
    # A code is the same holder in either spelling, and a device is its browser.
    poll = new_poll(tight, headquarters)
    first, second = codes(tight, headquarters, poll=poll, count=2)["codes"]
    by_code = enter(tight, first, poll).json["holder"]
    assert by_code == enter(tight, first.lower(), poll).json["holder"]
    assert len({mina, by_code, enter(tight, second, poll).json["holder"]}) == 3
    device = Client(tight)
    device.ask("GET", "/")
    assert pay(device, solved(challenge(device)), "203.0.119.1").json["holder"] == ""
    assert mina not in tight.log()


def test_a_platforms_token_that_does_not_hold_is_refused(tight: Server) -> None:
    client = Client(tight)
    for token in (vouched(aud="x"), vouched(region="atlantis"), vouched(exp=1), "rubbish"):
        refused(client.ask("POST", "/api/v1/token", {}, key=token), 401, "unauthenticated")
    # A connect token of ours is no platform's token, nor the other way round.
    ours = client.ask("POST", "/api/v1/token", {}, key=vouched()).json["token"]
    refused(client.ask("POST", "/api/v1/token", {}, key=ours), 401, "unauthenticated")
    votes = "/api/v1/polls/any/votes"
    refused(client.ask("POST", votes, ballot("1"), key=vouched()), 401, "unauthenticated")


def test_a_code_is_one_voter_however_often_it_is_entered(tight: Server, headquarters: str) -> None:
    poll = new_poll(tight, headquarters)
    made = codes(tight, headquarters, poll=poll, region="north", label="hall")
    [code] = made["codes"]
    first = enter(tight, code, poll).json
    assert (first["tier"], first["region"]) == ("code", "north")
    path = f"/api/v1/polls/{poll}/votes"
    voter = Client(tight)
    assert voter.ask("POST", path, ballot("1"), key=first["token"]).status == 200
    second = enter(tight, code.lower().replace("-", " "), poll).json
    refused(voter.ask("POST", path, ballot("2"), key=second["token"]), 409, "already_voted")


def test_a_polls_code_is_for_that_poll(tight: Server, headquarters: str) -> None:
    poll, other = new_poll(tight, headquarters), new_poll(tight, headquarters)
    [code] = codes(tight, headquarters, poll=poll)["codes"]
    refused(enter(tight, code, other, "198.51.101.1"), 403, "code_refused")
    refused(enter(tight, code, "", "198.51.101.1"), 403, "code_refused")
    token = enter(tight, code, poll, "198.51.101.1").json["token"]
    path = f"/api/v1/polls/{other}/votes"
    refused(Client(tight).ask("POST", path, ballot("1"), key=token), 401, "no_identity")


def test_an_events_code_is_for_all_its_polls(tight: Server, headquarters: str) -> None:
    [code] = codes(tight, headquarters)["codes"]
    for _ in range(2):
        poll = new_poll(tight, headquarters)
        token = enter(tight, code, poll).json["token"]
        path = f"/api/v1/polls/{poll}/votes"
        assert Client(tight).ask("POST", path, ballot("1"), key=token).status == 200


def test_guesses_run_out_for_their_network_and_slips_do_not(
    tight: Server, headquarters: str
) -> None:
    [code] = codes(tight, headquarters)["codes"]
    network = "198.51.102.1"
    slip = ("0" if code[0] != "0" else "1") + code[1:]
    for _ in range(5):
        refused(enter(tight, slip, network=network), 422, "mistyped_code")
        assert enter(tight, code, network=network).status == 200
    for _ in range(3):
        refused(enter(tight, make(), network=network), 403, "code_refused")
    held = enter(tight, make(), network=network)
    refused(held, 429, "too_often")
    assert 1 <= int(held.headers["Retry-After"]) <= 20
    assert enter(tight, code, network="198.51.103.1").status == 200


def test_codes_are_the_headquarters_own(tight: Server, headquarters: str) -> None:
    client = Client(tight)
    stream_key = tight.new_key("alef")
    for method, path in (
        ("POST", "/api/v1/codes"),
        ("GET", "/api/v1/codes"),
        ("DELETE", "/api/v1/codes/x"),
        ("GET", "/api/v1/codes/x/sheet"),
    ):
        body = {"count": 1} if method == "POST" else None
        refused(client.ask(method, path, body), 401, "unauthenticated")
        refused(client.ask(method, path, body, key=stream_key), 403, "forbidden")


@pytest.mark.parametrize(
    ("asked", "status", "slug"),
    [
        ({"count": 0}, 400, "bad_request"),
        ({"count": 2_001}, 400, "bad_request"),
        ({"count": 1, "region": "atlantis"}, 400, "bad_request"),
        ({"count": 1, "poll": "nosuchpoll"}, 404, "unknown_poll"),
        ({"count": 1, "polls": "x"}, 400, "bad_request"),
    ],
)
def test_codes_that_cannot_be_made(
    tight: Server, headquarters: str, asked: dict[str, Any], status: int, slug: str
) -> None:
    answer = Client(tight).ask("POST", "/api/v1/codes", asked, key=headquarters)
    refused(answer, status, slug)


def test_a_batch_is_listed_without_its_codes_and_withdrawn(
    tight: Server, headquarters: str
) -> None:
    made = codes(tight, headquarters, count=2, label="lost")
    client = Client(tight)
    listed = client.ask("GET", "/api/v1/codes", key=headquarters).json["batches"]
    [row] = [row for row in listed if row["id"] == made["id"]]
    assert (row["count"], row["label"]) == (2, "lost")
    assert made["codes"][0] not in json.dumps(listed)
    assert enter(tight, made["codes"][0]).status == 200
    path = f"/api/v1/codes/{made['id']}"
    assert client.ask("DELETE", path, key=headquarters).status == 204
    refused(client.ask("DELETE", path, key=headquarters), 404, "unknown_batch")
    refused(enter(tight, made["codes"][0], network="198.51.104.1"), 403, "code_refused")


def test_a_sheet_is_given_out_once(tight: Server, headquarters: str) -> None:
    made = codes(tight, headquarters, count=3, region="north")
    client = Client(tight)
    sheet = client.ask("GET", made["sheet"] + "?lang=fa", key=headquarters)
    assert sheet.status == 200
    assert sheet.headers["Cache-Control"] == "no-store"
    text = sheet.body.decode()
    assert all(code in text for code in made["codes"])
    assert text.count("<svg") == 3
    assert "شمال" in text
    assert 'dir="rtl"' in text
    refused(client.ask("GET", made["sheet"], key=headquarters), 404, "unknown_batch")


def test_no_code_and_no_address_is_kept_or_logged(tight: Server, headquarters: str) -> None:
    made = codes(tight, headquarters)
    [code] = made["codes"]
    network = "198.51.105.77"
    assert enter(tight, code, network=network).status == 200
    refused(enter(tight, "0" * 11 + "1", network=network), 422, "mistyped_code")
    plain = code.replace("-", "").encode()
    files = [path for path in tight.home.rglob("*") if path.is_file() and not path.is_socket()]
    assert any("append" in str(path) or path.suffix == ".aof" for path in files)
    for path in files:
        content = path.read_bytes()
        for secret in (plain, code.encode(), network.encode(), b"198.51.105."):
            assert secret not in content, path
