"""WHIP over HTTP: what a session's life looks like, and its refusals.

That media flows is shown by real publishers in tests/webrtc and tests/browser.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.server import Server, running
from tests.web.client import Client
from tests.web.test_api import refused

OFFER = b"""v=0\r
o=- 1 1 IN IP4 127.0.0.1\r
s=-\r
t=0 0\r
a=group:BUNDLE 0\r
m=video 9 UDP/TLS/RTP/SAVPF 96\r
c=IN IP4 0.0.0.0\r
a=mid:0\r
a=sendonly\r
a=ice-ufrag:abcd\r
a=ice-pwd:abcdefghijklmnopqrstuvwx\r
a=fingerprint:sha-256 FINGERPRINT\r
a=setup:actpass\r
a=rtcp-mux\r
a=rtpmap:96 VP8/90000\r
""".replace(b"FINGERPRINT", b":".join([b"AB"] * 32))
SDP = {"Content_Type": "application/sdp"}
CHROMIUM = (Path(__file__).parent.parent / "webrtc" / "chromium_offer.sdp").read_bytes()
FRAGMENT = {"Content_Type": "application/trickle-ice-sdpfrag"}
TRICKLE = b"""m=audio 9 UDP/TLS/RTP/SAVPF 111\r
a=mid:0\r
a=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host\r
a=end-of-candidates\r
"""
RESTART = b"a=ice-ufrag:newu\r\na=ice-pwd:" + b"p" * 24 + b"\r\n" + TRICKLE


@pytest.fixture
def client(server: Server) -> Client:
    """A WHIP client: no cookies, no page."""
    return Client(server)


def test_keys_are_checked_before_anything_else(
    server: Server, client: Client, stream_key: str
) -> None:
    refused(client.ask("POST", "/whip/alef", OFFER, **SDP), 401, "unauthenticated")
    for origin in ("", "https://encoder.example"):
        keyless = client.ask("POST", "/whip/alef", OFFER, Origin=origin, **SDP)
        refused(keyless, 401, "unauthenticated")
    answer = client.ask("POST", "/whip/alef", OFFER, key="sk_wrong", **SDP)
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    refused(answer, 401, "unauthenticated")
    refused(client.ask("POST", "/whip/pe", OFFER, key=stream_key, **SDP), 403, "forbidden")
    headquarters = server.new_key()
    refused(
        client.ask("POST", "/whip/nobody", OFFER, key=headquarters, **SDP), 404, "unknown_stream"
    )


def test_an_offer_without_h264_is_told_what_is_accepted(client: Client, stream_key: str) -> None:
    answer = client.ask("POST", "/whip/alef", OFFER, key=stream_key, **SDP)
    assert "H.264" in refused(answer, 406, "no_acceptable_codec")
    assert any("H.264" in codec for codec in answer.json["accepted"])


def test_malformed_and_oversized_offers(client: Client, stream_key: str) -> None:
    for body in (b"", b"hello", b"v=0\r\n", b"\x00" * 100, OFFER[:90]):
        refused(
            client.ask("POST", "/whip/alef", body, key=stream_key, **SDP), 400, "malformed_offer"
        )
    refused(
        client.ask("POST", "/whip/alef", b"\xff\xfe", key=stream_key, **SDP), 400, "bad_request"
    )
    huge = OFFER + b"a=x:" + b"y" * 70_000 + b"\r\n"
    refused(
        client.ask("POST", "/whip/alef", huge, key=stream_key, **SDP),
        413,
        "request_entity_too_large",
    )
    refused(client.ask("POST", "/whip/alef", {}, key=stream_key), 415, "unsupported_media_type")


def test_an_unknown_session_cannot_be_ended(client: Client, stream_key: str) -> None:
    refused(client.ask("DELETE", "/whip/alef/nothing", key=stream_key), 404, "unknown_session")
    refused(client.ask("DELETE", "/whip/alef/nothing"), 401, "unauthenticated")


def test_options_name_the_content_type_and_let_any_origin_try(client: Client) -> None:
    answer = client.ask("OPTIONS", "/whip/alef")
    assert answer.status == 200
    assert answer.headers["Accept-Post"] == "application/sdp"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    session = client.ask("OPTIONS", "/whip/alef/some-session")
    assert session.headers["Accept-Patch"] == "application/trickle-ice-sdpfrag"


@contextmanager
def published(client: Client, key: str, query: str = "") -> Iterator[tuple[str, str]]:
    """A session whose client never connects: its (path, ETag)."""
    answer = client.ask("POST", f"/whip/alef{query}", CHROMIUM, key=key, **SDP)
    assert answer.status == 201, answer.body
    assert answer.headers["Content-Type"].startswith("application/sdp")
    path = answer.headers["Location"]
    yield path, answer.headers["ETag"]
    # Whatever tag comes with it: DELETE knows none.
    ended = client.ask("DELETE", path, key=key, If_Match='"stale"')
    assert ended.status in (200, 404)


def test_a_sessions_url_cannot_be_guessed_and_its_answer_is_ice_lite(
    client: Client, stream_key: str
) -> None:
    with published(client, stream_key) as (path, etag):
        assert path.startswith("/whip/alef/")
        assert len(path.removeprefix("/whip/alef/")) >= 20
        assert etag.startswith('"')
        second = client.ask("POST", "/whip/alef", CHROMIUM, key=stream_key, **SDP)
        refused(second, 409, "already_publishing")
    with published(client, stream_key) as (other, _):
        assert other != path
    answer = client.ask("POST", "/whip/alef", CHROMIUM, key=stream_key, **SDP)
    text = answer.body.decode()
    assert "\r\na=ice-lite\r\n" in text
    assert "a=recvonly" in text
    assert " typ host" in text
    assert " typ srflx" not in text
    assert "Link" not in answer.headers
    assert client.ask("DELETE", answer.headers["Location"], key=stream_key).status == 200
    gone = client.ask("DELETE", answer.headers["Location"], key=stream_key)
    refused(gone, 404, "unknown_session")


def test_candidates_are_trickled_with_the_sessions_tag(client: Client, stream_key: str) -> None:
    with published(client, stream_key) as (path, etag):
        answer = client.ask("PATCH", path, TRICKLE, key=stream_key, If_Match=etag, **FRAGMENT)
        assert answer.status == 204
        assert "ETag" not in answer.headers
        refused(
            client.ask("PATCH", path, TRICKLE, If_Match=etag, **FRAGMENT), 401, "unauthenticated"
        )


def test_a_restart_of_ice_gives_new_credentials_and_a_new_tag(
    client: Client, stream_key: str
) -> None:
    with published(client, stream_key) as (path, old):
        answer = client.ask("PATCH", path, RESTART, key=stream_key, If_Match='"*"', **FRAGMENT)
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("application/trickle-ice-sdpfrag")
        new = answer.headers["ETag"]
        assert new != old
        text = answer.body.decode()
        assert "a=ice-ufrag:" in text
        assert "a=ice-pwd:" in text
        assert "a=candidate:" in text
        stale = client.ask("PATCH", path, TRICKLE, key=stream_key, If_Match=old, **FRAGMENT)
        refused(stale, 412, "stale_ice_session")
        assert (
            client.ask("PATCH", path, TRICKLE, key=stream_key, If_Match=new, **FRAGMENT).status
            == 204
        )


def test_patches_are_refused_by_the_rfcs_codes_and_the_session_stays(
    client: Client, stream_key: str
) -> None:
    with published(client, stream_key) as (path, etag):
        for body, headers, status, slug in (
            (TRICKLE, FRAGMENT, 428, "precondition_required"),
            (TRICKLE, {**FRAGMENT, "If_Match": '"other"'}, 412, "stale_ice_session"),
            (TRICKLE, {**FRAGMENT, "If_Match": "*"}, 422, "unsupported_change"),
            (RESTART, {**FRAGMENT, "If_Match": etag}, 422, "unsupported_change"),
            (TRICKLE, {**SDP, "If_Match": etag}, 415, "unsupported_media_type"),
            (b"hello", {**FRAGMENT, "If_Match": etag}, 400, "malformed_offer"),
            (b"\xff\xfe", {**FRAGMENT, "If_Match": etag}, 400, "bad_request"),
            (b"a=x\r\n" * 9_000, {**FRAGMENT, "If_Match": etag}, 400, "malformed_offer"),
        ):
            answer = client.ask("PATCH", path, body, key=stream_key, **headers)
            refused(answer, status, slug)
            if status == 415:
                assert answer.headers["Accept-Patch"] == "application/trickle-ice-sdpfrag"
        good = client.ask("PATCH", path, TRICKLE, key=stream_key, If_Match=etag, **FRAGMENT)
        assert good.status == 204


def test_a_takeover_is_for_those_who_ask_for_it(client: Client, stream_key: str) -> None:
    with (
        published(client, stream_key) as (path, etag),
        published(client, stream_key, "?takeover=1"),
    ):
        gone = client.ask("PATCH", path, TRICKLE, key=stream_key, If_Match=etag, **FRAGMENT)
        refused(gone, 404, "unknown_session")
        for query in ("", "?takeover=0", "?takeover=yes"):
            answer = client.ask("POST", f"/whip/alef{query}", CHROMIUM, key=stream_key, **SDP)
            refused(answer, 409, "already_publishing")
        refused(
            client.ask("POST", "/whip/alef?takeover=1", CHROMIUM, **SDP), 401, "unauthenticated"
        )


def test_no_address_redirects_and_other_methods_are_refused(
    client: Client, stream_key: str
) -> None:
    """RFC 9725 §4.5: a redirect would be 307 or 308; there is none."""
    assert client.ask("POST", "/whip/alef/", CHROMIUM, key=stream_key, **SDP).status == 404
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        refused(client.ask(method, "/whip/alef", key=stream_key), 405, "method_not_allowed")
    for method, path in (("PUT", "/whip/alef"), ("PATCH", "/whip/alef"), ("PUT", "/whip/alef/s")):
        elsewhere = client.ask(method, path, key=stream_key, Origin="https://anyone.example")
        refused(elsewhere, 405, "method_not_allowed")
    assert client.ask("POST", "/whip/alef/s", key=stream_key, Origin="").status == 405
    assert client.ask("POST", "/nowhere", Origin="").status == 404
    answer = client.ask("GET", "/whip/alef/session", key=stream_key)
    refused(answer, 405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(",")) == {"DELETE", "OPTIONS", "PATCH"}


def test_ice_servers_are_announced_and_a_full_server_says_when_to_try_again(
    tmp_path: Path,
) -> None:
    servers = (
        '[{url = "stun:stun.example.net"}, '
        '{url = "turn:turn.example.net?transport=udp", username = "u", credential = "c"}]'
    )
    settings = {"STREAMD_WEBRTC_ICE_SERVERS": servers, "STREAMD_WEBRTC_PUBLISHERS": "1"}
    with running(tmp_path, **settings) as small:
        client, key, other = Client(small), small.new_key("alef"), small.new_key("be")
        answer = client.ask("POST", "/whip/alef", CHROMIUM, key=key, **SDP)
        assert answer.status == 201
        links = answer.headers.get_all("Link")
        assert links is not None
        assert links[0] == '<stun:stun.example.net>; rel="ice-server"'
        assert 'username="u"; credential="c"; credential-type="password"' in links[1]
        full = client.ask("POST", "/whip/be", CHROMIUM, key=other, **SDP)
        refused(full, 503, "too_many_publishers")
        assert int(full.headers["Retry-After"]) > 0
