"""The gateway's counters, for Prometheus. Incremented once a publication, never once a delivery."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class FeedMetrics:
    """One gateway's counters, in ``registry`` (its own where none is given)."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self.connections = Gauge(
            "streamd_feed_connections", "Open connections", registry=self.registry
        )
        self.refused = Counter(
            "streamd_feed_refused", "Handshakes refused", ["status"], registry=self.registry
        )
        self.commands = Counter(
            "streamd_feed_commands", "Commands received", registry=self.registry
        )
        self.prompt_commands = 0
        """Commands received that are not in ``commands`` yet: see ``settle``."""
        self.errors = Counter(
            "streamd_feed_errors", "Commands refused", ["code"], registry=self.registry
        )
        self.publications = Counter(
            "streamd_feed_publications", "Publications made", registry=self.registry
        )
        self.deliveries = Counter(
            "streamd_feed_deliveries",
            "Publications and parts handed to a connection at once",
            registry=self.registry,
        )
        self.delivered_bytes = Counter(
            "streamd_feed_delivered_bytes", "Bytes in those deliveries", registry=self.registry
        )
        self.deferred = Counter(
            "streamd_feed_deferred",
            "Publications and parts that had to wait behind a full transport",
            registry=self.registry,
        )
        self.conflated = Counter(
            "streamd_feed_conflated",
            "Waiting publications that a newer one replaced",
            registry=self.registry,
        )
        self.skipped = Counter(
            "streamd_feed_skipped_parts",
            "Media parts a slow connection skipped on its way to a keyframe",
            registry=self.registry,
        )
        self.dropped_channels = Counter(
            "streamd_feed_dropped_channels",
            "Channels without subscribers that gave way to newer ones",
            registry=self.registry,
        )
        self.disconnects = Counter(
            "streamd_feed_disconnects",
            "Connections the gateway ended, by close code",
            ["code"],
            registry=self.registry,
        )

    def settle(self) -> None:
        """Brings ``commands`` up to date. A vote's share of it is too dear to be counted singly."""
        count, self.prompt_commands = self.prompt_commands, 0
        self.commands.inc(count)
