"""SIGKILL to a whole gateway process amid votes over its socket: acknowledged = counted."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import signal
import urllib.request
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from polling.audit import Audit, audit
from polling.ledger_files import LedgerFiles
from polling.store import PollStore
from streamd import config
from streamd.identity import ConnectTokens
from streamd.store import Store
from tests.conftest import EVENT
from tests.polling.conftest import until
from tests.server import Server, running

VOTERS = 240
AT_ONCE = 40
KILL_AT = 80


class Crowd:
    """Voters with one ballot each, which they send until it has a receipt."""

    def __init__(self, home: Path, poll: str) -> None:
        secret = (home / "secrets" / "server.key").read_bytes()
        self.tokens = ConnectTokens(secret, 600)
        self.poll = poll
        self.server: Server | None = None
        self.receipts: dict[int, dict[str, Any]] = {}
        self.ballots = [
            {
                "poll": poll,
                "choices": [str(1 + n % 2)],
                "ballot_id": secrets.token_hex(16),
                "nonce": secrets.token_hex(16),
            }
            for n in range(VOTERS)
        ]
        self.unacknowledged = 0

    async def vote(self, number: int) -> dict[str, Any]:
        """Over a new connection, as after a reconnect; the receipt."""
        while True:
            try:
                return await self._try(number)
            except (OSError, WebSocketException, TimeoutError, KeyError):
                self.unacknowledged += 1
                await asyncio.sleep(0.05)

    async def _try(self, number: int) -> dict[str, Any]:
        if self.server is None:
            raise OSError("nobody serves")
        token = self.tokens.issue(f"device:{number}", "device")
        async with connect(self.server.feed_url, compression=None) as socket:
            await socket.send(json.dumps({"id": 1, "connect": {"token": token}}))
            rpc = {"method": "vote", "data": self.ballots[number]}
            await socket.send(json.dumps({"id": 2, "rpc": rpc}))
            async with asyncio.timeout(10):
                async for message in socket:
                    for line in str(message).splitlines():
                        if (reply := json.loads(line)).get("id") == 2:
                            receipt: dict[str, Any] = reply["rpc"]["data"]
                            return receipt
        raise OSError("no answer")

    async def all_vote(self) -> None:
        waiting = iter(range(VOTERS))

        async def queue() -> None:
            for number in waiting:
                self.receipts[number] = await self.vote(number)

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(queue())


def open_poll(server: Server) -> str:
    request = urllib.request.Request(
        f"{server.url}/api/v1/streams/alef/polls",
        json.dumps({"question": "Where?", "choices": ["North", "South"], "open": True}).encode(),
        {"Authorization": f"Bearer {server.new_key()}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return str(json.loads(answer.read())["id"])


async def audited(home: Path, poll: str) -> Audit:
    async with Store.borrowed(config.Store(dir=str(home))):
        polls = PollStore.at(Store(config.Store(dir=str(home))).address)
        try:
            return await audit(polls, poll, LedgerFiles(home / "ledger").entries)
        finally:
            await polls.close()


async def test_kill_9_of_a_gateway_amid_votes(tmp_path: Path) -> None:
    home = tmp_path / "var"
    event = tmp_path / "config.toml"
    event.write_text(EVENT, encoding="utf-8")

    def serve() -> AbstractContextManager[Server]:
        return running(home, "serve", "--config", str(event))

    with contextlib.ExitStack() as stack:
        first = await asyncio.to_thread(stack.enter_context, serve())
        crowd = Crowd(home, await asyncio.to_thread(open_poll, first))
        crowd.server = first
        async with asyncio.TaskGroup() as group:
            group.create_task(crowd.all_vote())
            await until(lambda: len(crowd.receipts) >= KILL_AT)
            first.process.send_signal(signal.SIGKILL)
            crowd.server = None
            await asyncio.to_thread(first.process.wait)
            before = len(crowd.receipts)
            crowd.server = await asyncio.to_thread(stack.enter_context, serve())
        assert KILL_AT <= before < VOTERS
        assert crowd.unacknowledged > 0
        found = await audited(home, crowd.poll)
        assert found.ok, found.differences
        assert found.total == found.voters == found.ledger == len(crowd.receipts) == VOTERS
        assert found.counts == {"1": VOTERS // 2, "2": VOTERS // 2}
        assert len({receipt["seq"] for receipt in crowd.receipts.values()}) == VOTERS
        # The one who asks again, of the new process, has the receipt of the old one.
        for number in range(0, VOTERS, 60):
            again = await crowd.vote(number)
            kept = crowd.receipts[number]
            assert (again["ballot_id"], again["seq"]) == (kept["ballot_id"], kept["seq"])
