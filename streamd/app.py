"""A running streamd: builds the parts, starts them in order, stops them in reverse."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import structlog

from polling.errors import StoreDown
from polling.log_reader import LogReader
from polling.model import Poll, Tally
from polling.notes import NoteSigner, is_key_name
from polling.poll_keys import PollKeys
from polling.receipts import ReceiptSigner
from polling.sequencing import LOG, Sequencing
from polling.service import PollService
from polling.store import PollStore
from streamd.announcements import Announcements
from streamd.certificates import certificate_names, lan_addresses, server_context
from streamd.config import Config, page_url
from streamd.descriptors import connection_limit
from streamd.errors import ConfigError, StoreUnavailable
from streamd.feeds.gateway import Gateway
from streamd.feeds.hub import Hub
from streamd.feeds.media import MediaProvider
from streamd.feeds.metrics import FeedMetrics
from streamd.feeds.votes import voter_rpcs
from streamd.identity import ConnectTokens, DeviceCookies
from streamd.identity_store import IdentityStore
from streamd.identity_tiers import Tiers
from streamd.keys import KeyRecord, StreamKeys
from streamd.poll_cues import PollCues
from streamd.poll_log_metrics import PollLogCollector
from streamd.poll_log_process import PollLogProcess
from streamd.poll_log_work import Work
from streamd.poll_replay import PollReplay
from streamd.recording.metrics import RecordingCollector
from streamd.recording.recordings import Recordings
from streamd.relay.hls_line import HandoverServer
from streamd.relay.stream import Stream
from streamd.relay.streams import Streams
from streamd.rtmp.metrics import RtmpCollector
from streamd.rtmp.server import RtmpServer
from streamd.secret_file import server_secret
from streamd.shutdown import Shutdown, last_resort
from streamd.store import Store
from streamd.web.assets import Assets
from streamd.web.identity_fetch import fetch
from streamd.web.language import load_catalogues
from streamd.web.pages import load_templates
from streamd.web.server import HttpServer, new_registry
from streamd.web.services import Services
from streamd.webrtc.mux import Mux
from streamd.webrtc.mux_metrics import MuxCollector
from streamd.webrtc.whep import WhepSessions
from streamd.webrtc.whep_metrics import WhepCollector
from streamd.webrtc.whip import WhipSessions

log = structlog.get_logger(__name__)

DRAIN_SECONDS = 3.0
"""How long the gateway may empty its outboxes."""


class App:
    """Everything that one process runs. ``start`` and ``stop`` read as numbered steps."""

    def __init__(self, config: Config) -> None:
        self.config = config
        home = Path(config.store.dir)
        secret = server_secret(home / "secrets" / "server.key")
        tls = server_context(config.tls)
        self.registry = new_registry()
        self.cookies = DeviceCookies(secret)
        self.tokens = ConnectTokens(secret, config.identity.token_seconds)
        self.store = Store(config.store)
        self.keys = StreamKeys(self.store.client)
        self.tiers = Tiers(config, secret, IdentityStore.at(self.store.address, secret), fetch)
        self.hub = Hub(FeedMetrics(self.registry))
        self.streams = Streams(
            config.relay, on_change=self._on_stream, delay_seconds=config.event.delay_seconds
        )
        log_signer = NoteSigner(_log_name(config), server_secret(home / "secrets" / "log.key"))
        self.log_key = log_signer.key
        self.poll_cues = PollCues(self.streams)
        self.log_reader = LogReader(home / LOG)
        self.sequencing = self._sequencing(home, log_signer)
        self.registry.register(PollLogCollector(self.sequencing))
        self.polls = PollService(
            PollStore.at(self.store.address),
            PollKeys(Path(config.polls.keys_dir or home / "poll-keys")),
            config.polls,
            on_tally=self._on_tally,
            on_waiting_tally=lambda tally: self.announcements.on_waiting_tally(tally),
            on_poll=self._on_poll,
            crowded=self._crowded,
            signer=ReceiptSigner(log_signer),
            stage=self.poll_cues.moment,
            grace=config.polls.grace_seconds,
            late=config.polls.late_days * 86_400.0,
        )
        self.recordings = Recordings(config.recording, home, config.event)
        self.registry.register(RecordingCollector(self.recordings))
        self.poll_replay = PollReplay(self.streams, self.recordings.polls, self.polls.known)
        self.mux = Mux(config.webrtc)
        self.whip = WhipSessions(config.webrtc, self.mux)
        self.whep = WhepSessions(config.webrtc, self.mux)
        self.announcements = Announcements(
            self.hub, self.streams, self.polls, config.event, self.whep
        )
        self.registry.register(MuxCollector(self.mux))
        self.registry.register(WhepCollector(self.whep))
        self.rtmp = RtmpServer(config.rtmp, self.streams, self.keys)
        self.registry.register(RtmpCollector(self.rtmp))
        self.gateway = Gateway(
            msgspec.structs.replace(config.feeds, connections=connection_limit(config.feeds)),
            self.hub,
            verify=self.tokens.verify,
            rpc=voter_rpcs(self.polls),
            origins=_page_origins(config),
            ssl_context=tls,
        )
        self.announcements.provide()
        self.hub.provide("media", MediaProvider(self.streams))
        self.http = HttpServer(config.web, tls, self.registry)
        self.handover = HandoverServer(config.relay.handover, self.streams)
        for candidate in config.event.candidates:
            self.streams.add(candidate.stream)

    async def start(self) -> None:
        """Starts the parts in the order in which they need each other."""
        # 1. The store: without it nothing is counted. A server that is down is waited for, then
        #    streamd goes on and says so at /readyz.
        await self.store.start()
        # 2. Polls: the function is loaded, open polls get their timers back.
        await self.polls.start()
        # 3. Streams that have a key but no candidate.
        for record in await self._known_keys():
            if record.stream:
                self.streams.add(record.stream)
        # 4. The UDP port of all WebRTC.
        self.mux.open()
        # 5. The gateway, then the pages that point at it.
        try:
            await self.gateway.start()
        except OSError as error:
            feeds = self.config.feeds
            raise ConfigError(
                f"Cannot listen on {feeds.host}:{feeds.port}: {error.strerror}. "
                "Stop what listens there, or choose another port in [feeds]."
            ) from error
        await self.http.start(self._services())
        await self.handover.start()
        # 6. Encoders may come.
        await self._start_rtmp()

    async def stop(self) -> None:
        """Stops in reverse; the store goes last, so that every acknowledged vote is on disk."""
        leave = last_resort()
        shutdown = Shutdown()
        # 1. No new publishers; those on air are told by their peer connections closing.
        await shutdown.step("publishers", self.whip.close())
        await shutdown.step("encoders", self.rtmp.close())
        await shutdown.step("viewers", self.whep.close())
        self.mux.close()
        # 2. Feed clients get their replies, then a code that tells them to come back.
        await shutdown.step("feeds", self.gateway.stop(min(DRAIN_SECONDS, shutdown.left)))
        # 3. HTTP requests end.
        await shutdown.step("pages", self.http.stop())
        # 4. Votes that wait for their batch are cast and answered; the log's lease is let go.
        await shutdown.step("polls", self.polls.stop())
        await shutdown.step("log", self.sequencing.stop())
        # 5. Packagers end, and who follows them keeps what there was.
        await shutdown.step("streams", self.streams.close())
        await shutdown.step("handover", self.handover.stop())
        # 6. Recordings are finished, with what the packagers gave out at their end.
        await shutdown.step("recordings", self.recordings.stop())
        # 7. The store.
        await shutdown.step("identities", self.tiers.store.close())
        await shutdown.step("store", self.store.stop())
        leave.cancel()

    async def _start_rtmp(self) -> None:
        settings = self.config.rtmp
        if not settings.enabled:
            return
        try:
            await self.rtmp.start()
        except OSError as error:
            raise ConfigError(
                f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}. Stop what "
                "listens there, or choose another port in [rtmp], or set enabled = false."
            ) from error

    def page_url(self, host: str = "localhost") -> str:
        """The event page's address."""
        return page_url(self.config, host, self.http.port)

    def _services(self) -> Services:
        catalogues = load_catalogues()
        return Services(
            config=self.config,
            store=self.store,
            streams=self.streams,
            polls=self.polls,
            log_reader=self.log_reader,
            log_key=self.log_key,
            hub=self.hub,
            captions=self.announcements.captions,
            recordings=self.recordings,
            keys=self.keys,
            cookies=self.cookies,
            tokens=self.tokens,
            tiers=self.tiers,
            whip=self.whip,
            whep=self.whep,
            assets=Assets(),
            catalogues=catalogues,
            templates=load_templates(catalogues),
            feed_port=self.gateway.port,
        )

    def _sequencing(self, home: Path, signer: NoteSigner) -> Sequencing | PollLogProcess:
        """The polls' logs: here, or in a process of their own."""
        if self.config.polls.log_process:
            return PollLogProcess(Work(self.config.store, self.config.log, signer.key.name))
        return Sequencing(PollStore.at(self.store.address), home, signer, self._identities_issued)

    async def _identities_issued(self) -> dict[str, int]:
        try:
            return {str(tier): count for tier, count in (await self.tiers.store.issued()).items()}
        except StoreUnavailable as error:
            raise StoreDown(str(error)) from error

    async def _known_keys(self) -> list[KeyRecord]:
        try:
            return await self.keys.list()
        except StoreUnavailable:
            return []

    def _crowded(self) -> bool:
        return self.gateway.connections > self.config.polls.crowd

    def _on_stream(self, stream: Stream) -> None:
        self.recordings.watch(stream, self.announcements.captions.of(stream.id))
        self.announcements.on_stream(stream)
        self.whep.on_stream(stream)
        self.handover.on_stream(stream)

    def _on_poll(self, poll: Poll) -> None:
        self.poll_cues.follow(poll)
        self.announcements.on_poll(poll)
        self.poll_replay.on_poll(poll)
        self.sequencing.watch(poll)

    def _on_tally(self, tally: Tally) -> None:
        self.announcements.on_tally(tally)
        self.poll_replay.on_tally(tally)


Background = Callable[[], Coroutine[None, None, None]]


async def serve(
    app: App,
    on_ready: Callable[[App], Awaitable[None]],
    background: Background | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Runs ``app`` until SIGTERM, SIGINT or ``stop``, then drains it.

    ``background`` runs beside it and is cancelled first. An error that ends ``background`` ends
    the app too, and is raised, by itself, after everything has been stopped.
    """
    stopping = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    try:
        await app.start()
        _relax_garbage_collection()
        await on_ready(app)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(app.announcements.run(), name="announcements"),
                group.create_task(app.recordings.run(), name="recordings"),
                group.create_task(app.sequencing.run(), name="log"),
            ]
            if background is not None:
                tasks.append(group.create_task(background(), name="background"))
            await stopping.wait()
            log.info("stopping")
            for task in tasks:
                task.cancel()
    except BaseExceptionGroup as group_error:
        raise _first(group_error) from group_error
    finally:
        await app.stop()
        log.info("stopped")


def _relax_garbage_collection() -> None:
    """Collects seldom: at the defaults it took a third of the time a vote costs.

    Every vote on its way holds a task, futures and frames, so each young collection walks them
    all and frees none; reference counts free them a moment later.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _log_name(config: Config) -> str:
    """What logs are signed as. Raises ConfigError."""
    host = urlsplit(config.web.public_url).hostname if config.web.public_url else None
    name = config.polls.log_name or host or "localhost"
    if not is_key_name(name) or not name.isascii():
        raise ConfigError(
            f"[polls] log_name is {name!r}: use a name like vote.example.org, without spaces or +."
        )
    return name


def _page_origins(config: Config) -> list[str]:
    """The origins of our own pages, for the gateway's check.

    Without a public URL: the names and addresses that this machine and its certificate go by.
    """
    if config.web.public_url:
        return [config.web.public_url.rstrip("/")]
    hosts = ["localhost", "127.0.0.1", "[::1]", config.web.host]
    if config.web.host not in ("127.0.0.1", "localhost", "::1"):
        hosts += [*lan_addresses(), socket.gethostname()]
        hosts += certificate_names(config.tls)
    default_port = 443 if config.tls.cert else 80
    port = "" if config.web.port == default_port else f":{config.web.port}"
    scheme = "https" if config.tls.cert else "http"
    names = [host for host in dict.fromkeys(hosts) if host not in ("0.0.0.0", "::")]  # noqa: S104
    if len(names) > 3:
        log.info("feeds open to pages at these names; others: [web] public_url", names=names)
    return [f"{scheme}://{host}{port}" for host in names]
