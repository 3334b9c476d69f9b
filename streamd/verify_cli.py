"""The command ``streamd verify``: asks, and says in plain sentences what was found."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from streamd.errors import VerifyFailed
from streamd.verify import LIMITS, MEANING, read_checkpoint, read_receipt, verify

out = Console(highlight=False, soft_wrap=True)


def verify_command(
    receipt: Annotated[str, typer.Argument(help="The receipt: a file, “-”, or its JSON.")],
    url: Annotated[
        str, typer.Option(help="The server to ask; default: the receipt's, over HTTPS.")
    ] = "",
    key: Annotated[
        str, typer.Option(help="The log's public key (NAME+ID+KEY), or a file with it.")
    ] = "",
    checkpoint: Annotated[
        str, typer.Option(help="An earlier checkpoint: has the log only grown since?")
    ] = "",
    save: Annotated[
        Path | None, typer.Option(help="Keep the checkpoint found, to check against later.")
    ] = None,
    recount: Annotated[
        bool, typer.Option("--recount", help="Count the opened answers of a finished poll too.")
    ] = False,
) -> None:
    """Check that a ballot is in its poll's log. Exit code 1 where something does not hold."""
    earlier = read_checkpoint(checkpoint) if checkpoint else ""
    found = verify(read_receipt(receipt, sys.stdin), url, key, earlier, recount=recount)
    for finding in found.findings:
        mark = "[bold green]✓[/]" if finding.ok else "[bold red]✗[/]"
        out.print(f"{mark} {escape(finding.text)}")
    for note in found.notes:
        out.print(f"[yellow]·[/] {escape(note)}")
    if not found.ok:
        raise VerifyFailed(
            "Not everything holds. Keep the receipt, and show it to those who watch this election."
        )
    out.print()
    out.print(MEANING[found.mode])
    out.print(LIMITS)
    if save is not None:
        save.write_text(found.checkpoint, encoding="utf-8")
        out.print(f"The checkpoint is kept in {escape(str(save))}.")
