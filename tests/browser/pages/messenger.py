"""A messenger's site around a frame of ours: another origin, a page, tokens that it signs."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt

ISSUER = "https://chat.example"
SECRET = "a-secret-of-more-than-thirty-two-characters"
PLATFORM = (
    f"[{{id = 'chat', issuer = '{ISSUER}', audience = 'streamd', algorithm = 'HS256', "
    f"secret = '{SECRET}'}}]"
)
# The snippet of README.md, with a log of what was said for the tests to read.
PAGE = """<!doctype html><html lang="en"><title>A messenger</title>
<style>
  body {{ margin: 0 }}
  iframe {{ border: 0; inline-size: {width}px; block-size: {height}px }}
</style>
<iframe id="live" src="{src}" title="Live"
  allow="autoplay; fullscreen; picture-in-picture; clipboard-write"></iframe>
<script>
const frame = document.getElementById("live");
const said = [];
const send = (token, origin) =>
  frame.contentWindow.postMessage({{ streamd: "token", token }}, origin);
addEventListener("message", async ({{ source, origin, data }}) => {{
  if (source !== frame.contentWindow || origin !== new URL(frame.src).origin) return;
  said.push(data);
  if (["ready", "token?"].includes(data.streamd) && {answers}) {{
    send(await (await fetch("/token")).json(), origin);
  }}
  if (data.streamd === "height" && {follows}) frame.style.blockSize = `${{data.height}}px`;
}});
</script></html>"""


def token(subject: str, **changes: object) -> str:
    """What the messenger signs for its user."""
    claims = {"iss": ISSUER, "aud": "streamd", "sub": subject, "exp": int(time.time()) + 300}
    return jwt.encode({**claims, **changes}, SECRET, "HS256")


@dataclass
class Messenger:
    """Its server, and what it is to answer. ``member``: who is signed in; empty: nobody."""

    origin: str
    page: str = ""
    member: str = ""
    changes: dict[str, object] = field(default_factory=dict)
    given: int = 0

    def show(
        self,
        src: str,
        size: tuple[int, int] = (640, 420),
        answers: bool = False,
        follows: bool = False,
    ) -> str:
        """Sets the page with the frame on it; its address. ``answers``: it hands over tokens."""
        self.page = PAGE.format(
            src=src,
            width=size[0],
            height=size[1],
            answers=str(answers).lower(),
            follows=str(follows).lower(),
        )
        return f"{self.origin}/"

    def hand_out(self) -> str:
        """The JSON of a new token, or null."""
        self.given += 1
        return f'"{token(self.member, **self.changes)}"' if self.member else "null"


@contextlib.contextmanager
def messenger(host: str = "127.0.0.1") -> Iterator[Messenger]:
    """Serves until left, on a free port of ``host``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = site.hand_out() if self.path == "/token" else site.page
            kind = "application/json" if self.path == "/token" else "text/html; charset=utf-8"
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: tests read pages."""

    server = ThreadingHTTPServer((host, 0), Handler)
    site = Messenger(f"http://{host}:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
