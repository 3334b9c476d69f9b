"""A stream's pictures as RTP packets (RFC 6184), and what is kept of them."""

from __future__ import annotations

from streamd.media.h264 import parse_avcc
from streamd.media.units import Track, Unit
from streamd.webrtc.history import History
from streamd.webrtc.media_clock import MediaClock
from streamd.webrtc.packetizer import packetize
from streamd.webrtc.rtp_packets import Packets


class PicturePackets:
    """One stream's. ``history`` has what is sent again, and the last keyframe."""

    def __init__(self, clock: MediaClock) -> None:
        self.history = History()
        self.reordered = False
        """Whether this generation's pictures are shown in another order than they are sent in."""
        self._clock = clock
        self._sets: tuple[bytes, ...] = ()
        self._number = 0
        self._highest_pts = 0

    def begin(self) -> None:
        """A generation begins."""
        self.reordered = False
        self.history.clear()

    def follow(self, track: Track) -> None:
        """The parameter sets of what comes next. Raises MalformedMedia."""
        config = parse_avcc(track.config)
        self._sets = (*config.sps, *config.pps)

    def push(self, unit: Unit, now: float) -> Packets | None:
        """The next picture; None where nothing of it is sent, as of reordered ones, which WebRTC
        does not carry. Raises MalformedMedia.
        """
        if unit.key:
            self._highest_pts = unit.pts
        if unit.pts < self._highest_pts and not self.reordered:
            self.reordered = True
            self.history.clear()
        self._highest_pts = max(self._highest_pts, unit.pts)
        if self.reordered:
            return None
        picture = packetize(unit.payload, self._sets if unit.key else ())
        if not picture.payloads:
            return None
        packets = Packets(
            "v",
            picture.payloads,
            number=self._number,
            timestamp=self._clock.timestamp("v", unit.pts),
            arrival=now,
            key=unit.key,
            disposable=picture.disposable,
        )
        self._number += packets.count
        self.history.add(packets)
        return packets
