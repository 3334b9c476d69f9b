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
from urllib.parse import quote

import structlog

from polling.audit import Audit
from polling.errors import PollingError
from polling.model import Ballot
from polling.poll_keys import PollKeys
from polling.service import PollService
from polling.store import PollStore

_EVERY_POLL = 1_000_000


@dataclass(frozen=True, slots=True)
class _Settings:
    tick_ms: int = 1
    batch: int = 500
    queue: int = 1_000
    pushes: int = 10
    pushes_crowded: int = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return asyncio.run(_run(options))
    except PollingError as error:
        reason = getattr(error, "reason", "")
        print(f"{error} {reason}".rstrip(), file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m polling",
        description="Ask, open, vote in, close, list and audit polls on a Valkey or Redis server.",
        epilog="The embedded server of a running streamd is the default store.",
    )
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--store",
        metavar="URL",
        default="var/valkey/valkey.sock",
        help="redis://, rediss:// or unix:// address, or a socket's path (default: %(default)s)",
    )
    shared.add_argument(
        "--keys",
        metavar="DIR",
        type=Path,
        default=Path("var/poll-keys"),
        help="where the keys of open polls lie (default: %(default)s)",
    )
    shared.add_argument("--json", action="store_true", help="one JSON object a line")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    audit = commands.add_parser(
        "audit", parents=[shared], help="recount the ledgers: tally = ledger = voters"
    )
    audit.add_argument("polls", nargs="*", metavar="POLL", help="default: every poll")

    create = commands.add_parser("create", parents=[shared], help="make a draft; prints its id")
    create.add_argument("stream")
    create.add_argument("question")
    create.add_argument("labels", nargs="+", metavar="CHOICE", help="2 to 10 of them")
    create.add_argument("--asker", required=True, help="who asks; shown with every result")
    create.add_argument("--seconds", type=int, help="close by itself after so long")

    for name, text in (("open", "open a draft"), ("close", "close an open poll")):
        commands.add_parser(name, parents=[shared], help=text).add_argument("poll")

    cast = commands.add_parser("cast", parents=[shared], help="cast one ballot")
    cast.add_argument("poll")
    cast.add_argument("choice", help="a choice's id: 1, 2, …")
    cast.add_argument("--voter", required=True, help="whose vote it is; the store never learns it")
    cast.add_argument("--ballot-id", default="", help="32 hex characters, to send one again")

    polls = commands.add_parser("list", parents=[shared], help="the newest 100 polls")
    polls.add_argument("stream", nargs="?")
    return parser


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
        audit = await service.audit(poll)
        sound = sound and audit.ok
        print(json.dumps(audit.to_dict()) if options.json else _sentence(audit), flush=True)
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
    if options.command == "list":
        for poll in await service.list(options.stream):
            tally = await service.tally(poll.id)
            print(
                json.dumps(poll.to_dict(tally))
                if options.json
                else f"{poll.id} {poll.stream} {poll.state} {tally.total} votes: {poll.question}"
            )
        return 0
    if options.command == "cast":
        ballot_id = options.ballot_id or secrets.token_hex(16)
        ballot = Ballot(options.poll, (options.choice,), ballot_id, secrets.token_hex(16))
        print(json.dumps((await service.cast(options.voter, ballot)).to_dict()))
        return 0
    if options.command == "create":
        poll = await service.create(
            options.stream, options.question, options.labels, options.asker, options.seconds
        )
    elif options.command == "open":
        poll = await service.open(options.poll)
    else:
        poll = await service.close(options.poll)
    print(json.dumps(poll.to_dict()) if options.json else f"{poll.id} {poll.state}")
    return 0


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
