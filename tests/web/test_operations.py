"""Health, readiness and metrics of a running streamd."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from tests.server import Server
from tests.web.client import Client


def test_alive_and_ready(server: Server) -> None:
    client = Client(server)
    assert client.ask("GET", "/healthz").json == {"status": "alive"}
    assert client.ask("GET", "/readyz").json == {"status": "ready"}


def test_metrics_parse_and_carry_each_part(server: Server) -> None:
    answer = Client(server).ask("GET", "/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    families = {
        family.name: family for family in text_string_to_metric_families(answer.body.decode())
    }
    assert families["streamd_store_ready"].samples[0].value == 1
    live = {sample.labels["stream"] for sample in families["streamd_stream_live"].samples}
    assert {"alef", "be", "pe"} <= live
    assert "streamd_votes" in families
    assert any(name.startswith("streamd_feed") for name in families)
    assert "process_cpu_seconds" in families
