"""A plain model of a poll against the service on the real store, driven by Hypothesis."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from polling.errors import (
    AlreadyVoted,
    BallotConflict,
    IllegalMove,
    PollClosed,
    PollingError,
    UnknownChoice,
)
from polling.model import Ballot, Poll, Receipt
from polling.poll_keys import PollKeys
from polling.poll_rules import PollRules, Revote
from polling.questions import Asked
from polling.rules import MOVES, Move, PollState
from polling.service import PollService
from polling.store import Entry, PollStore
from polling.store_wire import keys_of
from tests.polling.conftest import Server, Settings

T = TypeVar("T")

VOTERS = st.sampled_from([f"device:{n}" for n in range(5)])
BALLOTS = st.sampled_from([f"{n:032x}" for n in range(7)])
CHOICES = st.sampled_from(["1", "2", "3", "9"])
SECONDS = 1_000


class Machine(RuleBasedStateMachine):
    """The model: which ballots count with what, who has voted, in which state the poll is.

    A ballot_id belongs to one voter where a poll has several shards: another shard could not know
    it. ``stands`` is each voter's ballot that counts, ``receipts`` those of all that ever did.
    """

    url = ""
    servers: tuple[Any, ...] = ()
    shards = 1
    revote: Revote = "first"

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.keys = tempfile.TemporaryDirectory()
        self.state = PollState.DRAFT
        self.counted: dict[str, str] = {}
        self.receipts: dict[str, Receipt] = {}
        self.stands: dict[str, str] = {}
        self.closes_at = 0.0
        self.time = 1_000_000.0
        self.archive: dict[int, list[Entry]] = {}
        self.voter_of: dict[str, str] = {}
        self.readings: list[Poll] = []

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def serve(self, skew: float = 0.0) -> PollService:
        """A gateway, whose clock may be off."""
        service = PollService(
            PollStore.at(self.url),
            PollKeys(Path(self.keys.name)),
            Settings(tick_ms=0),
            now=lambda: self.time + skew,
        )
        self.run(service.start())
        return service

    @initialize(opened=st.sampled_from([True, True, True, False]))
    def draft(self, opened: bool) -> None:
        self.service = self.serve()
        asked = [Asked("Q", choices=("a", "b", "c"))]
        rules = PollRules(shards=self.shards, revote=self.revote, duration_seconds=SECONDS)
        poll = self.run(self.service.create_sheet("alef", asked, "HQ", rules))
        self.poll = poll.id
        if opened:
            self.move("open")

    @rule(move=st.sampled_from(["open", "close", "archive"]))
    @precondition(lambda self: self.state is not PollState.OPEN or len(self.receipts) > 4)
    def any_move(self, move: Move) -> None:
        self.move(move)

    @rule(move=st.sampled_from(["open", "archive"]))
    def move(self, move: Move) -> None:
        work = {
            "open": self.service.open,
            "close": self.service.close,
            "archive": self.service.archive,
        }[move]
        to = MOVES[self.state].get(move)
        if to is None:
            with pytest.raises(IllegalMove):
                self.run(work(self.poll))
        else:
            assert self.run(work(self.poll)).state is to
            self.state = to
            if to is PollState.OPEN:
                self.closes_at = self.time + SECONDS

    @rule(voter=VOTERS, ballot_id=BALLOTS, choice=CHOICES)
    def cast(self, voter: str, ballot_id: str, choice: str) -> None:
        self.compare(self.service, [(voter, self.own(voter, ballot_id), choice)])

    @rule(voter=VOTERS, ballot_id=BALLOTS, choice=CHOICES, copies=st.integers(2, 5))
    def cast_at_once(self, voter: str, ballot_id: str, choice: str, copies: int) -> None:
        """Duplicate deliveries."""
        self.compare(self.service, [(voter, self.own(voter, ballot_id), choice)] * copies)

    @precondition(lambda self: self.receipts)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        """Whatever has been acknowledged gets its receipt again, after closing and draining too."""
        ballot_id = data.draw(st.sampled_from(sorted(self.receipts)))
        voter = self.voter_of[ballot_id]
        self.compare(self.service, [(voter, ballot_id, self.counted[ballot_id])])

    @precondition(lambda self: self.receipts)
    @rule(voter=VOTERS, choice=st.sampled_from(["1", "2", "3"]), data=st.data())
    def probe(self, voter: str, choice: str, data: st.DataObject) -> None:
        """Whoever knows a ballot id, and not its nonce, is refused whatever the ballot says."""
        ballot_id = data.draw(st.sampled_from(sorted(self.receipts)))
        if self.shards > 1:
            # Another shard doesn't know the ballot.
            voter = self.voter_of[ballot_id]
        (outcome,) = self.send(self.service, [(voter, ballot_id, choice)], "f" * 32)
        assert type(outcome) is BallotConflict, outcome

    @rule(voter=VOTERS, pair=st.lists(BALLOTS, min_size=2, max_size=2, unique=True))
    def two_tabs(self, voter: str, pair: list[str]) -> None:
        """Two ballots of one voter at once: one counts, by the poll's rule."""
        votes = [(voter, self.own(voter, one), "1") for one in pair]
        self.compare(self.service, votes)

    @rule(seconds=st.sampled_from([1, 1, 400]))
    def wait(self, seconds: int) -> None:
        """Past its time the poll takes nothing, and whoever looks closes it."""
        self.time += seconds
        if self.state is PollState.OPEN and self.time >= self.closes_at:
            self.run(self.service._clock.settle())
            self.state = PollState.CLOSED

    @rule(seconds=st.sampled_from([1, 100, 1_500]), data=st.data())
    @precondition(lambda self: self.state is PollState.OPEN)
    def move_the_deadline(self, seconds: int, data: st.DataObject) -> None:
        """Later or sooner, on every shard."""
        self.readings.append(self.run(self.service.get(self.poll)))
        self.closes_at = self.time + seconds
        moved = self.run(self.service.moves.move_deadline(self.poll, self.closes_at))
        assert moved.closes_at == self.closes_at
        self.complete_as_of_before(data)

    @precondition(lambda self: self.readings)
    @rule(data=st.data())
    def complete_as_of_before(self, data: st.DataObject) -> None:
        """Another gateway read the poll earlier, and only now gets to tell the shards."""
        reading = data.draw(st.sampled_from(self.readings))
        self.run(self.service._store.complete(reading))

    @invariant()
    def every_shard_has_the_newest_deadline(self) -> None:
        if self.state is PollState.OPEN:
            hashes = [keys_of("poll", self.poll, shard)[0] for shard in range(self.shards)]
            asked = [("HGET", key, "closes_at") for key in hashes]
            found = self.run(self.service._store.server.look_up_all(asked))
            assert [float(one) for one in found] == [self.closes_at] * self.shards

    @rule(voter=VOTERS, ballot_id=BALLOTS, skew=st.sampled_from([-5_000.0, 5_000.0]))
    @precondition(lambda self: self.state is not PollState.OPEN or len(self.receipts) > 2)
    def cast_where_the_clock_is_off(self, voter: str, ballot_id: str, skew: float) -> None:
        """A second gateway: late, it takes votes until somebody closes; early, it closes."""
        other = self.serve(skew)
        try:
            if self.state is PollState.OPEN and skew > 0:
                self.state = PollState.CLOSED
            self.compare(other, [(voter, self.own(voter, ballot_id), "1")])
        finally:
            self.run(other.stop())

    @precondition(lambda self: self.state is not PollState.DRAFT)
    @rule(data=st.data())
    def drain(self, data: st.DataObject) -> None:
        """What the sequencer does: reads on from where it stands, keeps that, trims."""
        store = self.service._store
        shard = data.draw(st.integers(0, self.shards - 1))
        kept = self.archive.setdefault(shard, [])
        after = kept[-1].seq if kept else 0
        kept += self.run(store.ledger_page(self.poll, shard, after, data.draw(st.integers(1, 3))))
        if kept:
            self.run(store.trim(self.poll, shard, kept[-1].seq))

    @rule()
    def restart(self) -> None:
        self.run(self.service.stop())
        self.service = self.serve()

    @rule()
    def lose_the_function(self) -> None:
        for client in self.servers:
            client.function_flush()

    @invariant()
    def tally_ledger_and_voters_agree(self) -> None:
        if not hasattr(self, "poll"):
            return
        audit = self.run(
            self.service.audit(self.poll, lambda poll, shard, upto: self.archive.get(shard, []))
        )
        assert audit.ok, audit.differences
        assert audit.state == self.state
        assert audit.voters == audit.total == len(self.stands)
        assert audit.ballots == audit.ledger == len(self.receipts)
        answers = Counter(self.counted[ballot_id] for ballot_id in self.stands.values())
        assert audit.recounted == {choice: answers[choice] for choice in ("1", "2", "3")}
        held = (Path(self.keys.name) / f"{self.poll}.key").exists()
        assert held == (self.state is PollState.OPEN)
        tally = self.run(self.service.tally(self.poll))
        assert tally.total == len(self.stands)

    def own(self, voter: str, ballot_id: str) -> str:
        """On several shards ballot ids are each voter's own."""
        return ballot_id if self.shards == 1 else f"{voter[-1]}{ballot_id[1:]}"

    def expected(self, voter: str, ballot_id: str, choice: str) -> type[Receipt | PollingError]:
        if choice == "9":
            return UnknownChoice
        if ballot_id in self.counted:
            return Receipt if self.counted[ballot_id] == choice else BallotConflict
        if self.state is not PollState.OPEN:
            return PollClosed
        if voter in self.stands and self.revote == "first":
            return AlreadyVoted
        return Receipt

    def send(
        self, service: PollService, votes: list[tuple[str, str, str]], nonce: str = "0" * 32
    ) -> list[Receipt | BaseException]:
        async def send() -> list[Receipt | BaseException]:
            return await asyncio.gather(
                *(
                    service.cast(voter, Ballot(self.poll, (choice,), ballot_id, nonce))
                    for voter, ballot_id, choice in votes
                ),
                return_exceptions=True,
            )

        return self.run(send())

    def compare(self, service: PollService, votes: list[tuple[str, str, str]]) -> None:
        """What came of ``votes``, sent at once by one voter, against the model.

        Where the first vote counts, which one is first within a batch is the shuffle's to say.
        """
        outcomes = self.send(service, votes)
        rows = list(zip(votes, outcomes, strict=True))
        if self.revote == "first":
            # The one that was counted, then what the others had to find.
            rows.sort(key=lambda row: not isinstance(row[1], Receipt))
        for vote, outcome in rows:
            kind = self.expected(*vote)
            assert type(outcome) is kind, (vote, outcome)
            if isinstance(outcome, Receipt):
                self.accept(*vote, outcome)

    def accept(self, voter: str, ballot_id: str, choice: str, receipt: Receipt) -> None:
        if ballot_id in self.counted:
            kept = self.receipts[ballot_id]
            assert (receipt.shard, receipt.seq) == (kept.shard, kept.seq)
            return
        before = [kept.seq for kept in self.receipts.values() if kept.shard == receipt.shard]
        # Positions have no gaps; in one batch they are given in the shuffle's order.
        assert receipt.ballot_id == ballot_id
        assert receipt.seq not in before
        self.counted[ballot_id] = choice
        self.receipts[ballot_id] = receipt
        self.voter_of[ballot_id] = voter
        standing = self.stands.get(voter)
        assert standing is None or self.revote == "last"
        self.stands[voter] = ballot_id

    def teardown(self) -> None:
        if hasattr(self, "service"):
            self.run(self.service.stop())
        self.run(self.loop.shutdown_default_executor())
        self.loop.close()
        self.keys.cleanup()


@pytest.mark.cluster_too
@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("revote", ["first", "last"])
def test_the_service_does_what_the_model_does(valkey: Server, shards: int, revote: Revote) -> None:
    if valkey.cluster is not None and (shards, revote) != (3, "last"):
        pytest.skip("On a Cluster the one with everything in it is enough.")
    nodes = valkey.cluster.primaries() if valkey.cluster is not None else []
    Machine.url = valkey.url
    Machine.shards, Machine.revote = shards, revote
    Machine.servers = tuple(node.client for node in nodes) or (valkey.plain(),)
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=15 if valkey.cluster is None else 6,
            stateful_step_count=40 if valkey.cluster is None else 25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
