"""WHEP over HTTP: statuses, headers, and the problems of offers that cannot be answered.

That media flows is shown by real viewers in tests/webrtc and tests/browser.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from tests.relay.recording import BIG_BUCK_BUNNY, BIKES
from tests.server import Server, running
from tests.web.client import Answer, Client
from tests.web.test_api import refused
from tests.webrtc.whep_sdp import VIDEO, offer

SDP = {"Content_Type": "application/sdp"}
FRAGMENT = {"Content_Type": "application/trickle-ice-sdpfrag"}
CANDIDATE = b"a=mid:0\r\na=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host\r\n"
RESTART = b"a=mid:0\r\na=ice-ufrag:other\r\na=ice-pwd:abcdefghijklmnopqrstuvwxyz\r\n"
OFFER = offer().encode()


@pytest.fixture(scope="module")
def cards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A streamd with streams that WHEP can carry, and two that it cannot."""
    home = tmp_path_factory.mktemp("whep")
    files = (str(BIKES), str(BIG_BUCK_BUNNY))
    with running(home, *files, module="tests.card_server", STREAMD_WEBRTC_VIEWERS="8") as server:
        client = Client(server)
        deadline = time.monotonic() + 30
        while client.ask("GET", "/whep/card/clock").status != 200:
            assert time.monotonic() < deadline, server.log()
            time.sleep(0.1)
        yield server


@pytest.fixture
def client(cards: Server) -> Client:
    """A player on a page of another site."""
    return Client(cards)


def watch(client: Client, sdp: bytes = OFFER, stream: str = "card") -> Answer:
    return client.ask("POST", f"/whep/{stream}", sdp, Origin="https://news.example", **SDP)


def refusal(client: Client, stream: str) -> Answer:
    """Offers until the stream's first units have shown why it cannot be carried."""
    deadline = time.monotonic() + 20
    while (answer := watch(client, stream=stream)).status == 201:
        assert time.monotonic() < deadline, f"{stream} is carried"
        client.ask("DELETE", answer.headers["Location"])
    return answer


def test_an_offer_is_answered_and_the_session_ends_when_told(client: Client) -> None:
    answer = watch(client)
    assert answer.status == 201
    assert answer.headers["Content-Type"].startswith("application/sdp")
    assert re.fullmatch(r'"[^"]+"', answer.headers["ETag"])
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Link" in answer.headers["Access-Control-Expose-Headers"]
    body = answer.body.decode()
    assert body.count("a=sendonly") == 2
    assert "a=ice-lite" in body
    assert "a=setup:passive" in body
    location = answer.headers["Location"]
    assert re.fullmatch(r"/whep/card/[A-Za-z0-9_-]{22,}", location)
    assert client.ask("GET", location).status == 204
    assert client.ask("DELETE", location, If_Match='"other"', Origin="").status == 200
    refused(client.ask("DELETE", location), 404, "unknown_session")


def test_rtp_timestamps_and_media_time_are_related(client: Client) -> None:
    answer = watch(client)
    link = answer.headers["Link"]
    found = re.match(
        r'</whep/card/clock>; rel="urn:ietf:params:whep:ext:streamd:clock"; gen=(\d+); '
        r'started="([0-9.]+)"; video=(\d+); audio=(\d+)',
        link,
    )
    assert found is not None
    shown = client.ask("GET", "/whep/card/clock").json
    assert shown["gen"] == int(found[1])
    assert shown["started_at"] == float(found[2])
    assert shown["video"] == {"rtp": int(found[3]), "rate": 90_000}
    assert shown["audio"] == {"rtp": int(found[4]), "rate": 48_000}
    client.ask("DELETE", answer.headers["Location"])


def test_candidates_and_restarts(client: Client) -> None:
    answer = watch(client)
    location, tag = answer.headers["Location"], answer.headers["ETag"]
    patched = client.ask("PATCH", location, CANDIDATE, If_Match=tag, **FRAGMENT)
    assert (patched.status, patched.headers["ETag"]) == (204, None)
    refused(client.ask("PATCH", location, CANDIDATE, **FRAGMENT), 428, "precondition_required")
    restarted = client.ask("PATCH", location, RESTART, If_Match='"*"', **FRAGMENT)
    assert restarted.status == 200
    assert restarted.headers["ETag"] != tag
    assert b"a=ice-pwd:" in restarted.body
    stale = client.ask("PATCH", location, CANDIDATE, If_Match=tag, **FRAGMENT)
    refused(stale, 412, "stale_ice_session")
    wrong = client.ask("PATCH", location, b"{}", Content_Type="application/json")
    refused(wrong, 415, "unsupported_media_type")
    assert wrong.headers["Accept-Patch"]
    assert client.ask("GET", location).status == 204
    client.ask("DELETE", location)


def test_an_offer_without_our_codecs_gets_a_counter_offer(client: Client) -> None:
    answer = watch(client, offer(VIDEO.replace("H264", "VP9")).encode())
    assert answer.status == 406
    assert re.fullmatch(
        r'application/sdp; valid-until="\w{3}, \d\d \w{3} \d{4} [0-9:]{8} GMT"',
        answer.headers["Content-Type"],
    )
    assert b"a=setup:actpass" in answer.body
    location = answer.headers["Location"]
    refused(client.ask("PATCH", location, b"v=0\r\n", **SDP), 400, "malformed_offer")
    taken = (
        answer.body.replace(b"actpass", b"active")
        .replace(b"sendonly", b"recvonly")
        .replace(b"a=ice-lite\r\n", b"")
    )
    assert client.ask("PATCH", location, taken, **SDP).status == 204
    refused(client.ask("PATCH", location, taken, **SDP), 404, "unknown_session")
    client.ask("DELETE", location)


def test_what_webrtc_cannot_carry_is_named(client: Client) -> None:
    refused(refusal(client, "clip-0"), 406, "b-frames")
    heard = watch(client, offer().encode(), stream="sound")
    assert heard.status == 201, "AAC is made Opus"
    client.ask("DELETE", heard.headers["Location"])
    baseline = offer(VIDEO.replace("64001f", "42e01f"), audio=None).encode()
    assert "Main" in refused(watch(client, baseline, stream="clip-1"), 406, "profile")


def test_off_air_unknown_and_malformed(client: Client) -> None:
    off = watch(client, stream="off")
    refused(off, 409, "not_live")
    assert int(off.headers["Retry-After"]) > 0
    assert off.headers["Access-Control-Allow-Origin"] == "*"
    refused(client.ask("GET", "/whep/off/clock"), 409, "not_live")
    refused(watch(client, stream="nobody"), 404, "unknown_stream")
    for body in (b"", b"hello", OFFER[:90], b"\x00" * 50):
        refused(watch(client, body), 400, "malformed_offer")
    refused(watch(client, b"\xff\xfe"), 400, "bad_request")
    refused(client.ask("POST", "/whep/card", {}), 415, "unsupported_media_type")
    refused(client.ask("GET", "/whep/card/nothing"), 404, "unknown_session")
    refused(client.ask("PATCH", "/whep/card/nothing", b"", **SDP), 404, "unknown_session")


def test_a_session_belongs_to_its_stream(client: Client) -> None:
    location = watch(client).headers["Location"]
    other = location.replace("/card/", "/sound/")
    refused(client.ask("DELETE", other), 404, "unknown_session")
    assert client.ask("DELETE", location).status == 200


def test_the_endpoint_says_what_it_is(client: Client) -> None:
    for method in ("GET", "HEAD"):
        answer = client.ask(method, "/whep/card")
        assert (answer.status, answer.body) == (200, b"")
        assert answer.headers["Content-Type"].startswith("application/sdp")
    refused(client.ask("GET", "/whep/nobody"), 404, "unknown_stream")
    options = client.ask("OPTIONS", "/whep/card")
    assert (options.status, options.headers["Accept-Post"]) == (200, "application/sdp")
    preflight = client.ask(
        "OPTIONS",
        "/whep/card/any",
        Origin="https://news.example",
        Access_Control_Request_Method="PATCH",
    )
    assert preflight.status == 204
    assert "PATCH" in preflight.headers["Access-Control-Allow-Methods"]
    assert "If-Match" in preflight.headers["Access-Control-Allow-Headers"]


def test_when_full_it_says_when_to_come_back(client: Client) -> None:
    sessions = []
    while (answer := watch(client)).status == 201:
        sessions.append(answer.headers["Location"])
        assert len(sessions) <= 8
    refused(answer, 503, "too_many_viewers")
    assert answer.headers["Retry-After"]
    metrics = client.ask("GET", "/metrics").body.decode()
    assert f'streamd_whep_sessions{{state="connecting"}} {len(sessions)}.0' in metrics
    assert 'streamd_whep_refused_total{error="TooManyViewers"} 1.0' in metrics
    for name in ("packets", "repeated", "skipped", "replays", "steps"):
        assert f'streamd_whep_{name}_total{{stream="card"}}' in metrics
    for session in sessions:
        assert client.ask("DELETE", session).status == 200
