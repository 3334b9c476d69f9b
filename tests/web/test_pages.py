"""Pages over real HTTP: language, headers, cookies, errors for people."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.server import Server
from tests.web.client import Client


def page_of(body: bytes) -> dict[str, Any]:
    """What the page tells its scripts."""
    found = re.search(r'id="page">(.*?)</script>', body.decode(), re.S)
    assert found
    shown: dict[str, Any] = json.loads(found[1])
    return shown


@pytest.mark.parametrize("path", ["/", "/watch/alef", "/studio/alef"])
def test_every_page_in_both_languages(server: Server, path: str) -> None:
    client = Client(server)
    english, persian = client.ask("GET", f"{path}?lang=en"), client.ask("GET", f"{path}?lang=fa")
    assert b'<html lang="en" dir="ltr"' in english.body
    assert b'<html lang="fa" dir="rtl"' in persian.body
    assert page_of(persian.body)["event"]["title"] == "رویداد آزمون"
    assert page_of(persian.body)["strings"]
    assert page_of(english.body)["feed_url"] == server.feed_url
    for answer in (english, persian):
        assert "<script>" not in answer.body.decode()
        assert "style=" not in answer.body.decode()


def test_language_by_wish_then_cookie_then_browser(server: Server) -> None:
    client = Client(server)
    assert b'lang="fa"' in client.ask("GET", "/", Accept_Language="de, fa-IR;q=0.9").body
    assert b'<html lang="en"' in client.ask("GET", "/", Accept_Language="de;q=x, *").body
    client.ask("GET", "/?lang=fa")
    assert b'<html lang="fa"' in client.ask("GET", "/", Accept_Language="en").body
    assert b'<html lang="en"' in client.ask("GET", "/?lang=en", Accept_Language="fa").body
    assert b'<html lang="en"' in client.ask("GET", "/?lang=xx").body


def test_headers_close_what_is_not_needed(server: Server) -> None:
    answer = Client(server).ask("GET", "/watch/alef")
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert f"ws://localhost:{server.feed_port}" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Python" not in answer.headers["Server"]
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_device_keeps_its_cookie(server: Server) -> None:
    client = Client(server)
    assert client.ask("GET", "/").headers["Set-Cookie"]
    assert client.ask("GET", "/").headers["Set-Cookie"] is None
    forged = client.ask("GET", "/", Cookie="streamd_device=abc.def")
    assert forged.headers["Set-Cookie"]


def test_people_get_an_error_page_and_programs_a_problem(server: Server) -> None:
    client = Client(server)
    page = client.ask("GET", "/watch/nobody?lang=en", Accept="text/html")
    assert page.status == 404
    assert page.headers["Content-Type"].startswith("text/html")
    assert b"There is nothing at this address" in page.body
    persian = client.ask("GET", "/nothing?lang=fa", Accept="text/html")
    assert persian.status == 404
    assert b'dir="rtl"' in persian.body
    assert client.ask("GET", "/watch/nobody").json["status"] == 404


def test_static_files_are_cached_under_their_hash(server: Server) -> None:
    client = Client(server)
    body = client.ask("GET", "/").body.decode()
    found = re.search(r'href="(/static/[0-9a-f]{12}/css/base\.css)"', body)
    assert found
    styles = client.ask("GET", found[1])
    assert styles.status == 200
    assert "immutable" in styles.headers["Cache-Control"]
    for path in ("/static/../config.toml", "/static/%2e%2e/config.toml", "/static/css/none.css"):
        assert client.ask("GET", path).status in (403, 404)
