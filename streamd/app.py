"""A running streamd: builds the parts, starts them in order, stops them in reverse."""

from __future__ import annotations

from pathlib import Path

import structlog

from polling.service import PollService
from streamd.announcements import Announcements
from streamd.certificates import server_context
from streamd.config import Config
from streamd.feeds.gateway import Gateway
from streamd.feeds.hub import Hub
from streamd.feeds.votes import vote_rpc
from streamd.identity import ConnectTokens, DeviceCookies
from streamd.keys import StreamKeys
from streamd.relay.streams import Streams
from streamd.store import Store
from streamd.web.server import HttpServer
from streamd.webrtc.whip import WhipSessions

log = structlog.get_logger(__name__)

DRAIN_SECONDS = 3.0
"""How long the gateway may empty its outboxes; the whole shutdown stays under ten seconds."""


class App:
    """Everything that one process runs. ``start`` and ``stop`` read as numbered steps."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._tls = server_context(config.tls)
        secret = _server_secret(Path(config.store.dir) / "secrets")
        self.cookies = DeviceCookies(secret)
        self.tokens = ConnectTokens(secret, config.identity.token_seconds)
        self.store = Store(config.store)
        self.keys = StreamKeys(self.store.client)
        self.hub = Hub()
        self.streams = Streams(config.relay, on_change=self._on_stream)
        self.polls = PollService(
            self.store.client,
            Path(config.store.dir) / "poll-keys",
            config.polls,
            on_tally=lambda tally: self.announcements.on_tally(tally),
            on_poll=lambda poll: self.announcements.on_poll(poll),
            crowded=lambda: self.gateway.connections > config.polls.crowd,
        )
        self.announcements = Announcements(self.hub, self.streams, self.polls, config.event)
        self.whip = WhipSessions(config.webrtc)
        self.gateway = Gateway(
            config.feeds,
            self.hub,
            verify=self.tokens.verify,
            rpc={"vote": vote_rpc(self.polls)},
            origins=self._page_origins,
            ssl_context=self._tls,
        )
        self.http: HttpServer | None = None
        for candidate in config.event.candidates:
            self.streams.add(candidate.stream)
