"""Polls as they are drafted and edited, pure: new values, made of what was asked for."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence

import msgspec

from polling import rules
from polling.asker import Asker
from polling.errors import InvalidPoll
from polling.model import Poll
from polling.poll_rules import PollRules, check_rules
from polling.questions import Asked, Kind, check_questions


def draft_sheet(
    stream: str,
    asked: Sequence[Asked],
    asker: str,
    wanted: PollRules | None = None,
    *,
    now: float,
    simulated: bool = False,
    asked_by: Asker | None = None,
) -> Poll:
    """A new poll in state ``draft`` with a random id. Raises InvalidPoll."""
    questions = check_questions(asked)
    checked = check_rules(wanted or PollRules(), questions)
    return Poll(
        id=base64.b32encode(secrets.token_bytes(10)).decode().lower()[:10],
        stream=rules.check_stream(stream),
        questions=questions,
        asker=rules.check_asker(asker),
        asked_by=asked_by,
        created_at=now,
        rules=checked,
        simulated=simulated,
        seed=secrets.token_hex(16) if checked.shuffle else "",
    )


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
    """A new poll of one question with one answer. Raises InvalidPoll."""
    return draft_sheet(
        stream,
        [Asked(question, Kind.SINGLE, rules.check_labels(labels))],
        asker,
        PollRules(duration_seconds=duration_seconds),
        now=now,
        simulated=simulated,
    )


def edited(
    poll: Poll,
    asked: Sequence[Asked] | None = None,
    wanted: PollRules | None = None,
) -> Poll:
    """``poll`` with other questions or rules, one version on. Raises InvalidPoll.

    Whether it may be edited now is the store's to say, in the step that replaces it.
    """
    questions = check_questions(asked) if asked is not None else poll.questions
    checked = check_rules(wanted or poll.rules, questions)
    if checked.shards != poll.rules.shards:
        raise InvalidPoll("The number of shards is chosen when a poll is made.", "shards")
    return msgspec.structs.replace(
        poll,
        questions=questions,
        rules=checked,
        seed=poll.seed or (secrets.token_hex(16) if checked.shuffle else ""),
        version=poll.version + 1,
    )
