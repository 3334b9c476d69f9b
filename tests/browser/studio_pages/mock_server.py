"""The studio page on invented data: its template, its static files, and every answer it may get.

The broadcast itself is real (aiortc answers the WHIP offer and counts what arrives); polls, health
and feed are scripted, so that each state of the page can be drawn at will. Run it by hand with
``python -m tests.browser.studio_pages.mock_server`` and open the address it prints.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaBlackhole
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from streamd.media.frame_messages import FrameMessage, Message, parse_message
from streamd.web.assets import STATIC
from streamd.web.language import Catalogue, load_catalogues
from tests.browser.studio_pages.poll_rows import ASKERS, STREAM, choice_rows, poll, whole

KEY = "demo-key-of-the-fixture"
CANDIDATES = re.compile(r"a=candidate:.*\r\n")
CSP = (
    "default-src 'self'; connect-src 'self' ws:; media-src 'self' blob:; "
    "img-src 'self' data: blob:; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
NAMES = {"en": "Leila Daryabi", "fa": "لیلا دریابی"}
TITLES = {"en": "Riverside council election", "fa": "انتخابات شورای رودکنار"}


@dataclass
class Fixture:
    """What the server answers; a test sets its fields before or while the page is open.

    ``settle_ms`` is for pictures: how long a broadcast runs before it is drawn.
    """

    state: str = "idle"
    viewers: int = 0
    whip_status: int = 201
    whip_detail: str = "Someone is already broadcasting to “c2”."
    polls_status: int = 201
    health_status: int = 200
    unknown: bool = False
    settle_ms: int = 0
    delay_seconds: float = 0.0
    advice: list[dict[str, str]] = field(default_factory=list)
    level: dict[str, Any] | None = None
    polls: list[dict[str, Any]] = field(default_factory=list)
    sockets: set[web.WebSocketResponse] = field(default_factory=set)
    peers: dict[str, RTCPeerConnection] = field(default_factory=dict)
    sinks: list[MediaBlackhole] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    offers: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    udp_blocked: bool = False
    publish_refusal: tuple[int, str, str] | None = None
    publishing: web.WebSocketResponse | None = None
    line_open: asyncio.Event = field(default_factory=asyncio.Event)
    hellos: list[dict[str, Any]] = field(default_factory=list)
    frames: list[Message] = field(default_factory=list)
    goodbyes: int = 0
    end_status: int = 204
    endings: int = 0

    def __post_init__(self) -> None:
        self.line_open.set()

    async def push(self, channel: str, payload: Mapping[str, Any]) -> None:
        """Publishes to every open socket that the page has."""
        message = json.dumps({"push": {"channel": channel, "pub": {"data": payload}}})
        for socket in list(self.sockets):
            await socket.send_str(message)

    async def drop(self) -> None:
        """Breaks every session from the server's side, without a word to the page."""
        for peer in list(self.peers.values()):
            await peer.close()
        if self.publishing is not None:
            await self.publishing.close(code=1012)

    def row(self) -> dict[str, Any]:
        """The stream's row in the API and in ``event:{id}``."""
        return {
            "id": STREAM,
            "state": self.state,
            "viewers": self.viewers,
            "started_at": None,
            "delay_seconds": self.delay_seconds,
        }

    async def push_viewers(self, viewers: int) -> None:
        """Publishes the event with another number of viewers."""
        self.viewers = viewers
        await self.push("event:main", {"id": "main", "streams": [self.row()]})


FIXTURE: web.AppKey[Fixture] = web.AppKey("fixture", Fixture)
TEMPLATES: web.AppKey[dict[str, Environment]] = web.AppKey("templates", dict)


SLUGS = {
    401: "unauthenticated",
    403: "forbidden",
    404: "unknown_stream",
    406: "no_acceptable_codec",
    409: "already_publishing",
    422: "invalid_poll",
    503: "too_many_publishers",
}


def problem(status: int, detail: str, slug: str = "") -> web.Response:
    """RFC 9457; without ``slug`` the one that the status most often has."""
    kind = f"urn:streamd:problem:{slug or SLUGS.get(status, 'internal')}"
    body = {"type": kind, "title": "Refused", "status": status, "detail": detail}
    return web.json_response(body, status=status, content_type="application/problem+json")


def authorized(request: web.Request) -> bool:
    return request.headers.get("Authorization") == f"Bearer {KEY}"


@web.middleware
async def remember(request: web.Request, handler: Any) -> web.StreamResponse:
    """Keeps every URL that reached the server, so that a test can look for the key in them."""
    request.app[FIXTURE].seen.append(str(request.url))
    response: web.StreamResponse = await handler(request)
    return response


def _stream(request: web.Request) -> dict[str, Any]:
    name = NAMES[request.query.get("lang", "en")]
    candidate = {"number": 2, "name": name, "about": "", "portrait": ""}
    return {**request.app[FIXTURE].row(), "candidate": candidate}


async def studio(request: web.Request) -> web.Response:
    lang = request.query.get("lang", "en")
    common: dict[str, Any] = {
        "lang": lang,
        "dir": "rtl" if lang == "fa" else "ltr",
        "event": {"id": "main", "title": TITLES[lang], "asker": ASKERS[lang]},
        "simulated": False,
        "stream": _stream(request),
    }
    page = {
        **common,
        "feed_url": f"ws://{request.host}/connection/websocket",
        "rtmp_url": f"rtmp://{request.url.host}/live",
        "now": time.time(),
        "strings": load_catalogues()[lang].strings,
    }
    template = request.app[TEMPLATES][lang].get_template("studio.html")
    text = template.render(**common, page=page, static=lambda path: f"/static/{path}", tls=False)
    return web.Response(
        text=text, content_type="text/html", headers={"Content-Security-Policy": CSP}
    )


async def health(request: web.Request) -> web.Response:
    fixture = request.app[FIXTURE]
    if fixture.unknown:
        return problem(404, "There is no such stream.")
    if not authorized(request):
        return problem(401, "The key is not valid for this stream.")
    if fixture.health_status != 200:
        return problem(fixture.health_status, "The server is starting. Try again in a moment.")
    live = fixture.state == "live"
    return web.json_response(
        {
            "state": fixture.state,
            "source": "whip" if live else None,
            "uptime_seconds": 754.0 if live else 0.0,
            "ends_in_seconds": 21.0 if fixture.state == "stalled" else None,
            "video_codec": "avc1.42e01f" if live else None,
            "profile": "Constrained Baseline" if live else "",
            "b_frames": 0,
            "audio_codec": "opus" if live else None,
            "sample_rate": 48_000 if live else 0,
            "channels": 2 if live else 0,
            "level": fixture.level,
            "link": None,
            "delay_seconds": fixture.delay_seconds,
            "notices": [],
            "advice": fixture.advice,
            "width": 1280 if live else 0,
            "height": 720 if live else 0,
            "fps": 30.0 if live else 0.0,
            "bitrate_kbps": 2480.0 if live else 0.0,
            "keyframe_seconds": 2.0 if live else None,
            "audio": live,
            "dropped": 0,
            "viewers": fixture.viewers,
        }
    )


async def show_stream(request: web.Request) -> web.Response:
    return web.json_response(_stream(request))


async def list_polls(request: web.Request) -> web.Response:
    return web.json_response({"polls": request.app[FIXTURE].polls})


async def create_poll(request: web.Request) -> web.Response:
    if not authorized(request):
        return problem(401, "The key is not valid for this stream.")
    fixture, body = request.app[FIXTURE], await request.json()
    if fixture.polls_status != 201:
        return problem(fixture.polls_status, "Too many open polls.")
    now = time.time()
    fresh = poll(len(fixture.polls) + 1, "open" if body["open"] else "draft", created_at=now)
    fresh["question"] = body["question"]
    fresh["choices"] = choice_rows(body["choices"])
    fresh["tally"]["counts"] = {row["id"]: 0 for row in fresh["choices"]}
    fresh["duration_seconds"] = body.get("duration_seconds")
    if body["open"]:
        _open(fresh, now)
    fixture.polls.insert(0, fresh)
    return web.json_response(whole(fresh), status=201)


def _open(row: dict[str, Any], now: float) -> None:
    row.update(state="open", opened_at=now)
    row["tally"]["state"] = "open"
    if row["duration_seconds"]:
        row["closes_at"] = row["ballots_until"] = now + row["duration_seconds"]


async def move_poll(request: web.Request) -> web.Response:
    if not authorized(request):
        return problem(401, "The key is not valid for this stream.")
    wanted = request.match_info["poll"]
    row = next(one for one in request.app[FIXTURE].polls if one["id"] == wanted)
    verb = request.match_info["verb"]
    if row["state"] != {"open": "draft", "close": "open"}[verb]:
        return problem(409, "It is too late or too early for that.", "illegal_move")
    if verb == "open":
        _open(row, time.time())
    else:
        row.update(state="closed", closed_at=time.time())
        row["tally"]["state"] = "closed"
    return web.json_response(whole(row))


async def whip(request: web.Request) -> web.Response:
    """Answers with a real peer, whose media goes nowhere."""
    fixture = request.app[FIXTURE]
    if fixture.whip_status != 201:
        return problem(fixture.whip_status, fixture.whip_detail)
    if not authorized(request):
        return problem(401, "The key is not valid for this stream.")
    offer = await request.text()
    fixture.offers.append(offer)
    if fixture.udp_blocked:
        offer = CANDIDATES.sub("", offer)
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    sink = MediaBlackhole()
    peer.on("track", sink.addTrack)
    await peer.setRemoteDescription(RTCSessionDescription(sdp=offer, type="offer"))
    await peer.setLocalDescription(await peer.createAnswer())
    await sink.start()
    session = f"s{len(fixture.offers)}"
    fixture.peers[session] = peer
    fixture.sinks.append(sink)
    fixture.state = "live"
    answer: str = peer.localDescription.sdp
    return web.Response(
        status=201,
        text=CANDIDATES.sub("", answer) if fixture.udp_blocked else answer,
        content_type="application/sdp",
        headers={"Location": f"/whip/{STREAM}/{session}"},
    )


async def unpublish(request: web.Request) -> web.Response:
    fixture, session = request.app[FIXTURE], request.match_info["session"]
    fixture.deleted.append(session)
    fixture.state = "ended"
    peer = fixture.peers.pop(session, None)
    if peer:
        await peer.close()
    return web.Response()


async def end(request: web.Request) -> web.Response:
    """Ends what waits for its publisher."""
    fixture = request.app[FIXTURE]
    if not authorized(request):
        return problem(401, "The key is not valid for this stream.")
    if fixture.end_status != 204:
        return problem(fixture.end_status, "Someone is already broadcasting to “c2”.")
    fixture.endings += 1
    fixture.state = "ended"
    return web.Response(status=204)


async def publish(request: web.Request) -> web.WebSocketResponse:
    """The WebSocket way in: reads the frames, and says that they were seen."""
    fixture = request.app[FIXTURE]
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    hello = await socket.receive_json()
    fixture.hellos.append(hello)
    if fixture.publish_refusal is not None:
        await last_word(socket, "refused", *fixture.publish_refusal)
        return socket
    assert hello["key"] == KEY
    fixture.publishing, fixture.state, fixture.frames = socket, "live", []
    await socket.send_json({"type": "welcome", "v": 1, "keyframe_seconds": 2.0})
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            fixture.goodbyes += json.loads(message.data) == {"type": "bye"}
            break
        frame = parse_message(message.data)
        await fixture.line_open.wait()
        fixture.frames.append(frame)
        if isinstance(frame, FrameMessage) and frame.kind == "v":
            seen = {"type": "seen", "timestamp": frame.timestamp, "rtt_ms": 8.0}
            await socket.send_json(seen)
    fixture.state = "ended"
    await socket.close()
    return socket


async def last_word(
    socket: web.WebSocketResponse, kind: str, status: int, slug: str, detail: str
) -> None:
    """What a page is told before its socket is closed."""
    await socket.send_json({"type": kind, "status": status, "slug": slug, "detail": detail})
    await socket.close(code=4000 + status)


async def feed(request: web.Request) -> web.WebSocketResponse:
    """As much of Centrifuge's JSON protocol as the page speaks."""
    fixture = request.app[FIXTURE]
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    fixture.sockets.add(socket)
    async for message in socket:
        if message.type is not WSMsgType.TEXT:
            break
        for line in message.data.splitlines():
            answer = _reply(json.loads(line), fixture)
            if answer:
                await socket.send_str(json.dumps(answer))
    fixture.sockets.discard(socket)
    return socket


def _reply(command: dict[str, Any], fixture: Fixture) -> dict[str, Any] | None:
    if "id" not in command:
        return None
    answer: dict[str, Any] = {"id": command["id"]}
    if "connect" in command:
        return {**answer, "connect": {"client": "c", "version": "mock", "ping": 25, "pong": True}}
    if "subscribe" in command:
        channel: str = command["subscribe"]["channel"]
        if channel.startswith("event:"):
            event = {"id": "main", "streams": [fixture.row()]}
            return {**answer, "subscribe": {"data": event}}
        wanted = channel.removeprefix("poll:")
        row = next((one for one in fixture.polls if one["id"] == wanted), None)
        return {**answer, "subscribe": {"data": row["tally"]} if row and row["tally"] else {}}
    return {**answer, "unsubscribe": {}}


def load_templates(catalogues: Mapping[str, Catalogue]) -> dict[str, Environment]:
    """One environment a language, set up as the server's own."""
    environments = {}
    for language, catalogue in catalogues.items():
        environment = Environment(
            loader=FileSystemLoader(STATIC.parent / "streamd" / "web" / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.install_gettext_translations(catalogue.gettext, newstyle=True)  # type: ignore[attr-defined]
        environments[language] = environment
    return environments


def build(fixture: Fixture) -> web.Application:
    app = web.Application(middlewares=[remember])
    app[FIXTURE] = fixture
    app[TEMPLATES] = load_templates(load_catalogues())
    app.router.add_get("/studio/{stream}", studio)
    app.router.add_get("/api/v1/streams/{stream}", show_stream)
    app.router.add_get("/api/v1/streams/{stream}/health", health)
    app.router.add_get("/api/v1/polls", list_polls)
    app.router.add_post("/api/v1/streams/{stream}/polls", create_poll)
    app.router.add_post("/api/v1/polls/{poll}/{verb:open|close}", move_poll)
    app.router.add_post("/whip/{stream}", whip)
    app.router.add_delete("/whip/{stream}/{session}", unpublish)
    app.router.add_post("/api/v1/streams/{stream}/end", end)
    app.router.add_get("/publish/{stream}", publish)
    app.router.add_get("/connection/websocket", feed)
    app.router.add_static("/static/", STATIC)
    return app


@asynccontextmanager
async def serving(fixture: Fixture, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """Serves on a free port; gives the origin."""
    runner = web.AppRunner(build(fixture), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, host, 0)
    await site.start()
    try:
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await fixture.drop()
        for sink in fixture.sinks:
            await sink.stop()
        for socket in list(fixture.sockets):
            await socket.close()
        await runner.cleanup()


async def _main() -> None:
    async with serving(Fixture(polls=[poll(1, "draft")])) as origin:
        print(f"{origin}/studio/{STREAM}#key={KEY}")
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main())
