"""The limits' own counters for /metrics: no network, device or voter is named."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streamd.identity_tiers import Tiers


class IdentityCollector(Collector):
    """Reads the tables of networks at scrape time."""

    def __init__(self, tiers: Tiers) -> None:
        self._limits = {"devices": tiers.devices, "guesses": tiers.guesses}

    def collect(self) -> Iterable[Metric]:
        """One family a figure, by limit."""
        refused = CounterMetricFamily(
            "streamd_identity_refused", "Asked too often by its network.", labels=["limit"]
        )
        forgotten = CounterMetricFamily(
            "streamd_identity_forgotten",
            "Networks forgotten, while held to a limit, because the table was full.",
            labels=["limit"],
        )
        kept = GaugeMetricFamily(
            "streamd_identity_networks", "Networks in the table.", labels=["limit"]
        )
        for name, rates in self._limits.items():
            refused.add_metric([name], rates.refused)
            forgotten.add_metric([name], rates.forgotten)
            kept.add_metric([name], len(rates))
        return refused, forgotten, kept
