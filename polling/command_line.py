"""The arguments of ``python -m polling``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from polling.poll_rules import TIERS
from polling.questions import Kind
from polling.store_answers import VERDICTS, AnswerState

if TYPE_CHECKING:
    _Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def parser() -> argparse.ArgumentParser:
    """Every command with its options."""
    whole = argparse.ArgumentParser(
        prog="python -m polling",
        description="Ask, open, vote in, close, list and audit polls on a Valkey or Redis server.",
        epilog="The embedded server of a running streamd is the default store.",
    )
    shared = _shared()
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _asking(commands, shared)
    _answering(commands, shared)
    return whole


def _shared() -> argparse.ArgumentParser:
    """What every command takes."""
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
    return shared


def _asking(commands: _Commands, shared: argparse.ArgumentParser) -> None:
    """An organiser's commands."""
    audit = commands.add_parser(
        "audit", parents=[shared], help="recount the ledgers: tally = ledger = voters"
    )
    audit.add_argument("polls", nargs="*", metavar="POLL", help="default: every poll")
    audit.add_argument(
        "--ledger",
        metavar="DIR",
        type=Path,
        default=Path("var/ledger"),
        help="where the drained ledgers lie (default: %(default)s)",
    )

    create = commands.add_parser("create", parents=[shared], help="make a draft; prints its id")
    create.add_argument("stream")
    create.add_argument("question", nargs="?", default="")
    create.add_argument("labels", nargs="*", metavar="CHOICE")
    create.add_argument("--asker", required=True, help="who asks; shown with every result")
    create.add_argument("--kind", choices=[kind.value for kind in Kind], default="single")
    create.add_argument("--right", action="append", default=[], help="a quiz's right choice: 1, 2")
    create.add_argument("--seconds", type=int, help="close by itself after so long")
    create.add_argument(
        "--sheet",
        metavar="FILE",
        type=Path,
        help='questions and rules as JSON: {"questions": [{"text", "kind", "choices"}], "rules"}',
    )

    for name, text in (
        ("open", "open a draft or a scheduled poll"),
        ("close", "close an open poll"),
        ("show", "put the results on the screens"),
        ("archive", "put a closed poll away, or withdraw one that never opened"),
    ):
        commands.add_parser(name, parents=[shared], help=text).add_argument("poll")
    schedule = commands.add_parser("schedule", parents=[shared], help="let a poll open by itself")
    schedule.add_argument("poll")
    schedule.add_argument("at", type=float, help="Unix seconds; a running server opens it")


def _answering(commands: _Commands, shared: argparse.ArgumentParser) -> None:
    """Ballots, and what was written in them."""
    cast = commands.add_parser("cast", parents=[shared], help="cast one ballot")
    cast.add_argument("poll")
    cast.add_argument("choices", nargs="*", metavar="CHOICE", help="choices' ids: 1, 2, …")
    cast.add_argument("--text", help="an open answer")
    cast.add_argument("--answers", help='a survey as JSON: {"q1": ["2"], "q2": "open answer"}')
    cast.add_argument("--voter", required=True, help="whose vote it is; the store never learns it")
    cast.add_argument("--tier", default="device", choices=TIERS)
    cast.add_argument("--region", default="")
    cast.add_argument("--ballot-id", default="", help="32 hex characters, to send one again")
    cast.add_argument("--nonce", default="", help="32 hex characters, of a ballot sent again")

    answers = commands.add_parser("answers", parents=[shared], help="open answers of a poll")
    answers.add_argument("poll")
    answers.add_argument("--state", default="held", choices=[one.value for one in AnswerState])
    judge = commands.add_parser("judge", parents=[shared], help="approve or reject one of them")
    judge.add_argument("poll")
    judge.add_argument("ballot_id")
    judge.add_argument("verdict", choices=list(VERDICTS))
    judge.add_argument("--question", default="", help="q1, q2, … where several are open")

    polls = commands.add_parser("list", parents=[shared], help="the newest 100 polls")
    polls.add_argument("stream", nargs="?")
