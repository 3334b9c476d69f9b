"""Figures for ``/metrics``, read from the recordings at scrape time."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streamd.recording.lifecycle import RecordingState
from streamd.recording.recordings import Recordings


class RecordingCollector(Collector):
    """What was kept, what was not and why, and the room that is left."""

    def __init__(self, recordings: Recordings) -> None:
        self._recordings = recordings

    def collect(self) -> Iterable[Metric]:
        """One family a figure."""
        recordings = self._recordings
        counters = recordings.counters
        totals = {
            "recorded_segments": (counters.segments, "Segments written to recordings."),
            "recorded_bytes": (counters.bytes, "Bytes of segments written to recordings."),
            "recording_failures": (counters.failures, "Writes that the storage failed."),
            "recording_jobs_failed": (recordings.workshop.failed, "Posters and MP4s not made."),
            "recording_missed_captions": (counters.missed_captions, "Captions not kept."),
            "recording_missed_poll_lines": (counters.missed_notes, "Lines of polls not kept."),
        }
        for name, (value, text) in totals.items():
            family = CounterMetricFamily(f"streamd_{name}", text)
            family.add_metric([], value)
            yield family
        missed = CounterMetricFamily(
            "streamd_recording_missed_segments", "Segments not kept, by why.", labels=["reason"]
        )
        for reason, count in counters.missed.items():
            missed.add_metric([reason.value], count)
        yield missed
        yield from self._gauges()

    def _gauges(self) -> Iterable[Metric]:
        recordings = self._recordings
        entries = list(recordings.catalogue)
        known = GaugeMetricFamily("streamd_recordings", "Recordings by state.", labels=["state"])
        for state in RecordingState:
            known.add_metric([state.value], sum(entry.state is state for entry in entries))
        yield known
        waiting = GaugeMetricFamily(
            "streamd_recording_waiting_segments", "Segments that wait for the storage."
        )
        waiting.add_metric([], sum(entry.live.waiting for entry in entries if entry.live))
        yield waiting
        if recordings.caretaker.free_bytes is not None:
            free = GaugeMetricFamily("streamd_recording_free_bytes", "Free where recordings lie.")
            free.add_metric([], recordings.caretaker.free_bytes)
            yield free
