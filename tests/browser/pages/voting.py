"""What the stage answers to voters beside their votes: identities, questions, proofs, tallies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from polling.poll_rules import Tier
from streamd.feeds.calls import RpcHandler
from streamd.feeds.codes import RpcError
from streamd.identity import ConnectTokens, Identity
from tests.browser.pages.asked import CODE, receipt

PLATFORM_TOKEN = "signed.by.the-messenger"


@dataclass
class Voting:
    """Set its fields, then let the page ask."""

    tokens: ConnectTokens
    codes: set[str] = field(default_factory=lambda: {CODE})
    asked: list[dict[str, Any]] = field(default_factory=list)
    upvoted: list[str] = field(default_factory=list)
    tallies: dict[str, dict[str, Any]] = field(default_factory=dict)
    is_logged: bool = False
    whole: dict[str, dict[str, Any]] = field(default_factory=dict)
    refusal: int = 0
    tiers: list[str] = field(default_factory=list)
    around: str = ""

    def reset(self) -> None:
        """Back to the beginning."""
        self.codes = {CODE}
        self.asked.clear()
        self.upvoted.clear()
        self.tallies.clear()
        self.is_logged = False
        self.whole.clear()
        self.refusal = 0
        self.tiers.clear()

    def rpc(self) -> dict[str, RpcHandler]:
        """The RPCs of voters but for ``vote``."""
        return {"ask": self._ask, "upvote": self._upvote, "tally": self._tally}

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """The same over HTTP, with tokens and proofs."""
        router.add_post("/api/v1/token", self._token)
        router.add_get("/api/v1/polls/{poll}/proof/{ballot}", self._proof)
        router.add_get("/api/v1/polls/{poll}", self._poll)
        router.add_get("/around", self._around)

    async def _ask(self, identity: Identity | None, data: object) -> object:
        row = self._row(identity, data)
        self.asked.append(row)
        return {**row, "state": "held"}

    async def _upvote(self, identity: Identity | None, data: object) -> object:
        row = self._row(identity, data)
        self.upvoted.append(row["id"])
        return {"poll": row["poll"], "id": row["id"], "upvotes": 32}

    async def _tally(self, _identity: Identity | None, data: object) -> object:
        assert isinstance(data, dict)
        found = self.tallies[data["poll"]]
        return found if data.get("ballot_id") else {**found, "counts": None}

    def _row(self, identity: Identity | None, data: object) -> dict[str, Any]:
        assert isinstance(data, dict)
        if identity is None:
            raise RpcError(1004, "no identity")
        if self.refusal:
            raise RpcError(self.refusal, "refused")
        return data

    async def _token(self, request: web.Request) -> web.Response:
        body = await request.json()
        tier: Tier = "device"
        if request.headers.get("Authorization") == f"Bearer {PLATFORM_TOKEN}":
            tier = "platform"
        elif body.get("code"):
            code = body["code"].replace("-", "")
            if len(code) != 12:
                return problem(422, "mistyped_code")
            if code not in {one.replace("-", "") for one in self.codes}:
                return problem(403, "code_refused")
            tier = "code"
        self.tiers.append(tier)
        voter = f"{tier}:page"
        issued = self.tokens.issue(voter, tier)
        lifetime = self.tokens.lifetime_seconds
        row = {"token": issued, "expires_in": lifetime, "tier": tier, "region": ""}
        return web.json_response({**row, "holder": self.tokens.holder(voter, tier)})

    async def _proof(self, request: web.Request) -> web.Response:
        poll, ballot = request.match_info["poll"], request.match_info["ballot"]
        if not self.is_logged:
            return problem(404, "not_merged")
        row = {"poll": poll, "ballot_id": ballot, "log": receipt(poll, ballot)["log"]}
        more: Mapping[str, object] = {"commitment": None, "index": 1041, "size": 2820, "path": []}
        return web.json_response({**row, **more, "checkpoint": "…"})

    async def _around(self, _request: web.Request) -> web.Response:
        return web.Response(text=self.around, content_type="text/html")

    async def _poll(self, request: web.Request) -> web.Response:
        return web.json_response(self.whole.get(request.match_info["poll"], {}))


def problem(status: int, slug: str) -> web.Response:
    """A refusal as problem details."""
    body = {"type": f"urn:streamd:problem:{slug}", "title": slug, "status": status, "detail": slug}
    return web.json_response(body, status=status, content_type="application/problem+json")
