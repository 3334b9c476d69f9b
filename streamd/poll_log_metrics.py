"""The polls' logs for /metrics, read from their sequencers at scrape time."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from polling.sequencing import Sequencing
from streamd.poll_log_process import PollLogProcess


class PollLogCollector(Collector):
    """What is to be merged, for how long it has waited, and what went wrong."""

    def __init__(self, sequencing: Sequencing | PollLogProcess) -> None:
        self._sequencing = sequencing

    def collect(self) -> Iterable[Metric]:
        """One family a figure, over all polls: no poll is named."""
        sequencing = self._sequencing
        gauges = {
            "polls": (sequencing.followed, "Polls whose log is not complete."),
            "ballots_waiting": (sequencing.waiting, "Counted ballots that are not in a log yet."),
            "oldest_wait_seconds": (
                sequencing.oldest_seconds,
                "For how long the oldest of them has waited; more than 10 is too long.",
            ),
        }
        for name, (value, text) in gauges.items():
            gauge = GaugeMetricFamily(f"streamd_poll_log_{name}", text)
            gauge.add_metric([], value)
            yield gauge
        counters = sequencing.counters
        totals = {
            "leaves": (counters.leaves, "Ballots added to logs."),
            "completed": (counters.completed, "Logs completed, with their close statement."),
            "failures": (counters.failed, "Steps of a log that failed and are tried again."),
            "forks": (counters.forked, "Logs left as they are: another one was published."),
        }
        for name, (total, text) in totals.items():
            counter = CounterMetricFamily(f"streamd_poll_log_{name}", text)
            counter.add_metric([], total)
            yield counter
