"""The rows of a running streamd, asked for over HTTP, and how to compare a fake's with them."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from tests.proof import solved

SHAPES = {bool: "boolean", int: "number", float: "number", str: "string", type(None): "null"}


def shape(value: object) -> object:
    """``value`` with a type's name for each value: keys and types, nothing else."""
    if isinstance(value, Mapping):
        return {str(key): shape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return SHAPES[type(value)]


def poll_shape(row: Mapping[str, Any]) -> object:
    """A poll's shape; the counts' keys are the choices' ids, so only their types matter."""
    counts = row["tally"]["counts"]
    assert counts.keys() == {choice["id"] for choice in row["choices"]}
    plain = {**row, "tally": {**row["tally"], "counts": list(counts.values())}}
    return shape(plain)


class Client:
    """Asks one server, as its own pages do: same origin, and the device cookie where wanted."""

    def __init__(self, url: str, key: str = "") -> None:
        self.url = url
        self.key = key
        self.cookie = ""

    def visit(self, path: str) -> None:
        """Opens a page and keeps the cookie that it sets."""
        with urllib.request.urlopen(self.url + path) as answer:
            self.cookie = answer.headers.get("Set-Cookie", "").partition(";")[0]

    def prove(self) -> None:
        """Does the device's proof of work and keeps the pass."""
        proof = solved(self.ask("GET", "/api/v1/identity/challenge"))
        headers = {"Origin": self.url, "Content-Type": "application/json", "Cookie": self.cookie}
        body = json.dumps({"altcha": proof}).encode()
        request = urllib.request.Request(f"{self.url}/api/v1/token", body, headers)
        with urllib.request.urlopen(request) as answer:
            kept = answer.headers["Set-Cookie"].partition(";")[0]
        self.cookie = f"{self.cookie}; {kept}"

    def ask(self, method: str, path: str, body: object = None, key: str | None = None) -> Any:
        """The answer's JSON, of a refusal too."""
        headers = {"Origin": self.url, "Content-Type": "application/json"}
        if self.key or key:
            headers["Authorization"] = f"Bearer {self.key if key is None else key}"
        if self.cookie:
            headers["Cookie"] = self.cookie
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return json.load(refused)
