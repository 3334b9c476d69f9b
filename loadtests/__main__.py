"""``python -m loadtests``: one command a load test."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from loadtests import fanout, latency, log, parts, viewers, votes, whep
from loadtests.errors import LoadTestError
from loadtests.report import Report, write

cli = typer.Typer(
    help=(
        "Measure streamd on this machine: every command starts its own servers and generators on "
        "loopback, prints medians and ratios, and stops what it started."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console(highlight=False)
if not out.is_terminal:
    out = Console(highlight=False, width=140)
progress = Console(stderr=True, highlight=False, style="dim")

Json = Annotated[Path | None, typer.Option("--json", help="Also write every figure to this file.")]
Check = Annotated[
    bool, typer.Option("--check", help="Exit with 1 where a goal is missed or not measured.")
]


def main() -> None:
    """Runs the command; what is refused on purpose is one line and exit code 1."""
    try:
        cli()
    except LoadTestError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(
            f"[bold red]loadtests:[/] {error}"
        )
        sys.exit(1)


@cli.command("fanout")
def fanout_command(
    subscribers: Annotated[int, typer.Option(min=1, max=15_000)] = 1_000,
    rate: Annotated[float, typer.Option(min=0.1, max=1_000, help="Publications a second.")] = 50,
    size: Annotated[int, typer.Option(min=200, max=60_000, help="Bytes a publication.")] = 300,
    seconds: Annotated[float, typer.Option(min=0.5, max=300, help="Of each run.")] = 4,
    runs: Annotated[int, typer.Option(min=1, max=100)] = 5,
    broadcast: Annotated[bool, typer.Option(help="With websockets.broadcast() as a peer.")] = True,
    idle: Annotated[bool, typer.Option(help="Memory and CPU of idle connections too.")] = True,
    json: Json = None,
    check: Check = False,
) -> None:
    """CPU time for one delivery on a poll's channel, beside a C send() loop; idle connections."""
    plan = fanout.Plan(subscribers, rate, size, seconds, runs, broadcast, idle)
    _finish(fanout.run(plan, progress.print), json, check)


@cli.command("votes")
def votes_command(
    voters: Annotated[int, typer.Option(min=1, max=12_000)] = 900,
    votes_: Annotated[
        int | None,
        typer.Option("--votes", min=1, help="Of a round at full speed; 40,000, or 20,000 to kill."),
    ] = None,
    subscribers: Annotated[
        int, typer.Option(min=1, max=12_000, help="Screens that watch.")
    ] = 1_000,
    rate: Annotated[float, typer.Option(min=1, help="Votes a second of a paced round.")] = 2_000,
    seconds: Annotated[float, typer.Option(min=0.5, max=300, help="Of a paced round.")] = 10,
    runs: Annotated[int, typer.Option(min=1, max=100)] = 3,
    processes: Annotated[int, typer.Option(min=1, max=16, help="Of voters.")] = 1,
    kill_store: Annotated[
        bool, typer.Option("--kill-store", help="kill -9 the store amid one round of votes.")
    ] = False,
    json: Json = None,
    check: Check = False,
) -> None:
    """Durable votes a second, vote → receipt, vote → screen, CPU a vote; then the audit."""
    plan = votes.Plan(
        voters=voters,
        votes=votes_ or (20_000 if kill_store else 40_000),
        subscribers=subscribers,
        rate=rate,
        seconds=seconds,
        runs=runs,
        processes=processes,
        kill_store=kill_store,
    )
    _finish(votes.run(plan, progress.print), json, check)


@cli.command("log")
def log_command(
    leaves: Annotated[int, typer.Option(min=1, max=1_000_000, help="Of one batch.")] = 100_000,
    batches: Annotated[int, typer.Option(min=1, max=100)] = 4,
    receipts: Annotated[int, typer.Option(min=1, max=3_000, help="Signed at a time.")] = 500,
    json: Json = None,
    check: Check = False,
) -> None:
    """Leaves a second into a poll's log, on one core and on the disk; proofs; receipts."""
    _finish(log.run(log.Plan(leaves, batches, receipts), progress.print), json, check)


class Publisher(StrEnum):
    """Who broadcasts in ``latency``."""

    AAC = "aac"
    OPUS = "opus"
    WHIP = "whip"


class Way(StrEnum):
    """How the broadcast reaches the viewer in ``latency``."""

    WS = "ws"
    HLS = "hls"
    WHEP = "whep"


@cli.command("latency")
def latency_command(
    publisher: Annotated[
        list[Publisher] | None,
        typer.Option(help="Test card with aac or opus, or a page by whip; repeatable."),
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, max=600, help="Of one window.")] = 10,
    runs: Annotated[int, typer.Option(min=1, max=100, help="Windows.")] = 3,
    joins: Annotated[int, typer.Option(min=1, max=1_000)] = 20,
    loads: Annotated[int, typer.Option(min=0, max=200, help="Whole page loads.")] = 8,
    tones: Annotated[int, typer.Option(min=2, max=600, help="For the A/V offset.")] = 15,
    path: Annotated[
        list[Way] | None, typer.Option(help="How it reaches the viewer; repeatable.")
    ] = None,
    json: Json = None,
    check: Check = False,
) -> None:
    """Publisher's clock → viewer's screen in a real Chromium, first picture, A/V offset."""
    sources: tuple[latency.Source, ...] = tuple(one.value for one in publisher or Publisher)
    paths: tuple[latency.Way, ...] = tuple(one.value for one in path or Way)
    plan = latency.Plan(sources, seconds, runs, joins, loads, tones, paths)
    _finish(latency.run(plan, progress.print), json, check)


@cli.command("viewers")
def viewers_command(
    viewers_: Annotated[int, typer.Option("--viewers", min=1, max=15_000)] = 1_000,
    kbit: Annotated[float, typer.Option(min=10, max=100_000, help="Of the broadcast.")] = 600,
    fps: Annotated[int, typer.Option(min=1, max=120)] = 30,
    seconds: Annotated[float, typer.Option(min=1, max=300, help="Of each run.")] = 6,
    runs: Annotated[int, typer.Option(min=1, max=100)] = 3,
    json: Json = None,
    check: Check = False,
) -> None:
    """WebSocket viewers of one broadcast that a core carries."""
    plan = viewers.Plan(viewers_, kbit, fps, seconds, runs)
    _finish(viewers.run(plan, progress.print), json, check)


@cli.command("whep")
def whep_command(
    viewers_: Annotated[int, typer.Option("--viewers", min=1, max=2_000)] = 300,
    kbit: Annotated[float, typer.Option(min=100, max=20_000, help="Of the broadcast.")] = 600,
    fps: Annotated[int, typer.Option(min=1, max=120)] = 30,
    seconds: Annotated[float, typer.Option(min=1, max=300, help="Of each run.")] = 8,
    runs: Annotated[int, typer.Option(min=1, max=100)] = 3,
    peer: Annotated[bool, typer.Option(help="With Janus, from Debian, as a peer.")] = True,
    json: Json = None,
    check: Check = False,
) -> None:
    """WebRTC viewers of one broadcast that a core carries, beside Janus, across a namespace."""
    plan = whep.Plan(viewers_, kbit, fps, seconds, runs, peer)
    _finish(whep.run(plan, progress.print), json, check)


@cli.command("parts")
def parts_command(
    connections: Annotated[int, typer.Option(min=1, max=1_000)] = 50,
    kbit: Annotated[float, typer.Option(min=100, max=20_000, help="Of the broadcast.")] = 600,
    seconds: Annotated[float, typer.Option(min=1, max=60, help="Of each run.")] = 5,
    runs: Annotated[int, typer.Option(min=1, max=100)] = 3,
    json: Json = None,
    check: Check = False,
) -> None:
    """Low-latency HLS parts a second that a core serves, beside nginx with the same bytes."""
    _finish(parts.run(parts.Plan(connections, kbit, seconds, runs), progress.print), json, check)


@cli.command("media")
def media_command(
    quick: Annotated[
        bool, typer.Option("--quick", help="Each run as short as it can be; rough figures.")
    ] = False,
    json: Json = None,
    check: Check = False,
) -> None:
    """All of the media's figures in one run: viewers, whep, parts and latency, as by themselves."""
    if quick:
        plans = (
            viewers.Plan(seconds=2, runs=1),
            whep.Plan(viewers=50, seconds=3, runs=1),
            parts.Plan(seconds=2, runs=1),
            latency.Plan(("aac", "whip"), seconds=4, runs=1, joins=3, loads=1, tones=4),
        )
    else:
        plans = viewers.Plan(), whep.Plan(), parts.Plan(), latency.Plan()
    runs: list[Callable[[], Report]] = [
        lambda: viewers.run(plans[0], progress.print),
        lambda: whep.run(plans[1], progress.print),
        lambda: parts.run(plans[2], progress.print),
        lambda: latency.run(plans[3], progress.print),
    ]
    _finish_all((run() for run in runs), json, check)


def _finish(report: Report, json: Path | None, check: bool) -> None:
    _finish_all([report], json, check)


def _finish_all(coming: Iterable[Report], json: Path | None, check: bool) -> None:
    """Shows each as it comes, so that one that fails takes none of the others with it."""
    reports: list[Report] = []
    for report in coming:
        reports.append(report)
        report.print(out)
        if json is not None:
            write(reports, json)
    if any(one.broken or (check and (one.missed or one.unmeasured)) for one in reports):
        raise typer.Exit(1)


if __name__ == "__main__":
    main()
