"""The values of a poll: Poll, Ballot, Receipt, Tally. Frozen, and nothing but values."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from polling.asker import Asker
from polling.breakdown import tiers
from polling.deadlines import DeadlineMove
from polling.poll_rules import PollRules
from polling.questions import Choice, Kind, Question
from polling.rules import FINISHED, PollState
from polling.visibility import Audience, sees_poll, sees_results, sees_right

__all__ = ["Ballot", "Choice", "Poll", "Receipt", "Tally"]

SURVEY = "survey"


class Poll(msgspec.Struct, frozen=True, dict=True):
    """A sheet of questions asked on a stream. Times are Unix seconds, None until they happen.

    ``version`` grows by one at every edit. ``seed``: the published one of shuffled choices.
    ``closes_at`` is the server's own bound for ballots. ``cue_*``: the pictures, on the clock of
    the broadcast, at which the poll opens, closes and is shown; ``cue_lag``: see ``polling.stage``.
    ``deadlines``: how its close was moved while it was open, oldest first. ``late_of``: the poll
    whose late answers this one takes (``polling.late``); empty: of none. ``asker``: who asks, as
    text, for whoever knows no ``asked_by``; that is None where only the text is known.
    """

    id: str
    stream: str
    questions: tuple[Question, ...]
    asker: str
    created_at: float
    rules: PollRules = PollRules()
    simulated: bool = False
    seed: str = ""
    late_of: str = ""
    version: int = 1
    state: PollState = PollState.DRAFT
    opens_at: float | None = None
    opened_at: float | None = None
    closes_at: float | None = None
    closed_at: float | None = None
    shown_at: float | None = None
    cue_open: float | None = None
    cue_close: float | None = None
    cue_show: float | None = None
    cue_lag: float | None = None
    deadlines: tuple[DeadlineMove, ...] = ()
    asked_by: Asker | None = None

    @property
    def kind(self) -> str:
        """The question's kind, or "survey" where there are several."""
        return self.questions[0].kind.value if len(self.questions) == 1 else SURVEY

    @property
    def question(self) -> str:
        """The first question's text."""
        return self.questions[0].text

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The first question's choices."""
        return self.questions[0].choices

    @property
    def cue(self) -> dict[str, float | None] | None:
        """``{"open", "close", "show", "lag", "rev"}``; None where it is on no broadcast's clock.

        ``rev`` counts the moves of its close: of two closes the one of the higher ``rev`` counts.
        """
        if self.cue_lag is None:
            return None
        return {
            "open": self.cue_open,
            "close": self.cue_close,
            "show": self.cue_show,
            "lag": self.cue_lag,
            "rev": len(self.deadlines),
        }

    @property
    def shards(self) -> int:
        """Over how many ``{poll:shard}`` its voters are spread."""
        return self.rules.shards

    @property
    def duration_seconds(self) -> int | None:
        """Seconds from opening to closing; None: closed by hand."""
        return self.rules.duration_seconds

    @functools.cached_property
    def counters(self) -> tuple[str, ...]:
        """Every counter of an answer: "2" with one question, "q1.2" with several."""
        return tuple(
            f"{self.prefix(question)}{counter}"
            for question in self.questions
            for counter in question.counters
        )

    @functools.cached_property
    def answers(self) -> dict[object, Any]:
        """Answers made of ballots, kept by ``polling.answers``: every vote asks for one."""
        return {}

    @functools.cached_property
    def is_sharded(self) -> bool:
        """Whether there are several shards."""
        return self.rules.shards > 1

    @functools.cached_property
    def is_over(self) -> bool:
        """Whether no ballot will be counted any more."""
        return self.state in FINISHED

    @functools.cached_property
    def holds_text(self) -> bool:
        """Whether open answers are asked for."""
        return any(question.kind is Kind.TEXT for question in self.questions)

    @property
    def is_qa(self) -> bool:
        """Whether its viewers ask and nobody casts a ballot."""
        return self.questions[0].kind is Kind.QA

    def prefix(self, question: Question) -> str:
        """What the counters of ``question`` begin with."""
        return f"{question.id}." if len(self.questions) > 1 else ""

    def is_visible(self, audience: Audience) -> bool:
        """Whether ``audience`` is told that there is this poll."""
        return sees_poll(self.state, self.opened_at is not None, audience)

    def to_dict(
        self,
        tally: Tally | None = None,
        audience: Audience = Audience.PUBLIC,
        late: Tally | None = None,
    ) -> dict[str, Any]:
        """The poll as the HTTP API and the feeds show it to ``audience``, with its tally or null.

        ``late``: the tally of its late answers, never added to its own. What ``audience`` may not
        see is not in it: see ``shown_tally`` and ``Question.to_dict``.
        """
        reveals = sees_right(self.state, audience)
        return {
            "id": self.id,
            "stream": self.stream,
            "state": self.state.value,
            "kind": self.kind,
            "question": self.question,
            "choices": [{"id": choice.id, "label": choice.label} for choice in self.choices],
            "questions": [question.to_dict(reveals=reveals) for question in self.questions],
            "rules": self.rules.to_dict(),
            "late_of": self.late_of or None,
            "late": None if late is None else late.sums(),
            "version": self.version,
            "seed": self.seed,
            "asker": self.asker,
            "asked_by": None if self.asked_by is None else self.asked_by.to_dict(),
            "duration_seconds": self.duration_seconds,
            "created_at": self.created_at,
            "opens_at": self.opens_at,
            "opened_at": self.opened_at,
            "closes_at": self.closes_at if self.cue_close is None else self.cue_close,
            "ballots_until": self.closes_at,
            "closed_at": self.closed_at,
            "deadlines": [move.to_dict() for move in self.deadlines],
            "shown_at": self.shown_at,
            "cue": self.cue,
            "simulated": self.simulated,
            "results": self.rules.results,
            "tier_results": tally.tiers() if tally is not None else {},
            "tally": self.shown_tally(tally, audience) if tally is not None else None,
        }

    def shown_tally(self, tally: Tally, audience: Audience = Audience.PUBLIC) -> dict[str, Any]:
        """``tally`` as ``audience`` sees it: where the rules hide it, ``counts`` is null and the
        words of open answers are left out. How many answered is never hidden.
        """
        row = tally.to_dict()
        if not sees_results(self.rules.results, tally.state, audience):
            row["counts"] = None
            row.pop("words", None)
        return row


class Ballot(msgspec.Struct, frozen=True, gc=False):
    """One answer of one voter, who is not named in it.

    ``ballot_id`` and ``nonce`` are 128 random bits each, made by the voter's client, as 32
    lower-case hexadecimal characters. A retry carries the same ``ballot_id``. One question is
    answered by ``choices``, or by ``text``; a survey by ``answers``: question id → choices or
    text. ``version``: the poll's as its voter read it, 0 where the client doesn't say.
    """

    poll: str
    choices: tuple[str, ...] = ()
    ballot_id: str = ""
    nonce: str = ""
    text: str | None = None
    answers: dict[str, tuple[str, ...] | str] | None = None
    version: int = 0


class Receipt(msgspec.Struct, frozen=True):
    """The promise that a ballot is counted and on disk: its position in its shard's ledger.

    ``log`` is the origin of the log that the ballot will be in, ``sig`` the server's signature over
    all of this (``polling.receipts``); both empty where a service has no signer.
    """

    poll: str
    ballot_id: str
    shard: int
    seq: int
    log: str = ""
    sig: str = ""

    def to_dict(self) -> dict[str, Any]:
        """``{"poll", "ballot_id", "shard", "seq"}``, then ``"log", "sig"`` where it is signed."""
        fields: dict[str, Any] = {
            "poll": self.poll,
            "ballot_id": self.ballot_id,
            "shard": self.shard,
            "seq": self.seq,
        }
        if self.sig:
            fields |= {"log": self.log, "sig": self.sig}
        return fields


class Tally(msgspec.Struct, frozen=True):
    """How the answers stand after position ``seq``; ``counts`` by counter.

    ``groups``: the counters that begin with "@", by tier and region; never shown as they are.
    ``words``: of approved open answers, by question: ``[[word, n], …]``. ``items``: the questions
    of viewers in a poll of kind "qa".
    """

    poll: str
    state: PollState
    seq: int
    total: int
    counts: dict[str, int]
    groups: dict[str, int] = {}
    words: Mapping[str, Sequence[tuple[str, int]]] | None = None
    items: Sequence[Mapping[str, Any]] | None = None

    def sums(self) -> dict[str, Any]:
        """``{"poll", "state", "total"}``: nothing that any rule hides."""
        return {"poll": self.poll, "state": self.state.value, "total": self.total}

    def tiers(self) -> dict[str, int | None]:
        """How many answered in each tier, small numbers withheld, once the poll is over.

        While it is open nobody is told: from one tally to the next it would be the tier of one
        person, beside what that person chose.
        """
        return tiers(self.groups) if self.state in FINISHED else {}

    def to_dict(self) -> dict[str, Any]:
        """``{"poll", "state", "seq", "total", "counts": {choice: n}}``.

        Where there are any: ``tiers`` {tier: n | null} of a finished poll, ``words``, ``items``.
        """
        row: dict[str, Any] = {
            "poll": self.poll,
            "state": self.state.value,
            "seq": self.seq,
            "total": self.total,
            "counts": dict(self.counts),
        }
        if told := self.tiers():
            row["tiers"] = told
        if self.words is not None:
            row["words"] = {
                name: [list(pair) for pair in found] for name, found in self.words.items()
            }
        if self.items is not None:
            row["items"] = [dict(item) for item in self.items]
        return row
