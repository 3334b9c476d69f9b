"""For whoever runs streamd: liveness, readiness and metrics."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from streamd.relay.health import Health, LinkHealth
from streamd.relay.lifecycle import StreamState
from streamd.web.json_bodies import reply
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
    reason = services.store.trouble or (
        "The store does not answer; streamd keeps trying. No vote is acknowledged meanwhile."
    )
    return reply({"status": "unready", "reason": reason}, 503, {"Retry-After": "2"})


@routes.get("/metrics")
async def metrics(request: web.Request) -> web.Response:
    """Prometheus text exposition."""
    body = generate_latest(request.app[REGISTRY])
    return web.Response(body=body, headers={"Content-Type": _METRICS_TYPE})


OF_A_STREAM = {
    "live": "1 while the stream is live for its viewers.",
    "viewers": "Connections subscribed to the stream.",
    "bitrate_kbps": "Bits that arrive from the publisher, kbit/s.",
    "fps": "Pictures a second from the publisher.",
    "keyframe_seconds": "Seconds between the last two keyframes.",
    "width": "The picture's width in pixels.",
    "height": "The picture's height in pixels.",
    "b_frames": "Pictures of this publication shown before one that was sent earlier.",
    "audio_decibels": "Level of the sound relative to full scale, while somebody reads it.",
    "loss_percent": "Packets lost on the way from the publisher.",
    "rtt_ms": "Round trip to the publisher.",
    "jitter_ms": "Jitter of the publisher's packets.",
    "dropped_units": "Units lost to slow subscribers or a full delay, or of no use to a decoder.",
}


def stream_values(state: StreamState, viewers: int, health: Health) -> dict[str, float | None]:
    """One stream's figures; None where it is not measured."""
    link = health.link or LinkHealth()
    return {
        "live": float(state is StreamState.LIVE),
        "viewers": float(viewers),
        "bitrate_kbps": health.bitrate_kbps,
        "fps": health.fps,
        "keyframe_seconds": health.keyframe_seconds or 0.0,
        "width": float(health.width),
        "height": float(health.height),
        "b_frames": float(health.b_frames),
        "audio_decibels": health.level.decibels if health.level is not None else None,
        "loss_percent": link.loss_percent,
        "rtt_ms": link.rtt_ms,
        "jitter_ms": link.jitter_ms,
        "dropped_units": float(health.dropped),
    }


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
        gauges = {
            name: GaugeMetricFamily(f"streamd_stream_{name}", text, labels=["stream"])
            for name, text in OF_A_STREAM.items()
        }
        notices = GaugeMetricFamily(
            "streamd_stream_notice", "1 for what is wrong now.", labels=["stream", "code"]
        )
        for stream in services.streams:
            health = stream.health()
            viewers = services.hub.subscribers(f"stream:{stream.id}")
            for name, value in stream_values(stream.state, viewers, health).items():
                # What is not measured has no sample: a 0 would be a measurement.
                if value is not None:
                    gauges[name].add_metric([stream.id], value)
            for notice in health.notices:
                notices.add_metric([stream.id, notice.code.value], 1)
        yield from gauges.values()
        yield notices
        yield from self._hls()

    def _hls(self) -> Iterable[Metric]:
        waiting = GaugeMetricFamily(
            "streamd_hls_waiting", "HLS requests that wait for media.", labels=["stream"]
        )
        refused = CounterMetricFamily(
            "streamd_hls_refused", "HLS requests refused because too many wait.", labels=["stream"]
        )
        lost = CounterMetricFamily(
            "streamd_audio_lost", "Opus packets that could not be made into AAC.", labels=["stream"]
        )
        for stream in self._services.streams:
            waiting.add_metric([stream.id], stream.window.hls.places.taken)
            refused.add_metric([stream.id], stream.window.hls.places.refused)
            lost.add_metric([stream.id], stream.window.audio_lost)
        yield from (waiting, refused, lost)
