"""One track of one viewer: its numbers, what of it was sent, and the way of its packets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from streamd.webrtc.rtp_packets import Form, Packets, Run
from streamd.webrtc.sent_log import SentLog
from streamd.webrtc.whep_answer import Chosen, Source

OLDEST_AGAIN = 1_000
"""Without RTX a repeated packet has its old number, and libsrtp protects none that is 1,024 behind
the newest."""


class Gathering(Protocol):
    """Where runs are gathered on their way to the kernel (tray.Tray)."""

    memory: Any
    view: memoryview

    def take(self, runs: Sequence[Run], sequence: int, protect: Protect, destination: Any) -> None:
        """Protects each in the memory, numbered from ``sequence`` on, and takes it."""


Protect = Callable[[Run, int, Gathering, int], None]
"""``Protected.run``."""


class Protected(Protocol):
    """What protects a viewer's packets (whep_taps.Protector)."""

    tag: int

    def run(self, run: Run, sequence: int, tray: Gathering, at: int) -> None:
        """Writes a run's datagrams, from this sequence number on, into the tray's memory."""

    def packet(self, packet: bytes) -> bytes:
        """One RTP packet."""

    def control(self, packet: bytes) -> bytes:
        """One compound RTCP packet."""


class Carrier(Protocol):
    """What takes a viewer's datagrams to the network (mux_connection.MuxConnection)."""

    @property
    def tray(self) -> Gathering:
        """Takes runs, of many viewers together."""

    @property
    def destination(self) -> Any:
        """Whom the tray sends them to; None for nobody."""

    def transmit(self, datagrams: Sequence[bytes]) -> bool:
        """Sends them, soon."""


class Line:
    """A track. ``numbers``: the first sequence numbers, its own and its retransmissions'.

    ``last``: the newest RTP timestamp that was sent.
    """

    __slots__ = (
        "_carrier",
        "_protect",
        "_tray",
        "form",
        "last",
        "log",
        "octets",
        "repeats",
        "repeats_next",
        "source",
    )

    def __init__(
        self,
        chosen: Chosen,
        source: Source,
        protector: Protected,
        carrier: Carrier,
        numbers: tuple[int, int],
    ) -> None:
        tag = protector.tag
        self.source = source
        self.form = Form(chosen.payload_type, source.ssrc, tag)
        self.repeats = None if chosen.rtx is None else Form(chosen.rtx, source.rtx, tag)
        self.log = SentLog(numbers[0])
        self.repeats_next = numbers[1]
        self.last: int | None = None
        self.octets = 0
        self._protect = protector.run
        self._carrier = carrier
        self._tray = carrier.tray

    def send(self, packets: Packets, timestamp: int | None = None) -> None:
        """Puts a unit's packets on the tray; ``timestamp``: another one than their own.

        Raises ConnectionError where they cannot be protected any more.
        """
        if timestamp is None:
            form = self.form
            runs = packets.runs.get(form) or packets.laid_out(form)
            self.last = packets.timestamp
        else:
            runs, self.last = packets.under(self.form, timestamp), timestamp
        sequence = self.log.sent(packets, timestamp)
        self.octets += packets.size
        destination = self._carrier.destination
        if destination is not None:
            self._tray.take(runs, sequence, self._protect, destination)

    @property
    def packets(self) -> int:
        """How many were sent so far, those sent again not counted."""
        return self.log.next - self.log.first

    def too_old(self, sequence: int) -> bool:
        """Whether a packet that went under this number cannot be protected once more."""
        return self.repeats is None and (self.log.next - 1 - sequence) & 0xFFFF > OLDEST_AGAIN

    def again(self, packets: Packets, index: int, timestamp: int | None, sequence: int) -> bytes:
        """A packet as it was, or by RTX (RFC 4588 §4): its number before its payload."""
        stamp = packets.timestamp if timestamp is None else timestamp
        if self.repeats is None:
            return packets.packet(index, self.form, sequence, stamp)
        number, self.repeats_next = self.repeats_next, (self.repeats_next + 1) & 0xFFFF
        return packets.repeat(index, self.repeats, number, stamp, sequence)
