"""For whoever runs streamd: liveness, readiness and metrics."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from streamd.relay.lifecycle import StreamState
from streamd.web.api import reply
from streamd.web.services import SERVICES, Services

routes = web.RouteTableDef()
REGISTRY: web.AppKey[CollectorRegistry] = web.AppKey("registry", CollectorRegistry)
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@routes.get("/healthz")
async def healthz(_request: web.Request) -> web.Response:
    """200 while the process serves at all."""
    return reply({"status": "alive"})


@routes.get("/readyz")
async def readyz(request: web.Request) -> web.Response:
    """200 while votes can be counted; 503 with the reason where they cannot."""
    services = request.app[SERVICES]
    if services.store.ready:
        return reply({"status": "ready"})
    reason = "The store does not answer; streamd keeps trying. No vote is acknowledged meanwhile."
    return reply({"status": "unready", "reason": reason}, 503, {"Retry-After": "2"})


@routes.get("/metrics")
async def metrics(request: web.Request) -> web.Response:
    """Prometheus text exposition."""
    body = generate_latest(request.app[REGISTRY])
    return web.Response(body=body, headers={"Content-Type": _METRICS_TYPE})


class StreamdCollector(Collector):
    """Reads the parts' own counters at scrape time; keeps none of its own."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterable[Metric]:
        """One family a figure, by stream where it belongs to one."""
        services = self._services
        ready = GaugeMetricFamily("streamd_store_ready", "1 while the store answers.")
        ready.add_metric([], float(services.store.ready))
        yield ready
        yield from self._votes()
        yield from self._streams()

    def _votes(self) -> Iterable[Metric]:
        counters = self._services.polls.counters
        outcomes = {
            "counted": counters.counted,
            "repeated": counters.repeated,
            "refused": counters.refused,
            "busy": counters.busy,
            "failed": counters.failed,
        }
        votes = CounterMetricFamily(
            "streamd_votes", "Votes by what became of them.", labels=["outcome"]
        )
        for outcome, count in outcomes.items():
            votes.add_metric([outcome], count)
        yield votes
        batches = CounterMetricFamily("streamd_vote_batches", "Calls that carried votes.")
        batches.add_metric([], counters.batches)
        yield batches
        waiting = GaugeMetricFamily("streamd_votes_waiting", "Votes that wait for the store.")
        waiting.add_metric([], self._services.polls.waiting)
        yield waiting

    def _streams(self) -> Iterable[Metric]:
        services = self._services
        families = {
            "live": "1 while the stream is live.",
            "viewers": "Connections subscribed to the stream.",
            "bitrate_kbps": "Bits that arrive from the publisher, kbit/s.",
            "fps": "Pictures a second from the publisher.",
            "keyframe_seconds": "Seconds between the last two keyframes.",
            "dropped_units": "Units that slow in-process subscribers skipped.",
        }
        gauges = {
            name: GaugeMetricFamily(f"streamd_stream_{name}", text, labels=["stream"])
            for name, text in families.items()
        }
        for stream in services.streams:
            health = stream.health()
            values = {
                "live": float(stream.state is StreamState.LIVE),
                "viewers": float(services.hub.subscribers(f"stream:{stream.id}")),
                "bitrate_kbps": health.bitrate_kbps,
                "fps": health.fps,
                "keyframe_seconds": health.keyframe_seconds,
                "dropped_units": health.dropped,
            }
            for name, value in values.items():
                gauges[name].add_metric([stream.id], float(value or 0))
        yield from gauges.values()
