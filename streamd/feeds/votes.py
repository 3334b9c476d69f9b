"""The RPCs of voters: their data checked, the polls asked, each polling error given its code.

``vote`` ``{poll, ballot_id, nonce, choices | text | answers, version?}`` → the receipt.
``tally`` ``{poll, ballot_id?}`` → the tally, of a counted ballot as voters see it.
``ask`` ``{poll, id, text}`` → ``{poll, id, text, state: "held"}``.
``upvote`` ``{poll, id}`` → ``{poll, id, upvotes}``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

import msgspec

from polling import errors
from polling.model import Ballot, Receipt
from streamd.feeds.calls import PromptHandler, RpcHandler
from streamd.feeds.codes import BadRequest, ErrorCode, FeedError, RpcError, TryAgain
from streamd.identity import Identity

CODES: Final[dict[type[errors.PollingError], ErrorCode]] = {
    errors.UnknownPoll: ErrorCode.UNKNOWN_POLL,
    errors.UnknownChoice: ErrorCode.UNKNOWN_CHOICE,
    errors.PollClosed: ErrorCode.POLL_CLOSED,
    errors.NoIdentity: ErrorCode.NO_IDENTITY,
    errors.AlreadyVoted: ErrorCode.ALREADY_VOTED,
    errors.BallotConflict: ErrorCode.BALLOT_CONFLICT,
    errors.NotEligible: ErrorCode.NOT_ELIGIBLE,
    errors.PollChanged: ErrorCode.POLL_CHANGED,
    errors.TooManyAsked: ErrorCode.TOO_MANY_ASKED,
    errors.UnknownItem: ErrorCode.UNKNOWN_ITEM,
}
"""Refusals that the contract names. Every other one is in ``refusal``."""

Data = TypeVar("Data", bound=msgspec.Struct)


class Written(Protocol):
    """The part of ``polling.written.Written`` that viewers call."""

    async def ask(
        self, voter: str, poll: str, item: str, text: str, tier: str, region: str
    ) -> str: ...

    async def upvote(self, voter: str, poll: str, item: str, tier: str, region: str) -> int: ...


class Casting(Protocol):
    """The part of ``polling.service.PollService`` that a vote needs."""

    async def cast(self, voter: str, ballot: Ballot, tier: str, region: str) -> Receipt: ...

    def begin(
        self, voter: str, ballot: Ballot, tier: str, region: str, done: Callable[[Any], None]
    ) -> bool: ...

    def refusal(self, ballot: Ballot, outcome: Any) -> errors.PollingError | None: ...


class Polls(Casting, Protocol):
    """The part that all the RPCs of voters need."""

    @property
    def written(self) -> Written: ...

    async def seen_tally(self, poll: str, ballot_id: str) -> dict[str, Any]: ...


class TallyAsked(msgspec.Struct, frozen=True):
    """Data of ``tally``."""

    poll: str
    ballot_id: str = ""


class Question(msgspec.Struct, frozen=True):
    """Data of ``ask``; ``id`` is 32 hexadecimal characters of the client's."""

    poll: str
    id: str
    text: str


class Upvote(msgspec.Struct, frozen=True):
    """Data of ``upvote``."""

    poll: str
    id: str


def voter_rpcs(polls: Polls) -> dict[str, RpcHandler]:
    """Every RPC of voters, by its name."""
    return {
        "vote": vote_rpc(polls),
        "tally": tally_rpc(polls),
        "ask": ask_rpc(polls),
        "upvote": upvote_rpc(polls),
    }


def vote_rpc(polls: Casting) -> VoteHandler:
    """The handler of ``vote``. An anonymous connection is refused with 1004."""
    return VoteHandler(polls)


class VoteHandler(PromptHandler):
    """Casts ballots; see ``vote_rpc``."""

    kind = Ballot

    def __init__(self, polls: Casting) -> None:
        self._polls = polls

    async def __call__(self, identity: Identity | None, data: object) -> dict[str, Any]:
        """The receipt, as a dictionary."""
        if identity is None:
            raise refusal(errors.NoIdentity())
        ballot = _read(data, Ballot, "A vote is {poll, choices, ballot_id, nonce}")
        voter = _voter(identity, ballot.poll)
        try:
            receipt = await self._polls.cast(voter.voter, ballot, voter.tier, voter.region)
        except errors.PollingError as error:
            raise refusal(error) from error
        return receipt.to_dict()

    def begin(self, identity: Identity, data: Ballot, done: Callable[[Any], None]) -> bool:
        """Gives the ballot to the polls."""
        if identity.poll and identity.poll != data.poll:
            raise refusal(errors.NoIdentity())
        try:
            return self._polls.begin(identity.voter, data, identity.tier, identity.region, done)
        except errors.PollingError as error:
            raise refusal(error) from error

    def result(self, data: Ballot, outcome: Any) -> Receipt | None:
        """The receipt, or why there is none."""
        if type(outcome) is Receipt:
            return outcome
        why = self._polls.refusal(data, outcome)
        if why is None:
            return None
        raise refusal(why)


def tally_rpc(polls: Polls) -> RpcHandler:
    """The handler of ``tally``, which anonymous connections may call."""

    async def tally(_: Identity | None, data: object) -> dict[str, Any]:
        asked = _read(data, TallyAsked, "A tally is asked for by {poll, ballot_id}")
        try:
            return await polls.seen_tally(asked.poll, asked.ballot_id)
        except errors.PollingError as error:
            raise refusal(error) from error

    return tally


def ask_rpc(polls: Polls) -> RpcHandler:
    """The handler of ``ask``. An anonymous connection is refused with 1004."""

    async def ask(identity: Identity | None, data: object) -> dict[str, Any]:
        asked = _read(data, Question, "A question is {poll, id, text}")
        voter = _voter(identity, asked.poll)
        try:
            text = await polls.written.ask(
                voter.voter, asked.poll, asked.id, asked.text, voter.tier, voter.region
            )
        except errors.PollingError as error:
            raise refusal(error) from error
        return {"poll": asked.poll, "id": asked.id, "text": text, "state": "held"}

    return ask


def upvote_rpc(polls: Polls) -> RpcHandler:
    """The handler of ``upvote``. An anonymous connection is refused with 1004."""

    async def upvote(identity: Identity | None, data: object) -> dict[str, Any]:
        wanted = _read(data, Upvote, "A question is wanted by {poll, id}")
        voter = _voter(identity, wanted.poll)
        try:
            upvotes = await polls.written.upvote(
                voter.voter, wanted.poll, wanted.id, voter.tier, voter.region
            )
        except errors.PollingError as error:
            raise refusal(error) from error
        return {"poll": wanted.poll, "id": wanted.id, "upvotes": upvotes}

    return upvote


def refusal(error: errors.PollingError) -> FeedError:
    """``error`` as the client is told it.

    What was not acknowledged (NotCounted, a lost poll key, a broken ledger) is temporary: the
    client sends the same ballot again.
    """
    for kind, code in CODES.items():
        if isinstance(error, kind):
            why = error.why if isinstance(error, errors.NotEligible) else ""
            return RpcError(code, str(error), why=why)
    if isinstance(error, errors.InvalidBallot):
        return BadRequest(str(error))
    return TryAgain(str(error))


def _voter(identity: Identity | None, poll: str) -> Identity:
    if identity is None or not identity.may_vote_in(poll):
        raise refusal(errors.NoIdentity())
    return identity


def _read(data: object, kind: type[Data], shape: str) -> Data:
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise BadRequest(f"{shape}: {error}.") from error
