"""``streamd codes``: make, list and withdraw access codes, in the running store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from polling.errors import PollingError
from polling.store import PollStore
from streamd import log
from streamd.config import Config, load, page_url
from streamd.errors import ConfigError, StreamdError
from streamd.identity_codes import MOST_A_BATCH, shown
from streamd.identity_store import IdentityStore
from streamd.identity_tiers import Tiers
from streamd.secret_file import server_secret
from streamd.store import Store
from streamd.web.identity_fetch import fetch
from streamd.web.identity_sheet import Sheet, render_sheet
from streamd.web.language import LANGUAGES, load_catalogues
from streamd.web.pages import load_templates

T = TypeVar("T")
ConfigPath = Annotated[
    Path | None, typer.Option("--config", "-c", help="Settings file; default: config.toml here.")
]

codes_cli = typer.Typer(
    help="Make, list and withdraw access codes, in the running store.", no_args_is_help=True
)
out = Console(highlight=False, soft_wrap=True)


@codes_cli.command("make")
def make_command(
    count: Annotated[int, typer.Argument(min=1, max=MOST_A_BATCH, help="How many codes.")],
    poll: Annotated[str, typer.Option(help="The poll they are for, by its id.")] = "",
    event: Annotated[bool, typer.Option("--event", help="They hold for the whole event.")] = False,
    region: Annotated[str, typer.Option(help="The region whose people get them.")] = "",
    label: Annotated[str, typer.Option(help="Who gets them, to recognise the batch.")] = "",
    sheet: Annotated[
        Path | None, typer.Option(help="Write a page with a QR a code, for printing on A4.")
    ] = None,
    lang: Annotated[str, typer.Option(help="The sheet's language: en or fa.")] = "en",
    config: ConfigPath = None,
) -> None:
    """Make codes. They are shown now and never again."""
    if bool(poll) == event:
        raise typer.BadParameter("give --poll POLL, or --event")
    if lang not in LANGUAGES:
        raise typer.BadParameter("a sheet is in en or in fa")
    settings = _settings(config)

    async def work(tiers: Tiers, address: str) -> Sheet:
        if region and region not in tiers.regions:
            raise ConfigError(f"{region!r} is no region of this event: see [event] regions.")
        link, purpose = f"{page_url(settings)}/", ""
        if poll:
            polls = PollStore.at(address)
            try:
                found = await polls.get(poll)
            except PollingError as error:
                raise StreamdError(str(error)) from error
            finally:
                await polls.close()
            link, purpose = f"{link}watch/{found.stream}", found.question
        batch, codes = await tiers.make_codes(poll, region, count, label, time.time())
        return Sheet(batch, codes, link, purpose)

    made = asyncio.run(_with_tiers(settings, work))
    if sheet is not None:
        catalogue = load_catalogues()
        page = render_sheet(
            made, load_templates(catalogue)[lang], catalogue[lang], settings.event, lang
        )
        sheet.write_text(asyncio.run(page), encoding="utf-8")
        sheet.chmod(0o600)
        out.print(f"batch {made.batch.id}: {count} codes in {sheet}; print it and delete it")
        return
    for code in made.codes:
        out.print(shown(code))
    Console(stderr=True, highlight=False).print(f"batch {made.batch.id}; shown only now")


@codes_cli.command("list")
def list_command(config: ConfigPath = None) -> None:
    """List batches; the codes themselves are not kept."""

    async def work(tiers: Tiers, _address: str) -> Table | str:
        table = Table("batch", "for", "region", "codes", "label", "made (UTC)")
        batches = await tiers.store.batches()
        for batch in batches:
            made = datetime.fromtimestamp(batch.created_at, UTC).strftime("%Y-%m-%d %H:%M")
            row = (batch.id, batch.poll or "event", batch.region, str(batch.count), batch.label)
            table.add_row(*row, made)
        return table if batches else "No codes yet. Make some: streamd codes make 100 --event"

    out.print(asyncio.run(_with_tiers(_settings(config), work)))


@codes_cli.command("withdraw")
def withdraw_command(
    batch: Annotated[str, typer.Argument(help="The batch that `codes list` shows.")],
    config: ConfigPath = None,
) -> None:
    """Make a batch's codes useless. Votes that were cast with them stay counted."""

    async def work(tiers: Tiers, _address: str) -> bool:
        return await tiers.store.withdraw(batch)

    if not asyncio.run(_with_tiers(_settings(config), work)):
        raise StreamdError(f"There is no batch {batch}. `streamd codes list` shows them.")
    out.print(f"withdrawn {batch}")


def _settings(path: Path | None) -> Config:
    default = Path("config.toml")
    settings = load(path or (default if default.exists() else None))
    log.configure(settings.log)
    return settings


async def _with_tiers(settings: Config, work: Callable[[Tiers, str], Awaitable[T]]) -> T:
    """Runs ``work`` on the store of the running streamd, or on one started for this."""
    secret = server_secret(Path(settings.store.dir) / "secrets" / "server.key")
    address = Store(settings.store).address
    async with Store.borrowed(settings.store):
        identities = IdentityStore.at(address, secret)
        try:
            return await work(Tiers(settings, secret, identities, fetch), address)
        finally:
            await identities.close()
