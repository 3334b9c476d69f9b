"""Health, readiness and metrics of a running streamd."""

from __future__ import annotations

from dataclasses import replace

from prometheus_client.parser import text_string_to_metric_families

from streamd.relay.health import LinkHealth
from streamd.relay.lifecycle import StreamState
from streamd.relay.notices import Notice, NoticeCode
from streamd.web import operations
from tests.server import Server
from tests.web.client import Client
from tests.web.test_advice import WELL


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
    assert {"streamd_rtmp_connections", "streamd_rtmp_turned_away"} <= families.keys()
    assert "process_cpu_seconds" in families


def test_a_stream_s_figures_are_those_that_were_measured() -> None:
    health = replace(
        WELL,
        link=LinkHealth(loss_percent=1.5),
        level=None,
        notices=(Notice(NoticeCode.B_FRAMES, 1.0),),
    )
    values = operations.stream_values(StreamState.LIVE, 7, health)
    assert (values["live"], values["viewers"], values["loss_percent"]) == (1.0, 7.0, 1.5)
    assert (values["rtt_ms"], values["audio_decibels"]) == (None, None)
    assert operations.stream_values(StreamState.IDLE, 0, replace(WELL, link=None))["live"] == 0.0
    assert values.keys() == operations.OF_A_STREAM.keys()
