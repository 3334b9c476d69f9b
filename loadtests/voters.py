"""A process of voters: ``python -m loadtests.voters``, asked on standard input.

- ``{"do": "connect", "port", "secret": path, "first", "count"}`` connects voters ``first``… with
  tokens made from the server's secret, and answers ``{"connected"}``
- ``{"do": "prepare", "polls"}`` makes one vote of each voter in each poll: ``{"votes"}``
- ``{"do": "vote", "rate": votes a second or null, "seconds", "results": path}`` casts them: with a
  rate, each when it is due; without, each voter's next one as soon as the last is acknowledged.
  Says ``{"half": true}`` when half are acknowledged, then ``{"done", "late_ms"}``, and writes
  ``[poll, sent, acknowledged, position, refused, retries]`` a vote, times in ns.
- ``{"do": "again", "count", "seconds"}`` sends acknowledged votes of the last round once more:
  ``{"asked", "same"}``, how many were given the receipt that they had before
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import uvloop

from loadtests.commands import answer, commands
from loadtests.report import percentile
from loadtests.voter import Cast, Voter
from streamd.identity import ConnectTokens

CHOICES: Final = ("1", "2", "3")
TOKEN_SECONDS: Final = 3_600
_AT_ONCE: Final = 64
_CONNECT_SECONDS: Final = 30.0
_TICK_SECONDS: Final = 0.002
_LOOK_SECONDS: Final = 0.2


class Voters:
    """All voters of this process, and the round of votes that they are in."""

    def __init__(self) -> None:
        self._voters: list[Voter] = []
        self._port = 0
        self._round = range(0)
        self._closed_loop = False
        self._left = 0
        self._half = -1
        self._finished = asyncio.Event()

    async def connect(self, port: int, secret: bytes, first: int, count: int) -> int:
        """Connects ``count`` voters, a few at a time."""
        self._port = port
        tokens = ConnectTokens(secret, TOKEN_SECONDS)
        self._voters = [
            Voter(tokens.issue(f"device:load-{number}", "device"), self._done)
            for number in range(first, first + count)
        ]
        gate = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for voter in self._voters:
                group.create_task(self._connect(voter, gate))
        return len(self._voters)

    def prepare(self, polls: list[str]) -> int:
        """Makes the next round's votes."""
        first = len(self._voters[0].casts)
        for voter in self._voters:
            for poll in polls:
                voter.add(poll, random.choice(CHOICES))
        self._round = range(first, first + len(polls))
        return len(self._round) * len(self._voters)

    async def vote(self, rate: float | None, seconds: float) -> dict[str, Any]:
        """Casts the round; returns when all is answered, or after ``seconds``."""
        self._left = len(self._round) * len(self._voters)
        self._half = self._left // 2
        self._closed_loop = rate is None
        self._finished.clear()
        late: list[float] = []
        keeper = asyncio.create_task(self._keep_connected())
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    if rate is None:
                        for voter in self._voters:
                            voter.cast(self._round[0])
                    else:
                        late = await self._cast_when_due(rate)
                    await self._finished.wait()
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
        return {"done": self._left == 0, "late_ms": percentile(late, 0.99) if late else 0.0}

    async def again(self, count: int, seconds: float) -> dict[str, int]:
        """Sends acknowledged votes of the round again and compares the receipts."""
        known = [
            (voter, number)
            for voter in self._voters
            for number in self._round
            if voter.casts[number].acknowledged
        ]
        chosen = random.sample(known, min(count, len(known)))
        self._left, self._half, self._closed_loop = len(chosen), -1, False
        self._finished.clear()
        for voter, number in chosen:
            voter.cast(number)
        if chosen:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._finished.wait()
        same = sum(_same(voter.casts[number]) for voter, number in chosen) - self._left
        return {"asked": len(chosen), "same": same}

    def results(self) -> Iterable[Cast]:
        """The round's votes."""
        return (voter.casts[number] for voter in self._voters for number in self._round)

    def leave(self) -> None:
        """Closes every connection."""
        for voter in self._voters:
            voter.leave()

    def _done(self, voter: Voter, number: int) -> None:
        self._left -= 1
        if self._left == self._half:
            answer({"half": True})
        if self._left == 0:
            self._finished.set()
        elif self._closed_loop and number + 1 in self._round:
            voter.cast(number + 1)

    async def _cast_when_due(self, rate: float) -> list[float]:
        """Casts poll by poll, voter by voter; by how many ms each vote was late."""
        late: list[float] = []
        started = time.monotonic()
        order = ((number, voter) for number in self._round for voter in self._voters)
        for position, (number, voter) in enumerate(order):
            due = started + position / rate
            if (early := due - time.monotonic()) > 0:
                # Votes of one tick go out together: the timer is no finer anyway.
                await asyncio.sleep(max(early, _TICK_SECONDS))
            late.append(max(0.0, -early * 1000))
            voter.cast(number)
            if position % 50 == 49:
                await asyncio.sleep(0)
        return late

    async def _connect(self, voter: Voter, gate: asyncio.Semaphore) -> None:
        async with gate, asyncio.timeout(_CONNECT_SECONDS):
            await asyncio.get_running_loop().create_connection(
                lambda: voter, "127.0.0.1", self._port
            )
            await voter.connected

    async def _keep_connected(self) -> None:
        gate = asyncio.Semaphore(_AT_ONCE)
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            for voter in self._voters:
                if voter.lost:
                    voter.renew()
                    with contextlib.suppress(OSError, TimeoutError):
                        await self._connect(voter, gate)
                        voter.resend()


def _same(cast: Cast) -> bool:
    return cast.position > 0 and not cast.refused


async def _obey(voters: Voters, command: dict[str, Any]) -> object:
    match command["do"]:
        case "connect":
            secret = await asyncio.to_thread(Path(command["secret"]).read_bytes)
            where = command["port"], secret
            return {"connected": await voters.connect(*where, command["first"], command["count"])}
        case "prepare":
            return {"votes": voters.prepare(command["polls"])}
        case "vote":
            done = await voters.vote(command["rate"], command["seconds"])
            rows = [
                (c.poll, c.sent, c.acknowledged, c.position, c.refused, c.retries)
                for c in voters.results()
            ]
            await asyncio.to_thread(Path(command["results"]).write_text, json.dumps(rows))
            return done
        case _:
            return await voters.again(command["count"], command["seconds"])


async def main() -> None:
    """Does what it is told until standard input ends."""
    voters = Voters()
    async for command in commands():
        answer(await _obey(voters, command))
    voters.leave()


if __name__ == "__main__":
    uvloop.run(main())
