"""A whole streamd process: starts, stops, loses its store, finds its directory taken."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from redis import Redis
from websockets.sync.client import connect
from websockets.typing import Origin

from loadtests.ports import free_port
from streamd.valkey import binary as valkey_binary
from tests.server import ROOT, Server, environment, running
from tests.web.client import Client, ballot

PATIENCE_SECONDS = 40


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Polls until ``condition`` holds; a generous deadline, never a measurement."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.1)


def store_pid(server: Server) -> int:
    """The valkey-server that ``server`` started."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    for child in children.read_text().split():
        if b"valkey" in Path(f"/proc/{child}/cmdline").read_bytes():
            return int(child)
    raise AssertionError("no valkey-server runs below streamd")


def vote_in_new_poll(server: Server, key: str) -> tuple[str, dict[str, object]]:
    """Opens a poll on stream ``alef`` and casts one vote in it; the poll's id and the ballot."""
    client = Client(server)
    asked = {"question": "Kept?", "choices": ["Yes", "No"], "open": True}
    poll = client.ask("POST", "/api/v1/streams/alef/polls", asked, key=key).json["id"]
    client.ask("GET", "/")
    client.prove()
    mine = ballot("1")
    assert client.ask("POST", f"/api/v1/polls/{poll}/votes", mine).status == 200
    return poll, mine


def test_sigterm_drains_and_exits_0_and_votes_outlive_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        key = server.new_key("alef")
        poll, _ = vote_in_new_poll(server, key)
        assert server.stop() == 0
        assert "Traceback" not in server.log()
    with running(tmp_path) as server:
        row = Client(server).ask("GET", f"/api/v1/polls/{poll}").json
        assert row["state"] == "open"
        assert row["tally"]["counts"] == {"1": 1, "2": 0}
        assert Client(server).ask("GET", "/api/v1/streams/alef").json["state"] == "idle"


def test_a_second_start_says_who_holds_the_directory(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        second = subprocess.run(
            [sys.executable, "-m", "streamd", "serve"],
            env=environment(tmp_path, free_port(), free_port()),
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            cwd=ROOT,
            check=False,
        )
        assert second.returncode == 1
        assert str(server.process.pid) in second.stderr
        assert "in use" in second.stderr
        assert "Traceback" not in second.stderr
        assert server.ready()


def test_a_taken_port_is_said_in_one_line(tmp_path: Path) -> None:
    with running(tmp_path / "first") as server:
        for port, feed_port in ((server.port, free_port()), (free_port(), server.feed_port)):
            second = subprocess.run(
                [sys.executable, "-m", "streamd", "serve"],
                env=environment(tmp_path / "second", port, feed_port),
                capture_output=True,
                text=True,
                timeout=PATIENCE_SECONDS,
                cwd=ROOT,
                check=False,
            )
            assert second.returncode == 1
            assert "Cannot listen" in second.stderr
            assert "Traceback" not in second.stderr


def test_a_lost_store_is_said_waited_for_and_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        key = server.new_key("alef")
        poll, mine = vote_in_new_poll(server, key)
        os.kill(store_pid(server), signal.SIGKILL)
        wait_for(lambda: "the store is lost" in server.log(), "a line that says so")
        wait_for(server.ready, "the store is back")
        row = Client(server).ask("GET", f"/api/v1/polls/{poll}").json
        assert row["tally"]["total"] == 1
        assert mine["ballot_id"]
        poll, _ = vote_in_new_poll(server, key)
        assert server.stop() == 0


def test_a_named_store_that_is_down_gives_503_and_comes_back(tmp_path: Path) -> None:
    port = free_port()
    settings = {
        "STREAMD_STORE_URL": f"redis://127.0.0.1:{port}/0",
        "STREAMD_STORE_START_SECONDS": "1",
    }
    web, feeds = free_port(), free_port()
    log_path = tmp_path / "log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamd", "serve"],
            env=environment(tmp_path / "var", web, feeds, **settings),
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
        )
    server = Server(process, web, feeds, tmp_path / "var", log_path)
    try:
        wait_for(lambda: "streamd serves" in server.log(), "it goes on without the store")
        client = Client(server)
        unready = client.ask("GET", "/readyz")
        assert unready.status == 503
        assert unready.headers["Retry-After"]
        assert client.ask("GET", "/healthz").status == 200
        asked = {"question": "Kept?", "choices": ["Yes", "No"]}
        refused = client.ask("POST", "/api/v1/streams/alef/polls", asked, key="sk_any")
        assert refused.status == 503
        assert refused.json["type"] == "urn:streamd:problem:store_unavailable"
        store = subprocess.Popen(
            [str(valkey_binary()), "--port", str(port), "--save", "", "--appendonly", "yes"],
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
        )
        try:
            # It is there, but may answer before a vote is on disk: what to set is said.
            wait_for(
                lambda: b"appendfsync always" in client.ask("GET", "/readyz").body,
                "the store's setting is named",
            )
            assert client.ask("GET", "/readyz").status == 503
            with contextlib.closing(Redis(port=port)) as careless:
                careless.config_set("appendfsync", "always")
            wait_for(server.ready, "ready once the store keeps what it is given")
        finally:
            store.terminate()
            store.wait()
    finally:
        assert server.stop() == 0


def test_tls_serves_pages_and_says_so_to_cookies(tmp_path: Path) -> None:
    from streamd.certificates import self_signed

    tls = self_signed(tmp_path / "tls", ["127.0.0.1"])
    web, feeds = free_port(), free_port()
    log_path = tmp_path / "log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamd", "serve"],
            env=environment(
                tmp_path / "var", web, feeds, STREAMD_TLS_CERT=tls.cert, STREAMD_TLS_KEY=tls.key
            ),
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
        )
    server = Server(process, web, feeds, tmp_path / "var", log_path)
    try:
        wait_for(lambda: "streamd serves https://" in server.log(), "it serves")
        context = ssl.create_default_context(cafile=tls.cert)
        with urllib.request.urlopen(f"https://localhost:{web}/", context=context) as page:
            assert "Secure" in page.headers["Set-Cookie"]
            body = page.read().decode()
            assert f"wss://localhost:{feeds}" in page.headers["Content-Security-Policy"]
        shown = re.search(r'id="page">(.*?)</script>', body, re.S)
        assert shown
        feed_url = json.loads(shown[1])["feed_url"]
        assert feed_url.startswith("wss://")
        with connect(feed_url, ssl=context, origin=Origin(f"https://localhost:{web}")) as feed:
            feed.send('{"id":1,"connect":{}}')
            assert "connect" in json.loads(feed.recv(timeout=PATIENCE_SECONDS))
    finally:
        assert server.stop() == 0


def test_a_wrong_setting_is_one_line(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[web]\nprot = 1\n")
    ended = subprocess.run(
        [sys.executable, "-m", "streamd", "check", "--config", str(config)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        cwd=ROOT,
        check=False,
    )
    assert ended.returncode == 1
    assert "line 2" in ended.stderr
    assert "'port'" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_a_hung_store_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        key = server.new_key("alef")
        poll, _ = vote_in_new_poll(server, key)
        voter = Client(server)
        voter.ask("GET", "/")
        voter.prove()
        hung = store_pid(server)
        os.kill(hung, signal.SIGSTOP)
        try:
            with ThreadPoolExecutor(1) as pool:
                waiting = pool.submit(voter.ask, "POST", f"/api/v1/polls/{poll}/votes", ballot("1"))
                time.sleep(0.3)
                began = time.monotonic()
                assert server.stop() == 0
                # Ten seconds are promised; the rest is this machine's.
                assert time.monotonic() - began < 15
            # Either way it is not acknowledged: the connection ends, or it is told 503.
            assert waiting.exception() is not None or waiting.result().status == 503
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(hung, signal.SIGCONT)
                os.kill(hung, signal.SIGTERM)


def test_a_key_made_while_streamd_runs_opens_its_studio(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        client = Client(server)
        assert client.ask("GET", "/studio/newcomer").status == 404
        server.new_key("newcomer")
        assert client.ask("GET", "/studio/newcomer").status == 200
        assert client.ask("GET", "/watch/newcomer").status == 200
        assert client.ask("GET", "/studio/nobody").status == 404
