"""What a poll's voters are told before they vote, pure: fixed when the poll opens."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec

from polling import rules
from polling.errors import InvalidPoll, NotEligible
from polling.questions import Kind, Question

Tier = Literal["device", "platform", "code"]
Revote = Literal["first", "last"]
Results = Literal["live", "after_vote", "after_close", "organiser"]
LogMode = Literal["presence", "recount"]

TIERS: Final[tuple[Tier, ...]] = ("device", "platform", "code")
SHARDS: Final = range(1, 257)
REGIONS_AT_MOST: Final = 64

_REGION = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


class PollRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who may vote, how often, who sees the results and when, and how it is logged.

    ``regions`` empty: everywhere. ``duration_seconds`` None: closed by hand. ``late``: whether
    recordings take answers after the poll, counted apart (``polling.late``).
    """

    who: tuple[Tier, ...] = TIERS
    revote: Revote = "first"
    results: Results = "live"
    duration_seconds: int | None = None
    shuffle: bool = False
    regions: tuple[str, ...] = ()
    shards: int = 1
    log: LogMode = "presence"
    late: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Every rule, for JSON."""
        return {
            "who": list(self.who),
            "revote": self.revote,
            "results": self.results,
            "duration_seconds": self.duration_seconds,
            "shuffle": self.shuffle,
            "regions": list(self.regions),
            "shards": self.shards,
            "log": self.log,
            "late": self.late,
        }


def check_rules(wanted: PollRules, questions: Sequence[Question]) -> PollRules:
    """``wanted`` in its one canonical form, if ``questions`` can be asked under it.

    Raises InvalidPoll, naming the rule at fault.
    """
    who = tuple(tier for tier in TIERS if tier in wanted.who)
    if not who:
        raise InvalidPoll("Say who may vote: device, platform or code.", "who")
    regions = tuple(dict.fromkeys(wanted.regions))
    if len(regions) > REGIONS_AT_MOST or not all(is_region(region) for region in regions):
        raise InvalidPoll(
            "A region is 1 to 32 of a–z, 0–9, _ and -; 64 regions at most.", "regions"
        )
    if isinstance(wanted.shards, bool) or wanted.shards not in SHARDS:
        raise InvalidPoll("A poll has 1 to 256 shards.", "shards")
    kinds = {question.kind for question in questions}
    if Kind.QA in kinds and wanted.late:
        raise InvalidPoll(
            "Questions from viewers are for the broadcast alone: recordings take none. Leave "
            "“late” off.",
            "late",
        )
    if Kind.QUIZ in kinds and wanted.late:
        raise InvalidPoll(
            "A quiz tells its right answers at its close, so later ones would prove nothing. Leave "
            "“late” off.",
            "late",
        )
    if Kind.TEXT in kinds and wanted.log == "recount":
        # The openings would publish every answer, the ones not approved too.
        raise InvalidPoll(
            "Open answers are held until approved, so the log can't open them.", "log"
        )
    if wanted.results == "organiser" and wanted.log == "recount":
        raise InvalidPoll("A log that anyone recounts tells anyone the results.", "log")
    if Kind.TEXT in kinds and wanted.revote == "last":
        # An answer that was approved and shown would have to be taken back.
        raise InvalidPoll("With open answers the first vote counts.", "revote")
    if Kind.QA in kinds and wanted.shards > 1:
        raise InvalidPoll("Questions from viewers are kept on one shard.", "shards")
    if Kind.QA in kinds and wanted.results != "live":
        # Viewers vote for what they see, and it stands in the order of the votes.
        raise InvalidPoll(
            "Questions from viewers and the votes for them are seen by everybody at any time. "
            "Choose live results.",
            "results",
        )
    return msgspec.structs.replace(
        wanted,
        who=who,
        regions=regions,
        duration_seconds=rules.check_duration(wanted.duration_seconds),
    )


def is_region(text: str) -> bool:
    """Whether ``text`` has the shape of a region's id."""
    return _REGION.fullmatch(text) is not None


def check_eligible(poll: str, terms: PollRules, tier: str, region: str) -> None:
    """Raises NotEligible where someone of ``tier`` in ``region`` may not vote."""
    if tier not in terms.who:
        raise NotEligible(poll, "tier")
    if terms.regions and region not in terms.regions:
        raise NotEligible(poll, "region")
