"""``python -m polling``: polls without a web server, on any Valkey 7+ or Redis 7+.

Its main use is the audit: ``python -m polling audit --store URL`` recounts every ledger and says
whether tally = ledger = voters. It exits 0 when all agree, 1 when one does not, 2 when the polls
could not be read.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import msgspec
import structlog

from polling.audit import Audit
from polling.command_line import parser
from polling.errors import InvalidPoll, PollingError
from polling.ledger_files import LedgerFiles
from polling.model import Ballot, Poll, Receipt
from polling.poll_keys import PollKeys
from polling.poll_rules import PollRules
from polling.questions import Asked, Kind
from polling.service import PollService
from polling.store import PollStore
from polling.store_answers import VERDICTS, AnswerState, Verdict
from polling.visibility import Audience

_EVERY_POLL = 1_000_000
_Answers = dict[str, tuple[str, ...] | str]
_Read = TypeVar("_Read")


class _Sheet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    questions: tuple[Asked, ...]
    rules: PollRules = PollRules()


@dataclass(frozen=True, slots=True)
class _Settings:
    tick_ms: int = 1
    batch: int = 500
    queue: int = 1_000
    pushes: int = 10
    pushes_crowded: int = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit status."""
    options = parser().parse_args(arguments)
    try:
        return asyncio.run(_run(options))
    except PollingError as error:
        reason = getattr(error, "reason", "")
        print(f"{error} {reason}".rstrip(), file=sys.stderr)
        return 2


async def _run(options: argparse.Namespace) -> int:
    service = PollService(PollStore.at(_url(options.store)), PollKeys(options.keys), _Settings())
    try:
        if options.command == "audit":
            return await _audit(service, options)
        if options.command == "cast":
            await service.start()
        return await _change(service, options)
    finally:
        await service.stop()


def _url(store: str) -> str:
    return store if "://" in store else f"unix://{quote(str(Path(store).absolute()))}"


async def _audit(service: PollService, options: argparse.Namespace) -> int:
    polls = options.polls or [poll.id for poll in await service.list(limit=_EVERY_POLL)]
    sound = True
    for poll in polls:
        audit = await service.audit(poll, LedgerFiles(options.ledger).entries)
        sound = sound and audit.ok
        print(json.dumps(audit.to_dict()) if options.json else _sentence(audit), flush=True)
        for ballot in () if options.json else audit.repeated:
            print(f"{poll}: ballot {ballot} stands in several shards, sent as several voters")
    if not polls and not options.json:
        print("No polls.")
    return 0 if sound else 1


def _sentence(audit: Audit) -> str:
    if audit.ok:
        return (
            f"{audit.poll} {audit.state}: sound. tally {audit.total} = ledger {audit.ledger} "
            f"= voters {audit.voters}"
        )
    differences = "".join(f"\n  {difference}" for difference in audit.differences)
    return f"{audit.poll} {audit.state}: BROKEN{differences}"


async def _change(service: PollService, options: argparse.Namespace) -> int:
    match options.command:
        case "list":
            await _list(service, options)
        case "cast":
            print(json.dumps((await _cast(service, options)).to_dict()))
        case "answers":
            await _answers(service, options)
        case "judge":
            verdict: Verdict = options.verdict
            await service.written.judge_answer(
                options.poll, options.ballot_id, options.question, verdict
            )
            print(f"{options.ballot_id} {VERDICTS[verdict]}")
        case _:
            poll = await _moved(service, options)
            row = poll.to_dict(audience=Audience.ORGANISER)
            print(json.dumps(row) if options.json else f"{poll.id} {poll.state}")
    return 0


async def _moved(service: PollService, options: argparse.Namespace) -> Poll:
    moves = service.moves
    match options.command:
        case "create":
            asked, wanted = _sheet(options)
            return await service.create_sheet(options.stream, asked, options.asker, wanted)
        case "schedule":
            return await moves.schedule(options.poll, options.at)
        case "open":
            return await moves.open(options.poll)
        case "close":
            return await moves.close(options.poll)
        case "show":
            return await moves.show(options.poll)
        case _:
            return await moves.archive(options.poll)


async def _list(service: PollService, options: argparse.Namespace) -> None:
    for poll, tally in await service.list_with_tallies(options.stream):
        print(
            json.dumps(poll.to_dict(tally, Audience.ORGANISER))
            if options.json
            else f"{poll.id} {poll.stream} {poll.state} {tally.total} votes: {poll.question}"
        )


async def _cast(service: PollService, options: argparse.Namespace) -> Receipt:
    ballot = Ballot(
        poll=options.poll,
        choices=tuple(options.choices),
        ballot_id=options.ballot_id or secrets.token_hex(16),
        nonce=options.nonce or secrets.token_hex(16),
        text=options.text,
        answers=_decoded(options.answers, _Answers) if options.answers else None,
    )
    return await service.cast(options.voter, ballot, options.tier, options.region)


async def _answers(service: PollService, options: argparse.Namespace) -> None:
    cursor = 0
    while True:
        page, cursor, _ = await service.written.answers(
            options.poll, AnswerState(options.state), cursor
        )
        for one in page:
            line = json.dumps(one.to_dict()) if options.json else f"{one.ballot_id} {one.text}"
            print(line)
        if not cursor:
            return


def _sheet(options: argparse.Namespace) -> tuple[Sequence[Asked], PollRules]:
    """What the command asks. Raises InvalidPoll."""
    if options.sheet is None:
        one = Asked(
            options.question,
            Kind(options.kind),
            tuple(options.labels),
            right=tuple(options.right),
        )
        return [one], PollRules(duration_seconds=options.seconds)
    if options.question:
        raise InvalidPoll("Give a question or a sheet, not both.", "sheet")
    try:
        text = options.sheet.read_bytes()
    except OSError as error:
        raise InvalidPoll(f"{options.sheet} can't be read: {error.strerror}.", "sheet") from error
    sheet = _decoded(text, _Sheet)
    return sheet.questions, sheet.rules


def _decoded(text: str | bytes, kind: type[_Read]) -> _Read:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.MsgspecError as error:
        raise InvalidPoll(f"This JSON is not what is asked for here: {error}.", "json") from error


if __name__ == "__main__":
    # Standard output is for results. Tracebacks come without values, which could be ballots.
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    sys.exit(main())
