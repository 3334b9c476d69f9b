"""Polls for the tests of the log, cast straight into a real store."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from polling.drafting import draft_sheet
from polling.model import Poll
from polling.poll_rules import PollRules
from polling.questions import Asked, Kind
from polling.rules import PollState
from polling.store import PollStore, Vote
from polling.store_wire import Counted, shard_of


@dataclass
class LoggedPoll:
    """An open poll, and every ballot that was counted in it: id → (answer, nonce)."""

    store: PollStore
    poll: Poll
    ballots: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    @classmethod
    async def opened(cls, store: PollStore, rules: PollRules | None = None) -> LoggedPoll:
        """A new poll of one question with two choices, open."""
        asked = [Asked("Where first?", Kind.SINGLE, ("North", "South"))]
        poll = draft_sheet("alef", asked, "HQ", rules or PollRules(), now=time.time())
        assert await store.create(poll)
        return cls(store, await store.move(poll, PollState.OPEN, opened_at=time.time()))

    async def vote(self, count: int, voters: Sequence[bytes] | None = None) -> list[str]:
        """So many voters vote; the ids of their ballots. ``voters``: who, by nullifier."""
        batches: dict[int, list[Vote]] = {}
        for number in range(count):
            nullifier = voters[number] if voters else os.urandom(16)
            answer = str(1 + number % 2)
            vote = Vote(nullifier, os.urandom(16), answer, os.urandom(16), ((answer, 1),))
            batches.setdefault(shard_of(nullifier, self.poll.shards), []).append(vote)
        called = [(self.poll.id, shard, votes) for shard, votes in batches.items()]
        for done in await self.store.cast(called, time.time()):
            assert isinstance(done, Counted)
            assert min(done.codes) > 0
        cast = {
            vote.ballot_id.hex(): (vote.answer, vote.nonce)
            for votes in batches.values()
            for vote in votes
        }
        self.ballots.update(cast)
        return list(cast)

    async def close(self) -> None:
        """Closes the poll, every shard of it."""
        self.poll = await self.store.move(self.poll, PollState.CLOSED, closed_at=time.time())
