"""WHEP's figures for Prometheus, read from the viewers at scrape time."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streamd.webrtc.congestion import Level
from streamd.webrtc.rtp_egress import RtpEgress
from streamd.webrtc.viewer_life import ViewerState
from streamd.webrtc.whep import WhepSessions

_COUNTERS = {
    "packets": "RTP packets sent for the first time.",
    "octets": "Bytes of payload in those packets.",
    "repeated": "Packets sent again because a viewer missed them.",
    "unrepeatable": "Packets asked for that were no longer kept, or past a viewer's allowance.",
    "skipped": "Pictures not sent: a congested viewer's, or before its first keyframe.",
    "replays": "Keyframes sent from memory to viewers who needed one at once.",
    "steps": "Times that a viewer's congestion took a step.",
}


class WhepCollector(Collector):
    """One family a figure, by stream."""

    def __init__(self, sessions: WhepSessions) -> None:
        self._sessions = sessions

    def collect(self) -> Iterable[Metric]:
        """Sessions by state, refusals by error, and each stream's counters."""
        states = GaugeMetricFamily(
            "streamd_whep_sessions", "WHEP sessions by where they stand.", labels=["state"]
        )
        counted = dict.fromkeys(ViewerState, 0)
        for session in self._sessions:
            counted[session.state] += 1
        for state, count in counted.items():
            if state is not ViewerState.ENDED:
                states.add_metric([state.value], count)
        yield states
        refused = CounterMetricFamily(
            "streamd_whep_refused", "WHEP offers refused.", labels=["error"]
        )
        for error, count in self._sessions.refused.items():
            refused.add_metric([error], count)
        yield refused
        egresses = self._sessions.egresses()
        yield from self._levels(egresses)
        yield from self._counters(egresses)

    def _levels(self, egresses: Iterable[RtpEgress]) -> Iterable[Metric]:
        viewers = GaugeMetricFamily(
            "streamd_whep_viewers",
            "Viewers by WebRTC, by what of the picture they are sent.",
            labels=["stream", "level"],
        )
        trips = GaugeMetricFamily(
            "streamd_whep_round_trip_seconds",
            "The longest way to a viewer and back.",
            labels=["stream"],
        )
        for egress in egresses:
            name = egress.stream.id
            watching = egress.viewers()
            for level in Level:
                count = sum(one.congestion.level is level for one in watching)
                viewers.add_metric([name, level.name.lower()], count)
            trips.add_metric([name], max((one.round_trip or 0.0 for one in watching), default=0.0))
        yield viewers
        yield trips

    def _counters(self, egresses: Iterable[RtpEgress]) -> Iterable[Metric]:
        totals = [(egress.stream.id, egress.total()) for egress in egresses]
        for field, text in _COUNTERS.items():
            family = CounterMetricFamily(f"streamd_whep_{field}", text, labels=["stream"])
            for name, total in totals:
                family.add_metric([name], getattr(total, field))
            yield family
