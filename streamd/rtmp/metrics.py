"""RTMP's figures for Prometheus, read from the server at scrape time."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streamd.rtmp.server import RtmpServer
from streamd.rtmp.states import SessionState


class RtmpCollector(Collector):
    """Connections by state, those that found no place, and what could not be read."""

    def __init__(self, server: RtmpServer) -> None:
        self._server = server

    def collect(self) -> Iterable[Metric]:
        """Every family from the start, so that a rate can be taken of each."""
        connections = GaugeMetricFamily(
            "streamd_rtmp_connections", "RTMP connections by where they stand.", labels=["state"]
        )
        states = self._server.states()
        for state in SessionState:
            connections.add_metric([state.value], states[state])
        yield connections
        turned_away = CounterMetricFamily(
            "streamd_rtmp_turned_away", "RTMP connections closed because there was no place."
        )
        turned_away.add_metric([], self._server.turned_away)
        yield turned_away
        broken = CounterMetricFamily(
            "streamd_rtmp_broken", "Messages of publishers that could not be read."
        )
        broken.add_metric([], self._server.broken)
        yield broken
