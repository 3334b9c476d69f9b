"""The figures of recordings at ``/metrics``."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from streamd.recording.counters import Trouble
from streamd.recording.metrics import RecordingCollector
from tests.recording.broadcast import finished, publish, recordings, watched


async def test_what_was_kept_and_what_was_not(tmp_path: Path) -> None:
    kept = recordings(tmp_path)
    registry = CollectorRegistry()
    registry.register(RecordingCollector(kept))
    publish(watched(kept), 3).close()
    await finished(kept)
    kept.counters.missed[Trouble.DISK_FULL] = 7
    await kept.caretaker._look()
    text = generate_latest(registry).decode()
    assert "streamd_recorded_segments_total 6.0" in text
    assert 'streamd_recording_missed_segments_total{reason="disk_full"} 7.0' in text
    assert 'streamd_recordings{state="finished"} 1.0' in text
    assert "streamd_recording_failures_total 0.0" in text
    assert "streamd_recording_waiting_segments 0.0" in text
    assert float(text.split("streamd_recording_free_bytes ")[-1].split()[0]) > 0
    await kept.stop()
