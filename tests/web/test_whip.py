"""WHIP's refusals over HTTP; that it works is shown by a real browser in tests/browser."""

from __future__ import annotations

import pytest

from tests.server import Server
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
