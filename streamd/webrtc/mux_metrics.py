"""The UDP port's figures for Prometheus, read from the mux at scrape time."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streamd.webrtc.mux import Dropped, Mux


class MuxCollector(Collector):
    """Connections, what came in for nobody, and what went out."""

    def __init__(self, mux: Mux) -> None:
        self._mux = mux

    def collect(self) -> Iterable[Metric]:
        """Every family from the start, so that a rate can be taken of each."""
        connections = GaugeMetricFamily(
            "streamd_webrtc_connections", "Peers that have a place on the UDP port."
        )
        connections.add_metric([], len(self._mux))
        yield connections
        dropped = CounterMetricFamily(
            "streamd_webrtc_dropped", "Datagrams that belonged to nobody.", labels=["reason"]
        )
        for reason in Dropped:
            dropped.add_metric([reason.value], self._mux.dropped[reason])
        yield dropped
        sender = self._mux.sender
        sent = CounterMetricFamily(
            "streamd_webrtc_sent",
            "Datagrams to peers, by whether the kernel took them.",
            labels=["taken"],
        )
        sent.add_metric(["yes"], sender.sent)
        sent.add_metric(["no"], sender.unsent)
        yield sent
        calls = CounterMetricFamily(
            "streamd_webrtc_send_calls", "Calls to the kernel that carried them."
        )
        calls.add_metric([], sender.calls)
        yield calls
