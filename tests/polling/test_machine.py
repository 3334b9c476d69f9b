"""A plain model of a poll against the service on the real store, driven by Hypothesis."""

from __future__ import annotations

import asyncio
import tempfile
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
from polling.model import Ballot, Receipt
from polling.poll_keys import PollKeys
from polling.rules import MOVES, Move, PollState
from polling.service import PollService
from polling.store import PollStore
from tests.polling.conftest import Server, Settings

T = TypeVar("T")

VOTERS = st.sampled_from([f"device:{n}" for n in range(4)])
BALLOTS = st.sampled_from([f"{n:032x}" for n in range(6)])
CHOICES = st.sampled_from(["1", "2", "3", "9"])


class Machine(RuleBasedStateMachine):
    """The model: which ballots count with what, who has voted, in which state the poll is."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.keys = tempfile.TemporaryDirectory()
        self.state = PollState.DRAFT
        self.counted: dict[str, str] = {}
        self.receipts: dict[str, Receipt] = {}
        self.voted: set[str] = set()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def serve(self) -> PollService:
        service = PollService(
            PollStore.at(self.url), PollKeys(Path(self.keys.name)), Settings(tick_ms=0)
        )
        self.run(service.start())
        return service

    @initialize()
    def draft(self) -> None:
        self.service = self.serve()
        poll = self.run(self.service.create("alef", "Q", ["a", "b", "c"], "HQ"))
        self.poll = poll.id

    @rule(move=st.sampled_from(["open", "close", "archive"]))
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

    @rule(voter=VOTERS, ballot_id=BALLOTS, choice=CHOICES)
    def cast(self, voter: str, ballot_id: str, choice: str) -> None:
        self.compare([(voter, ballot_id, choice)], [self.expected(voter, ballot_id, choice)])

    @rule(voter=VOTERS, ballot_id=BALLOTS, choice=CHOICES, copies=st.integers(2, 5))
    def cast_at_once(self, voter: str, ballot_id: str, choice: str, copies: int) -> None:
        self.compare(
            [(voter, ballot_id, choice)] * copies,
            [self.expected(voter, ballot_id, choice)] * copies,
        )

    @rule(voter=VOTERS, pair=st.lists(BALLOTS, min_size=2, max_size=2, unique=True))
    def two_tabs(self, voter: str, pair: list[str]) -> None:
        """Two ballots of one voter at once: whichever comes first counts, the other is refused."""
        expected = [self.expected(voter, ballot_id, "1") for ballot_id in pair]
        if expected != [Receipt, Receipt] or any(one in self.counted for one in pair):
            self.compare([(voter, one, "1") for one in pair], expected)
            return
        outcomes = self.send([(voter, one, "1") for one in pair])
        kinds = sorted(type(outcome).__name__ for outcome in outcomes)
        assert kinds == ["AlreadyVoted", "Receipt"]
        for outcome in outcomes:
            if isinstance(outcome, Receipt):
                self.accept(voter, outcome.ballot_id, "1", outcome)

    @rule()
    def restart(self) -> None:
        self.run(self.service.stop())
        self.service = self.serve()

    @rule()
    def lose_the_function(self) -> None:
        self.run(self.service._store.server.change(("FUNCTION FLUSH",)))

    @invariant()
    def tally_ledger_and_voters_agree(self) -> None:
        if not hasattr(self, "poll"):
            return
        audit = self.run(self.service.audit(self.poll))
        assert audit.ok, audit.differences
        assert audit.state == self.state
        assert audit.voters == len(self.voted)
        answers = list(self.counted.values())
        assert audit.recounted == {choice: answers.count(choice) for choice in ("1", "2", "3")}
        held = (Path(self.keys.name) / f"{self.poll}.key").exists()
        assert held == (self.state is PollState.OPEN)

    def expected(self, voter: str, ballot_id: str, choice: str) -> type[Receipt | PollingError]:
        if choice == "9":
            return UnknownChoice
        if ballot_id in self.counted:
            return Receipt if self.counted[ballot_id] == choice else BallotConflict
        if self.state is not PollState.OPEN:
            return PollClosed
        return AlreadyVoted if voter in self.voted else Receipt

    def send(self, votes: list[tuple[str, str, str]]) -> list[Receipt | BaseException]:
        async def send() -> list[Receipt | BaseException]:
            return await asyncio.gather(
                *(
                    self.service.cast(voter, Ballot(self.poll, (choice,), ballot_id, "0" * 32))
                    for voter, ballot_id, choice in votes
                ),
                return_exceptions=True,
            )

        return self.run(send())

    def compare(
        self, votes: list[tuple[str, str, str]], expected: list[type[Receipt | PollingError]]
    ) -> None:
        for vote, kind, outcome in zip(votes, expected, self.send(votes), strict=True):
            assert type(outcome) is kind, (vote, outcome)
            if isinstance(outcome, Receipt):
                self.accept(*vote, outcome)

    def accept(self, voter: str, ballot_id: str, choice: str, receipt: Receipt) -> None:
        if ballot_id in self.counted:
            assert self.receipts[ballot_id] == receipt
            return
        assert receipt == Receipt(self.poll, ballot_id, 0, len(self.counted) + 1)
        self.counted[ballot_id] = choice
        self.receipts[ballot_id] = receipt
        self.voted.add(voter)

    def teardown(self) -> None:
        if hasattr(self, "service"):
            self.run(self.service.stop())
        self.run(self.loop.shutdown_default_executor())
        self.loop.close()
        self.keys.cleanup()


def test_the_service_does_what_the_model_does(valkey: Server) -> None:
    Machine.url = valkey.url
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=40,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
