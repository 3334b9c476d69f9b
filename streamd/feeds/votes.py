"""The RPC ``vote``: its data checked, the polls asked, each polling error given its code.

Data ``{poll, choices, ballot_id, nonce}`` → the receipt ``{poll, ballot_id, shard, seq}``.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

import msgspec

from polling import errors
from polling.model import Ballot, Receipt
from streamd.feeds.calls import RpcHandler
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


class Polls(Protocol):
    """The part of ``polling.service.PollService`` that a vote needs."""

    async def cast(self, voter: str, ballot: Ballot) -> Receipt: ...


def vote_rpc(polls: Polls) -> RpcHandler:
    """The handler of ``vote``. An anonymous connection is refused with 1004."""

    async def vote(identity: Identity | None, data: object) -> dict[str, Any]:
        if identity is None:
            raise refusal(errors.NoIdentity())
        try:
            ballot = msgspec.convert(data, Ballot)
        except msgspec.ValidationError as error:
            raise BadRequest(f"A vote is {{poll, choices, ballot_id, nonce}}: {error}.") from error
        try:
            receipt = await polls.cast(identity.voter, ballot)
        except errors.PollingError as error:
            raise refusal(error) from error
        return receipt.to_dict()

    return vote


def refusal(error: errors.PollingError) -> FeedError:
    """``error`` as the client is told it.

    What was not acknowledged (NotCounted, a lost poll key, a broken ledger) is temporary: the
    client sends the same ballot again.
    """
    for kind, code in CODES.items():
        if isinstance(error, kind):
            return RpcError(code, str(error))
    if isinstance(error, errors.InvalidBallot):
        return BadRequest(str(error))
    return TryAgain(str(error))
