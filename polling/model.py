"""The values of a poll: Poll, Choice, Ballot, Receipt, Tally. Frozen, and nothing but values."""

from __future__ import annotations

import base64
import functools
import secrets
from collections.abc import Sequence
from typing import Any

import msgspec

from polling import rules
from polling.errors import UnknownChoice
from polling.rules import PollState


class Choice(msgspec.Struct, frozen=True):
    """One answer: ``id`` is "1" to "10" in the order shown."""

    id: str
    label: str


class Poll(msgspec.Struct, frozen=True, dict=True):
    """A question asked on a stream. Times are Unix seconds, None until they happen."""

    id: str
    stream: str
    question: str
    choices: tuple[Choice, ...]
    asker: str
    created_at: float
    duration_seconds: int | None = None
    simulated: bool = False
    shards: int = 1
    state: PollState = PollState.DRAFT
    opened_at: float | None = None
    closes_at: float | None = None
    closed_at: float | None = None

    @functools.cached_property
    def choice_ids(self) -> frozenset[str]:
        """The choices' ids. Kept, because every vote asks."""
        return frozenset(choice.id for choice in self.choices)

    def to_dict(self, tally: Tally | None = None) -> dict[str, Any]:
        """The poll as the HTTP API and the feeds show it, with ``tally`` or null."""
        return {
            "id": self.id,
            "stream": self.stream,
            "state": self.state.value,
            "kind": "single",
            "question": self.question,
            "choices": [{"id": choice.id, "label": choice.label} for choice in self.choices],
            "asker": self.asker,
            "duration_seconds": self.duration_seconds,
            "created_at": self.created_at,
            "opened_at": self.opened_at,
            "closes_at": self.closes_at,
            "closed_at": self.closed_at,
            "simulated": self.simulated,
            "results": "live",
            "tally": tally.to_dict() if tally is not None else None,
        }


class Ballot(msgspec.Struct, frozen=True):
    """One answer of one voter, who is not named in it.

    ``ballot_id`` and ``nonce`` are 128 random bits each, made by the voter's client, as 32
    lower-case hexadecimal characters. A retry carries the same ``ballot_id``.
    """

    poll: str
    choices: tuple[str, ...]
    ballot_id: str
    nonce: str


class Receipt(msgspec.Struct, frozen=True):
    """The promise that a ballot is counted and on disk: its position in its shard's ledger."""

    poll: str
    ballot_id: str
    shard: int
    seq: int

    def to_dict(self) -> dict[str, Any]:
        """``{"poll", "ballot_id", "shard", "seq"}``, always in this order."""
        return {
            "poll": self.poll,
            "ballot_id": self.ballot_id,
            "shard": self.shard,
            "seq": self.seq,
        }


class Tally(msgspec.Struct, frozen=True):
    """How the answers stand after position ``seq``; ``counts`` by choice id."""

    poll: str
    state: PollState
    seq: int
    total: int
    counts: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """``{"poll", "state", "seq", "total", "counts": {choice: n}}``."""
        return {
            "poll": self.poll,
            "state": self.state.value,
            "seq": self.seq,
            "total": self.total,
            "counts": dict(self.counts),
        }


def draft(
    stream: str,
    question: str,
    labels: Sequence[str],
    asker: str,
    *,
    now: float,
    duration_seconds: int | None = None,
    simulated: bool = False,
) -> Poll:
    """A new poll in state ``draft`` with a random id. Raises InvalidPoll."""
    return Poll(
        id=base64.b32encode(secrets.token_bytes(10)).decode().lower()[:10],
        stream=rules.check_stream(stream),
        question=rules.check_question(question),
        choices=tuple(
            Choice(str(number), label) for number, label in enumerate(rules.check_labels(labels), 1)
        ),
        asker=rules.check_asker(asker),
        created_at=now,
        duration_seconds=rules.check_duration(duration_seconds),
        simulated=simulated,
    )


def admit(poll: Poll, ballot: Ballot) -> None:
    """Checks that ``ballot`` is one that ``poll`` could count: ids' shapes, one known choice.

    Raises InvalidBallot or UnknownChoice. Whether the poll is open, and whether the voter has
    voted, is settled by the store in the same step that counts.
    """
    rules.check_random(ballot.ballot_id, "ballot_id")
    rules.check_random(ballot.nonce, "nonce")
    choice = rules.check_single(ballot.choices)
    if choice not in poll.choice_ids:
        raise UnknownChoice(poll.id, choice)
