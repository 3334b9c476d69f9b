from __future__ import annotations

from prometheus_client import CollectorRegistry

from streamd.webrtc.mux import Dropped
from streamd.webrtc.mux_metrics import MuxCollector
from tests.webrtc.mux_client import MEDIA, client, open_mux
from tests.webrtc.whip_server import until


async def test_the_port_tells_what_it_carries_and_what_it_drops() -> None:
    async with open_mux() as mux:
        registry = CollectorRegistry()
        registry.register(MuxCollector(mux))

        def value(name: str, **labels: str) -> float | None:
            return registry.get_sample_value(f"streamd_webrtc_{name}", labels)

        assert value("dropped_total", reason="stranger") == 0
        connection = mux.connection()
        with client(mux) as peer:
            peer.send(MEDIA)
            await peer.nominate(connection)
            await until(lambda: mux.dropped[Dropped.STRANGER] == 1)
        assert value("connections") == 1
        assert value("dropped_total", reason="stranger") == 1
        assert value("sent_total", taken="yes") == 1
        assert value("sent_total", taken="no") == 0
        assert value("send_calls_total") == 1
    assert value("connections") == 0
