"""The ``streamd`` command: serve, edge, demo, publish, check, keys, verify."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

import msgspec
import typer
import uvloop
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from streamd import log
from streamd.app import App, serve
from streamd.certificates import lan_addresses, self_signed, server_context
from streamd.config import KEY_VARIABLE, Config, load, page_url
from streamd.demo import CANDIDATES, Demo, demo_config
from streamd.edge import serve as serve_edge
from streamd.errors import StreamdError
from streamd.identity_cli import codes_cli
from streamd.keys import StreamKeys
from streamd.publish import Progress, publish, show, target_of
from streamd.store import Store
from streamd.verify_cli import verify_command

T = TypeVar("T")
ConfigPath = Annotated[
    Path | None, typer.Option("--config", "-c", help="Settings file; default: config.toml here.")
]

cli = typer.Typer(
    help="The live side of an election campaign: broadcasts, polls, feeds.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
keys_cli = typer.Typer(
    help="Make, list and revoke keys, in the running store.", no_args_is_help=True
)
cli.add_typer(keys_cli, name="keys")
cli.add_typer(codes_cli, name="codes")
cli.command("verify")(verify_command)
out = Console(highlight=False, soft_wrap=True)


def main() -> None:
    """Runs the command; what streamd refuses on purpose is one line and exit code 1."""
    try:
        cli()
    except StreamdError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(
            f"[bold red]streamd:[/] {escape(str(error))}"
        )
        sys.exit(1)


@cli.command("serve")
def serve_command(config: ConfigPath = None) -> None:
    """Serve pages, feeds and WHIP until SIGTERM or Ctrl-C."""
    settings = _settings(config)
    app = App(settings)

    async def announce(app: App) -> None:
        out.print(f"streamd serves [bold]{app.page_url()}[/]  (feeds on port {app.gateway.port})")

    _run(serve(app, on_ready=announce))


@cli.command("edge")
def edge_command(
    handover: Annotated[str, typer.Argument(help="The serving process's [relay] handover.")],
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The port to listen on.")] = 8082,
    config: ConfigPath = None,
) -> None:
    """Serve HLS of another process's broadcasts, with the same bytes, until SIGTERM or Ctrl-C."""
    settings = _settings(config)
    settings = msgspec.structs.replace(
        settings, web=msgspec.structs.replace(settings.web, port=port)
    )

    def announce(port: int) -> None:
        out.print(f"streamd serves HLS on port {port}, following {handover}")

    _run(serve_edge(settings, handover, announce))


@cli.command("demo")
def demo_command(
    config: ConfigPath = None,
    lan: Annotated[
        bool, typer.Option("--lan", help="Listen on the network with a certificate, for phones.")
    ] = False,
) -> None:
    """Serve a live demo event: two candidates on air, a poll open, simulated voters."""
    settings = demo_config(_settings(config))
    host = "localhost"
    if lan:
        addresses = lan_addresses()
        host = addresses[0] if addresses else host
        settings = msgspec.structs.replace(
            settings,
            web=msgspec.structs.replace(settings.web, host="0.0.0.0"),  # noqa: S104
            feeds=msgspec.structs.replace(settings.feeds, host="0.0.0.0"),  # noqa: S104
            tls=self_signed(Path(settings.store.dir) / "tls", addresses),
        )
    app = App(settings)
    demo = Demo(app)

    async def announce(app: App) -> None:
        _print_demo(app, await demo.issue_keys(), host, lan)

    _run(serve(app, on_ready=announce, background=demo.run))


@cli.command("publish")
def publish_command(
    source: Annotated[str, typer.Argument(help="A media file, or “testcard”.")],
    url: Annotated[str, typer.Argument(help="A WHIP (http, https) or RTMP address.")],
    key: Annotated[
        str, typer.Option(envvar=KEY_VARIABLE, help="The stream's key.", show_default=False)
    ] = "",
    loop: Annotated[bool, typer.Option("--loop", help="Begin again at the file's end.")] = False,
    once: Annotated[
        bool, typer.Option("--once", help="Do not connect again where the line breaks.")
    ] = False,
) -> None:
    """Broadcast a file or a test card, in real time, to a WHIP or RTMP address."""
    target = target_of(url, key)
    progress = Progress()

    async def shown() -> None:
        async with show(progress, out, f"{source} → {target.shown}"):
            await publish(source, target, loop=loop, once=once, progress=progress)

    with contextlib.suppress(KeyboardInterrupt):
        _run(shown())


@cli.command("check")
def check_command(config: ConfigPath = None) -> None:
    """Read the settings and say what would be served; exit code 1 where they are wrong."""
    settings = _settings(config)
    server_context(settings.tls)
    store = settings.store.url or f"embedded under {settings.store.dir}/"
    out.print(f"pages  {settings.web.host}:{settings.web.port}")
    out.print(f"feeds  {settings.feeds.host}:{settings.feeds.port}")
    rtmp = f"{settings.rtmp.host}:{settings.rtmp.port}" if settings.rtmp.enabled else "off"
    out.print(f"RTMP   {rtmp}")
    out.print(f"store  {store}")
    out.print(f"event  {settings.event.id}, {len(settings.event.candidates)} candidates")


@keys_cli.command("add")
def add_key(
    stream: Annotated[str | None, typer.Argument(help="The stream's id.")] = None,
    headquarters: Annotated[
        bool, typer.Option("--headquarters", help="A key that may act for every stream.")
    ] = False,
    captions: Annotated[
        bool, typer.Option("--captions", help="A key that may write captions and nothing else.")
    ] = False,
    label: Annotated[str, typer.Option(help="Whose it is, to recognise it in the list.")] = "",
    config: ConfigPath = None,
) -> None:
    """Make a key. It is shown now and never again."""
    if (stream is None) != headquarters:
        raise typer.BadParameter("give a stream, or --headquarters")
    if captions and headquarters:
        raise typer.BadParameter("--captions is for one stream")
    settings = _settings(config)
    key, record = _with_keys(settings, lambda keys: keys.add(stream, label, captions=captions))
    out.print(f"key     [bold]{key}[/]   (id {record.id}; shown only now)")
    base = page_url(settings)
    if captions:
        out.print(f"desk    {base}/studio/{stream}/captions#key={key}")
    elif stream:
        out.print(f"studio  {base}/studio/{stream}#key={key}")
        out.print(f"WHIP    {base}/whip/{stream}   with the key as Bearer token")
        if settings.rtmp.enabled:
            host = urlsplit(base).hostname or "localhost"
            out.print(
                f"RTMP    rtmp://{host}:{settings.rtmp.port}/live   with the key as stream key"
            )


@keys_cli.command("list")
def list_keys(config: ConfigPath = None) -> None:
    """List keys by id, stream and label; the keys themselves are not kept."""
    records = _with_keys(_settings(config), lambda keys: keys.list())
    table = Table("id", "for", "label", "made (UTC)")
    for record in records:
        made = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%d %H:%M")
        whose = record.stream or "headquarters"
        if record.scope == "captions":
            whose += " (captions)"
        table.add_row(record.id, whose, record.label, made)
    out.print(table if records else "No keys yet. Make one: streamd keys add STREAM")


@keys_cli.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(help="The id that `keys list` shows.")],
    config: ConfigPath = None,
) -> None:
    """Make a key useless. A broadcast that runs on it goes on until it stops."""
    if not _with_keys(_settings(config), lambda keys: keys.revoke(key_id)):
        raise StreamdError(f"There is no key with id {key_id}. `streamd keys list` shows them.")
    out.print(f"revoked {key_id}")


def _settings(path: Path | None) -> Config:
    default = Path("config.toml")
    settings = load(path or (default if default.exists() else None))
    log.configure(settings.log)
    return settings


def _run(work: Coroutine[Any, Any, T]) -> T:
    return uvloop.run(work)


def _with_keys(settings: Config, work: Any) -> Any:
    """Runs ``work(keys)`` on the store of the running streamd, or on one started for this."""

    async def run() -> Any:
        async with Store.borrowed(settings.store) as client:
            return await work(StreamKeys(lambda: client))

    return asyncio.run(run())


def _print_demo(app: App, keys: dict[str, str], host: str, lan: bool) -> None:
    base = app.page_url(host)
    out.print()
    out.print("[bold]streamd demo[/]  (candidates, questions and voters are simulated)")
    out.print(f"  event   [bold]{base}/[/]   Persian: {base}/?lang=fa")
    for candidate in CANDIDATES:
        out.print(f"  watch   {base}/watch/{candidate.stream:<8} {candidate.name['en']}")
    out.print()
    out.print("Go live yourself, with a camera (each link holds that candidate's key):")
    for candidate in reversed(CANDIDATES):
        note = "   the free stage" if candidate.stream == "sara" else "   on air with the demo"
        out.print(f"  studio  {base}/studio/{candidate.stream}#key={keys[candidate.stream]}{note}")
    out.print()
    if lan:
        out.print("The certificate is self-signed: the phone's browser warns once; go on.")
    else:
        out.print("For a phone on your network: make demo ARGS=--lan")
    out.print("Ctrl-C stops it.")
    out.print()
