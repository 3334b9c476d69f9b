"""The pages on invented candidates: real templates, real files, the real gateway, scripted numbers.

Every state of a page can be set at will: a stream's row, its polls, what a vote is answered. The
picture is real too: a clip or the test card, through a real ``Stream``.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

import streamd
from streamd import config
from streamd.feeds.codes import RpcError
from streamd.feeds.gateway import Gateway
from streamd.feeds.hub import Hub
from streamd.feeds.media import MediaProvider
from streamd.identity import ConnectTokens, Identity
from streamd.relay import file_ingest, testcard
from streamd.relay.streams import Streams
from streamd.web.assets import Assets
from streamd.web.language import Catalogue, load_catalogues
from tests.browser.pages import cards
from tests.browser.pages.asked import ASKERS, receipt
from tests.browser.pages.voting import Voting

TEMPLATES = Path(streamd.__file__).parent / "web" / "templates"
CLIP = Path(streamd.__file__).parent / "clips" / "bigbuckbunny.mp4"
EVENT = "demo"
CSP = (
    "default-src 'self'; connect-src 'self' ws://localhost:{port}; media-src 'self' blob:; "
    "img-src 'self' data: blob:; worker-src 'self' blob:; object-src 'none'; base-uri 'none'"
)
TITLES = {"en": "Riverside council election", "fa": "انتخابات شورای رودکنار"}
CANDIDATES: dict[str, dict[str, Any]] = {
    "mina": {
        "number": 12,
        "name": {"en": "Mina Darvand", "fa": "مینا داروند"},
        "about": {"en": "Teacher, invented for this page", "fa": "آموزگار، ساختگی برای این صفحه"},
    },
    "kaveh": {
        "number": 27,
        "name": {"en": "Kaveh Arastan", "fa": "کاوه آراستان"},
        "about": {"en": "Engineer, invented for this page", "fa": "مهندس، ساختگی برای این صفحه"},
    },
    "sara": {
        "number": 41,
        "name": {"en": "Sara Nikbin", "fa": "سارا نیک‌بین"},
        "about": {"en": "Physician, invented for this page", "fa": "پزشک، ساختگی برای این صفحه"},
    },
}


REGIONS = {
    "hills": {"en": "The Hills", "fa": "تپه‌ها"},
    "harbour": {"en": "Harbour", "fa": "بندر"},
    "old-town": {"en": "Old Town", "fa": "شهر کهن"},
}


@dataclass
class Stage:
    """A page server and a gateway on free ports. Set its fields, then open the page."""

    hub: Hub
    streams: Streams
    tokens: ConnectTokens
    group: asyncio.TaskGroup
    voting: Voting
    gateway: Gateway | None = None
    pictures: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    port: int = 0
    feed_port: int = 0
    simulated: bool = True
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    polls: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    refusal: int = 0
    holds_device: bool = True
    votes: list[dict[str, Any]] = field(default_factory=list)
    posts: list[dict[str, Any]] = field(default_factory=list)
    origins: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The pages' base address."""
        return f"http://localhost:{self.port}"

    def show_clip(self, stream: str) -> None:
        """Puts the real clip on a stream, in a loop."""
        self.pictures[stream] = self.group.create_task(
            file_ingest.play(CLIP, self.streams.get(stream))
        )

    def show_card(
        self, stream: str, audio: Literal["aac", "opus"] = "opus", kinds: str = "va"
    ) -> None:
        """Puts the test card on a stream, or its pictures or its sound alone."""
        target: Any = self.streams.get(stream)
        if kinds != "va":
            target = cards.Only(target, kinds)
        self.pictures[stream] = self.group.create_task(testcard.play(target, audio=audio))

    def show_turning(self, stream: str, turn: asyncio.Event) -> None:
        """The card, 640 × 360, which is held upright as soon as ``turn`` is set."""
        self.pictures[stream] = self.group.create_task(
            cards.turning(self.streams.get(stream), turn)
        )

    async def take_off(self, stream: str) -> None:
        """Ends what a stream shows."""
        picture = self.pictures.pop(stream, None)
        if picture is not None:
            picture.cancel()
            await asyncio.wait([picture])

    async def open_line(self) -> None:
        """Starts the gateway; again after ``cut_line`` on the same port."""
        settings = config.Feeds(host="localhost", port=self.feed_port)
        rpc = {"vote": self.vote, **self.voting.rpc()}
        self.gateway = Gateway(settings, self.hub, self.tokens.verify, rpc, (self.url,))
        await self.gateway.start()
        self.feed_port = self.gateway.port

    async def cut_line(self) -> None:
        """Stops the gateway: every socket breaks and new ones are refused."""
        if self.gateway is not None:
            await self.gateway.stop(0.0)
            self.gateway = None

    def reset(self) -> None:
        """Back to the beginning: nobody on air, no poll, no vote."""
        self.refusal = 0
        self.holds_device = True
        self.simulated = True
        self.votes.clear()
        self.posts.clear()
        self.origins.clear()
        self.voting.reset()
        for stream in CANDIDATES:
            self.polls[stream] = []
            self.set_stream(stream, "idle")

    def set_stream(self, stream: str, state: str, viewers: int = 0) -> None:
        """Moves a stream to ``state`` and tells whoever listens."""
        known = self.streams.get(stream)
        self.rows[stream] = {
            "id": stream,
            "state": state,
            "viewers": viewers,
            "started_at": known.started_at,
            "delay_seconds": known.delay_seconds,
        }
        self.tell(stream)

    def set_polls(self, stream: str, *polls: dict[str, Any]) -> None:
        """Replaces a stream's polls, newest first."""
        self.polls[stream] = list(polls)
        for one in polls:
            self.hub.publish(f"poll:{one['id']}", one["tally"])
        self.tell(stream)

    def tell(self, stream: str) -> None:
        """Publishes a stream's state and the event's."""
        row = self.rows[stream]
        known = self.streams.get(stream)
        row["started_at"] = known.started_at
        self.hub.publish(
            f"stream:{stream}", {**row, "gen": known.gen, "polls": self.polls.get(stream, [])}
        )
        self.hub.publish(f"event:{EVENT}", {"id": EVENT, "streams": list(self.rows.values())})

    async def vote(self, identity: Identity | None, data: object) -> object:
        """The RPC: keeps the ballot and gives a receipt, or refuses with ``refusal``."""
        assert isinstance(data, dict)
        self.votes.append(data)
        if identity is None:
            raise RpcError(1004, "no identity")
        if self.refusal == -1:
            await asyncio.sleep(60)
        if self.refusal:
            raise RpcError(self.refusal, "refused")
        return receipt(data["poll"], data["ballot_id"])


@contextlib.asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    """Serves the pages until left."""
    streams = Streams(config.Relay())
    for stream in CANDIDATES:
        streams.add(stream)
    hub = Hub()
    for prefix in ("stream", "event", "poll"):
        hub.provide(prefix, _no_snapshot)
    hub.provide("captions", _no_snapshot)
    hub.provide("media", MediaProvider(streams))
    async with asyncio.TaskGroup() as group:
        tokens = ConnectTokens(secrets.token_bytes(16), 300)
        served = Stage(hub, streams, tokens, group, Voting(tokens))
        runner = web.AppRunner(_application(served), access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        await web.TCPSite(runner, "localhost", 0).start()
        served.port = runner.addresses[0][1]
        await served.open_line()
        served.reset()
        try:
            yield served
        finally:
            for stream in CANDIDATES:
                await served.take_off(stream)
            await served.cut_line()
            await runner.cleanup()
            await streams.close()


async def _no_snapshot(_name: str) -> Mapping[str, object] | None:
    return None


def _application(served: Stage) -> web.Application:
    assets = Assets()
    catalogues = load_catalogues()
    environments = {language: _environment(catalogues[language]) for language in catalogues}

    def page(
        request: web.Request, template: str, rows: list[str], status: int = 200
    ) -> web.Response:
        language = "fa" if request.query.get("lang") == "fa" else "en"
        shown = [_row(served, stream, language) for stream in rows]
        common = {
            "lang": language,
            "dir": catalogues[language].direction,
            "event": {"id": EVENT, "title": TITLES[language], "asker": ASKERS[language]},
            "simulated": served.simulated,
        }
        feed = f"ws://localhost:{served.feed_port}/connection/websocket"
        text = (
            environments[language]
            .get_template(template)
            .render(
                **common,
                stream=shown[0] if shown else None,
                streams=shown,
                status=status,
                heading="Unknown stream",
                detail="There is no such stream.",
                static=assets.url,
                tls=False,
                page={
                    **common,
                    "stream": shown[0] if shown else None,
                    "streams": shown,
                    "regions": [
                        {"id": region, "name": names[language]} for region, names in REGIONS.items()
                    ],
                    "origins": served.origins,
                    "tab": f"/watch/{rows[0]}?lang={language}" if rows else "/",
                    "feed_url": feed,
                    "now": time.time(),
                    "strings": catalogues[language].strings,
                },
            )
        )
        headers = {"Content-Security-Policy": CSP.format(port=served.feed_port)}
        return web.Response(text=text, status=status, content_type="text/html", headers=headers)

    async def event_page(request: web.Request) -> web.Response:
        return page(request, "event.html", list(CANDIDATES) if "empty" not in request.query else [])

    async def watch_page(request: web.Request) -> web.Response:
        stream = request.match_info["stream"]
        return page(request, "watch.html", [stream])

    async def embed_page(request: web.Request) -> web.Response:
        return page(request, "embed.html", [request.match_info["stream"]])

    async def held(_request: web.Request) -> web.Response:
        return web.json_response({"device": served.holds_device})

    async def error_page(request: web.Request) -> web.Response:
        return page(request, "error.html", [], int(request.match_info["status"]))

    async def challenge(_request: web.Request) -> web.Response:
        return web.Response(status=204)

    async def cast(request: web.Request) -> web.Response:
        body = await request.json()
        served.posts.append(body)
        return web.json_response(receipt(request.match_info["poll"], body["ballot_id"]))

    async def polls(request: web.Request) -> web.Response:
        return web.json_response({"polls": served.polls.get(request.query["stream"], [])})

    async def stream_row(request: web.Request) -> web.Response:
        language = "fa" if request.query.get("lang") == "fa" else "en"
        return web.json_response(_row(served, request.match_info["stream"], language))

    async def hls(request: web.Request) -> web.Response:
        window = served.streams.get(request.match_info["stream"]).window
        try:
            found = window.resource(request.match_info["name"])
        except KeyError as error:
            raise web.HTTPNotFound from error
        headers = {"Content-Type": found.content_type, "Cache-Control": "no-cache"}
        return web.Response(body=found.body, headers=headers)

    async def whep(_request: web.Request) -> web.Response:
        problem = {"type": "urn:streamd:problem:b-frames", "title": "B-frames", "status": 406}
        return web.json_response(problem, status=406, content_type="application/problem+json")

    async def recordings(_request: web.Request) -> web.Response:
        return web.json_response({"recordings": []})

    app = web.Application()
    app.router.add_post("/whep/{stream}", whep)
    app.router.add_get("/api/v1/recordings", recordings)
    app.router.add_get("/", event_page)
    app.router.add_get("/watch/{stream}", watch_page)
    app.router.add_get("/embed/{stream}", embed_page)
    app.router.add_get("/error/{status}", error_page)
    app.router.add_get("/api/v1/identity", held)
    app.router.add_get("/api/v1/identity/challenge", challenge)
    served.voting.add_routes(app.router)
    app.router.add_post("/api/v1/polls/{poll}/votes", cast)
    app.router.add_get("/api/v1/polls", polls)
    app.router.add_get("/api/v1/streams/{stream}", stream_row)
    app.router.add_get("/hls/{stream}/{name}", hls)
    app.router.add_static(f"/static/{assets.version}/", assets.root)
    return app


def _environment(catalogue: Catalogue) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_translations(catalogue.gettext, newstyle=True)  # type: ignore[attr-defined]
    return environment


def _row(served: Stage, stream: str, language: str) -> dict[str, Any]:
    about = CANDIDATES[stream]
    return {
        **served.rows[stream],
        "candidate": {
            "number": about["number"],
            "name": about["name"][language],
            "about": about["about"][language],
            "portrait": "",
        },
    }
