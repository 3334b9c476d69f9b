"""A small blocking HTTP client for the API tests: status, headers and body of every answer."""

from __future__ import annotations

import http.cookiejar
import json
import secrets
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message
from typing import Any

from tests.proof import solved
from tests.server import Server


@dataclass(frozen=True)
class Answer:
    """One HTTP answer."""

    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Client:
    """One visitor: keeps cookies, sends our own Origin unless told otherwise."""

    def __init__(self, server: Server) -> None:
        self._server = server
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(jar)

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        key: str | None = None,
        **headers: str,
    ) -> Answer:
        """Sends ``body`` as JSON (bytes as they are) and returns whatever comes back.

        ``Origin=""`` leaves the Origin out, as programs do.
        """
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        raw: bytes | None = None
        if isinstance(body, bytes):
            raw = body
        elif body is not None:
            raw = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        if key is not None:
            sent["Authorization"] = f"Bearer {key}"
        sent.setdefault("Origin", self._server.url)
        if not sent["Origin"]:
            del sent["Origin"]
        request = urllib.request.Request(
            self._server.url + path, data=raw, method=method, headers=sent
        )
        try:
            with self._opener.open(request, timeout=20) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read())

    def prove(self) -> Answer:
        """Solves a challenge and hands it in: the connect token, and from then on the pass."""
        proof = solved(self.ask("GET", "/api/v1/identity/challenge").json)
        return self.ask("POST", "/api/v1/token", {"altcha": proof})


def ballot(choice: str) -> dict[str, object]:
    """A fresh ballot for ``choice``."""
    return {
        "choices": [choice],
        "ballot_id": secrets.token_hex(16),
        "nonce": secrets.token_hex(16),
    }
