from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from polling import errors
from polling.model import Ballot, Receipt
from streamd.feeds.codes import BadRequest, FeedError
from streamd.feeds.votes import CODES, refusal, vote_rpc, voter_rpcs
from streamd.identity import Identity

VOTER = Identity("device:1", "device", 2_000_000_000)
VOTE = {"poll": "p", "choices": ["1"], "ballot_id": "0" * 32, "nonce": "f" * 32}


class Polls:
    """Gives a receipt, or raises ``error``; keeps what it was asked."""

    def __init__(self, error: errors.PollingError | None = None) -> None:
        self.error = error
        self.cast_by: list[tuple[str, Ballot]] = []
        self.groups: list[tuple[str, str]] = []

    async def cast(self, voter: str, ballot: Ballot, tier: str, region: str) -> Receipt:
        """See polling.service.PollService."""
        self.cast_by.append((voter, ballot))
        self.groups.append((tier, region))
        if self.error is not None:
            raise self.error
        return Receipt(ballot.poll, ballot.ballot_id, 0, 41)

    def begin(
        self, voter: str, ballot: Ballot, tier: str, region: str, done: Callable[[Any], None]
    ) -> bool:
        """See polling.service.PollService."""
        self.cast_by.append((voter, ballot))
        self.groups.append((tier, region))
        if self.error is not None:
            raise self.error
        done(Receipt(ballot.poll, ballot.ballot_id, 0, 41))
        return True

    def refusal(self, ballot: Ballot, outcome: Any) -> errors.PollingError | None:
        """See polling.service.PollService."""
        return errors.AlreadyVoted(ballot.poll) if outcome == -2 else None


async def test_a_vote_gets_its_receipt() -> None:
    polls = Polls()
    receipt = await vote_rpc(polls)(VOTER, VOTE)
    assert receipt == {"poll": "p", "ballot_id": "0" * 32, "shard": 0, "seq": 41}
    assert polls.cast_by == [("device:1", Ballot("p", ("1",), "0" * 32, "f" * 32))]
    assert polls.groups == [("device", "")]


async def test_a_survey_and_an_open_answer_are_votes_too() -> None:
    polls = Polls()
    ids = {"poll": "p", "ballot_id": "0" * 32, "nonce": "f" * 32}
    voter = Identity("code:1", "code", 2_000_000_000, "tehran")
    answers = {"q1": ["2"], "q2": "why not"}
    await vote_rpc(polls)(voter, {**ids, "answers": answers, "version": 3})
    await vote_rpc(polls)(voter, {**ids, "text": "because"})
    survey, text = (ballot for _, ballot in polls.cast_by)
    assert (survey.answers, survey.version) == ({"q1": ("2",), "q2": "why not"}, 3)
    assert text.text == "because"
    assert polls.groups == [("code", "tehran")] * 2


async def test_a_code_for_another_poll_votes_here_as_nobody() -> None:
    polls = Polls()
    with pytest.raises(FeedError) as refused:
        await vote_rpc(polls)(Identity("code:1", "code", 2_000_000_000, poll="q"), VOTE)
    assert refused.value.code == 1004
    assert polls.cast_by == []


async def test_an_anonymous_connection_may_not_vote() -> None:
    polls = Polls()
    with pytest.raises(FeedError) as refused:
        await vote_rpc(polls)(None, VOTE)
    assert refused.value.code == 1004
    assert polls.cast_by == []


@pytest.mark.parametrize(
    "data",
    [None, 5, [], {}, VOTE | {"choices": "1"}, VOTE | {"choices": [1]}, VOTE | {"nonce": None}],
)
async def test_data_of_another_shape(data: object) -> None:
    with pytest.raises(BadRequest) as refused:
        await vote_rpc(Polls())(VOTER, data)
    assert "poll, choices, ballot_id, nonce" in refused.value.message


@pytest.mark.parametrize(
    ("error", "code", "temporary"),
    [
        (errors.UnknownPoll("p"), 1001, False),
        (errors.UnknownChoice("p", "9"), 1002, False),
        (errors.PollClosed("p", "closed"), 1003, False),
        (errors.NoIdentity(), 1004, False),
        (errors.AlreadyVoted("p"), 1005, False),
        (errors.BallotConflict("p"), 1006, False),
        (errors.NotEligible("p", "tier"), 1007, False),
        (errors.NotEligible("p", "region"), 1007, False),
        (errors.PollChanged("p"), 1008, False),
        (errors.TooManyAsked("p"), 1009, False),
        (errors.UnknownItem("p", "x"), 1010, False),
        (errors.InvalidBallot("The nonce must be hexadecimal.", "nonce"), 107, False),
        (errors.StoreDown(), 100, True),
        (errors.Busy(9), 100, True),
        (errors.PollKeyLost("p"), 100, True),
        (errors.LedgerBroken("p"), 100, True),
    ],
)
async def test_every_refusal_has_the_contracts_code(
    error: errors.PollingError, code: int, temporary: bool
) -> None:
    with pytest.raises(FeedError) as refused:
        await vote_rpc(Polls(error))(VOTER, VOTE)
    assert (refused.value.code, refused.value.temporary) == (code, temporary)
    assert refused.value.message == str(error)
    assert refused.value.why == getattr(error, "why", "")


class Desk(Polls):
    """Answers what viewers ask; keeps it."""

    def __init__(self, error: errors.PollingError | None = None) -> None:
        super().__init__(error)
        self.asked: list[tuple[str, ...]] = []

    @property
    def written(self) -> Desk:
        """See polling.service.PollService."""
        return self

    async def seen_tally(self, poll: str, ballot_id: str) -> dict[str, Any]:
        """See polling.service.PollService."""
        self._take(poll, ballot_id)
        return {"poll": poll, "counts": None}

    async def ask(self, *asked: str) -> str:
        """See polling.written.Written."""
        self._take(*asked)
        return "Why?"

    async def upvote(self, *asked: str) -> int:
        """See polling.written.Written."""
        self._take(*asked)
        return 7

    def _take(self, *asked: str) -> None:
        self.asked.append(asked)
        if self.error is not None:
            raise self.error


async def test_a_viewer_asks_and_votes_for_what_others_asked() -> None:
    desk = Desk()
    rpcs = voter_rpcs(desk)
    voter = Identity("code:1", "code", 2_000_000_000, "tehran")
    question = {"poll": "p", "id": "0" * 32, "text": " Why? "}
    held = {"poll": "p", "id": "0" * 32, "text": "Why?", "state": "held"}
    assert await rpcs["ask"](voter, question) == held
    upvotes = {"poll": "p", "id": "0" * 32, "upvotes": 7}
    assert await rpcs["upvote"](voter, {"poll": "p", "id": "0" * 32}) == upvotes
    assert desk.asked == [
        ("code:1", "p", "0" * 32, " Why? ", "code", "tehran"),
        ("code:1", "p", "0" * 32, "code", "tehran"),
    ]


async def test_anyone_may_ask_for_a_tally() -> None:
    desk = Desk()
    tally = voter_rpcs(desk)["tally"]
    assert await tally(None, {"poll": "p"}) == {"poll": "p", "counts": None}
    await tally(VOTER, {"poll": "p", "ballot_id": "0" * 32})
    assert desk.asked == [("p", ""), ("p", "0" * 32)]


@pytest.mark.parametrize(
    ("method", "data"),
    [
        ("ask", {"poll": "p", "id": "0" * 32, "text": "Why?"}),
        ("upvote", {"poll": "p", "id": "0" * 32}),
    ],
)
async def test_viewers_calls_are_checked_and_refused_alike(
    method: str, data: dict[str, str]
) -> None:
    call = voter_rpcs(Desk())[method]
    foreign = Identity("code:1", "code", 2_000_000_000, poll="q")
    for nobody in (None, foreign):
        with pytest.raises(FeedError) as refused:
            await call(nobody, data)
        assert refused.value.code == 1004
    shapes: list[object] = [None, [], {}, data | {"id": 5}]
    for shape in shapes:
        with pytest.raises(BadRequest):
            await call(VOTER, shape)
    with pytest.raises(FeedError) as refused:
        await voter_rpcs(Desk(errors.UnknownItem("p", "x")))[method](VOTER, data)
    assert refused.value.code == 1010
    with pytest.raises(BadRequest):
        await voter_rpcs(Desk())["tally"](VOTER, {"ballot_id": "x"})


def test_no_refusal_of_a_vote_is_without_a_code_of_its_own() -> None:
    """A new kind of VoteRefused must not become "try again" by accident."""
    for kind in errors.VoteRefused.__subclasses__():
        assert kind in CODES


def test_an_error_of_a_kind_nobody_listed_is_temporary() -> None:
    assert refusal(errors.PollingError("x")).temporary
