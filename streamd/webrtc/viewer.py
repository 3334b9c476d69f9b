"""One viewer's media: which packets go out, under which numbers, protected by its own keys.

A viewer begins with a keyframe: the stream's last one and what followed it, or else the next. The
pictures that were replayed pass in a moment, under timestamps pressed together right before the
newest picture's own, so that the viewer is live at once instead of behind by their length.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from streamd.media.units import Kind
from streamd.webrtc.congestion import Congestion, Level
from streamd.webrtc.feedback import SentSoFar, goodbye, sender_reports
from streamd.webrtc.history import History
from streamd.webrtc.media_clock import MediaClock
from streamd.webrtc.rtp_packets import Form, Packets, Run
from streamd.webrtc.sent_log import SentLog
from streamd.webrtc.whep_answer import Chosen, Source

REPLAY_BYTES = 1_048_576
REPLAY_PICTURES = 300
"""A longer replay takes longer to decode than the next keyframe takes to come."""
REPLAY_SPACING = 1.0
"""Seconds from one replay to the next: a viewer asks again and again until its picture is whole."""
STEP_BYTES = 24_000
"""What a replay sends every ``STEP_SECONDS``: 38 Mbit/s."""
STEP_SECONDS = 0.005
PRESSED_TICKS = 90
"""A millisecond between the timestamps of replayed pictures."""
PENDING_BYTES = 4 * 1_048_576
"""Past it, what waits behind a replay is dropped up to the next keyframe."""
REPEATS_A_SECOND = 400
"""Packets sent again in a second, and at once; a viewer that misses more gets a keyframe."""

OLDEST_AGAIN = 1_000
"""Without RTX a repeated packet has its old number, and libsrtp protects none that is 1,024 behind
the newest."""


class Protected(Protocol):
    """What protects a viewer's packets (whep_taps.Protector)."""

    tag: int

    def run(self, run: Run, sequence: int) -> memoryview:
        """A run's datagrams from this sequence number on, valid until the next call."""

    def packet(self, packet: bytes) -> bytes:
        """One RTP packet."""

    def control(self, packet: bytes) -> bytes:
        """One compound RTCP packet."""


class Carrier(Protocol):
    """What takes a viewer's datagrams to the network (mux_connection.MuxConnection)."""

    def transmit(self, datagrams: Sequence[bytes]) -> bool:
        """Sends them, soon."""

    def transmit_image(self, image: memoryview, segment: int) -> bool:
        """Sends datagrams of ``segment`` bytes that lie one behind the other, at once."""


@dataclass(slots=True)
class Counters:
    """What one viewer was sent, or all of them together.

    ``skipped``: pictures not sent, for congestion or for want of a keyframe. ``replays``:
    keyframes sent again from memory. ``steps``: times that congestion took a step.
    """

    packets: int = 0
    octets: int = 0
    repeated: int = 0
    unrepeatable: int = 0
    skipped: int = 0
    replays: int = 0
    steps: int = 0

    def add(self, other: Counters) -> None:
        """Adds another's."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class _Line:
    """One track of one viewer."""

    __slots__ = ("form", "last", "log", "octets", "packets", "repeats", "repeats_next", "source")

    def __init__(self, chosen: Chosen, source: Source, tag: int, numbers: Sequence[int]) -> None:
        self.source = source
        self.form = Form(chosen.payload_type, source.ssrc, tag)
        self.repeats = None if chosen.rtx is None else Form(chosen.rtx, source.rtx, tag)
        self.log = SentLog(numbers[0])
        self.repeats_next = numbers[1]
        self.last: int | None = None
        self.packets = self.octets = 0


class Viewer:
    """``numbers`` gives first sequence numbers.

    ``histories`` and ``want_keyframe`` are the stream's. Times are seconds. All methods raise
    ConnectionError where the packets cannot be protected any more.
    """

    def __init__(
        self,
        lines: Mapping[Kind, tuple[Chosen, Source]],
        protector: Protected,
        carrier: Carrier,
        histories: Mapping[Kind, History],
        want_keyframe: Callable[[], None],
        numbers: Callable[[], int],
        now: float,
    ) -> None:
        self.congestion = Congestion(now)
        self.counters = Counters()
        self.round_trip: float | None = None
        self._protector = protector
        self._carrier = carrier
        self._histories = histories
        self._want_keyframe = want_keyframe
        self._lines = {
            kind: _Line(chosen, source, protector.tag, (numbers(), numbers()))
            for kind, (chosen, source) in lines.items()
        }
        self._pending: deque[tuple[Packets, int | None]] = deque()
        self._pending_bytes = 0
        self._awaits_key = True
        self._replayed = now - REPLAY_SPACING
        self._allowance = float(REPEATS_A_SECOND)
        self._allowed = now

    @property
    def kinds(self) -> frozenset[Kind]:
        """The tracks that are sent."""
        return frozenset(self._lines)

    @property
    def behind(self) -> bool:
        """Whether a replay is under way; ``step`` goes on with it."""
        return bool(self._pending)

    def kind_of(self, ssrc: int) -> Kind | None:
        """Which track a source is."""
        return next((kind for kind, one in self._lines.items() if one.source.ssrc == ssrc), None)

    # -- the stream's media

    def push(self, packets: Packets, now: float) -> None:
        """The stream's next unit."""
        line = self._lines.get(packets.kind)
        if line is None:
            return
        if packets.kind == "v":
            if self._awaits_key:
                if not packets.key:
                    self.counters.skipped += 1
                    return
                self._awaits_key = False
            if self.congestion.level is not Level.EVERYTHING and not self.congestion.passes(
                key=packets.key, disposable=packets.disposable, now=now
            ):
                self.counters.skipped += 1
                return
            if self._pending:
                self._queue(packets, None)
                return
        self._send(line, packets, None)

    def begin(self, now: float) -> None:
        """Right after the connection stands, and whenever a keyframe is needed."""
        line = self._lines.get("v")
        if line is None or now - self._replayed < REPLAY_SPACING:
            return
        units = self._histories["v"].since_key()
        small = sum(one.size for one in units) <= REPLAY_BYTES and len(units) <= REPLAY_PICTURES
        if not units or not small or self.congestion.level is Level.KEYFRAMES:
            self._awaits_key = True
            self._want_keyframe()
            return
        self._replayed = now
        self._awaits_key = False
        self.counters.replays += 1
        self.congestion.burst(now)
        self._pending.clear()
        self._pending_bytes = 0
        for packets, timestamp in _pressed(units, line.last):
            self._queue(packets, timestamp)
        self.step()

    def step(self) -> None:
        """Sends the next share of a replay."""
        line, room = self._lines["v"], STEP_BYTES
        while self._pending and room > 0:
            packets, timestamp = self._pending.popleft()
            self._pending_bytes -= packets.size
            self._send(line, packets, timestamp)
            room -= packets.size

    def restart(self) -> None:
        """Another generation begins: what waits is of the one before."""
        self.counters.skipped += len(self._pending)
        self._pending.clear()
        self._pending_bytes = 0
        self._awaits_key = True

    def _queue(self, packets: Packets, timestamp: int | None) -> None:
        self._pending.append((packets, timestamp))
        self._pending_bytes += packets.size
        if self._pending_bytes > PENDING_BYTES:
            self.restart()
            self._want_keyframe()

    def _send(self, line: _Line, packets: Packets, timestamp: int | None) -> None:
        if timestamp is None:
            runs, line.last = packets.laid_out(line.form), packets.timestamp
        else:
            runs, line.last = packets.under(line.form, timestamp), timestamp
        sequence = line.log.sent(packets, timestamp)
        for run in runs:
            self._carrier.transmit_image(self._protector.run(run, sequence), run.segment)
            sequence += len(run.packets)
        line.packets += packets.count
        line.octets += packets.size

    # -- what the viewer asks for

    def repeat(self, ssrc: int, sequences: Sequence[int], now: float) -> None:
        """Sends packets again, as far as they are remembered and the allowance goes."""
        kind = self.kind_of(ssrc)
        if kind is None:
            return
        self._allowance += (now - self._allowed) * REPEATS_A_SECOND
        self._allowance = min(self._allowance, REPEATS_A_SECOND)
        self._allowed = now
        datagrams: list[bytes] = []
        for sequence in sequences:
            packet = self._again(kind, sequence) if self._allowance >= 1 else None
            datagram = None if packet is None else self._protected(packet)
            if datagram is None:
                self.counters.unrepeatable += 1
            else:
                self._allowance -= 1
                datagrams.append(datagram)
        if datagrams:
            self.counters.repeated += len(datagrams)
            self._carrier.transmit(datagrams)

    def _protected(self, packet: bytes) -> bytes | None:
        """None where it cannot be: one packet less, and no reason to end a session."""
        try:
            return self._protector.packet(packet)
        except ConnectionError:
            return None

    def _again(self, kind: Kind, sequence: int) -> bytes | None:
        """The packet as it was, or by RTX (RFC 4588 §4): its number before its payload."""
        line = self._lines[kind]
        if line.repeats is None and (line.log.next - 1 - sequence) & 0xFFFF > OLDEST_AGAIN:
            return None
        found = line.log.find(sequence)
        kept = self._histories[kind].find(found[0]) if found is not None else None
        if found is None or kept is None:
            return None
        packets, index = kept
        timestamp = packets.timestamp if found[1] is None else found[1]
        if line.repeats is None:
            return packets.packet(index, line.form, sequence, timestamp)
        number, line.repeats_next = line.repeats_next, (line.repeats_next + 1) & 0xFFFF
        return packets.repeat(index, line.repeats, number, timestamp, sequence)

    # -- reports

    def report(self, clock: MediaClock, wall: float, cname: str) -> None:
        """Tells how RTP timestamps and wall clock belong together (RFC 3550 §6.4.1)."""
        sources = []
        for kind, line in self._lines.items():
            ntp, timestamp = clock.at(kind, wall)
            sources.append(SentSoFar(line.source.ssrc, ntp, timestamp, line.packets, line.octets))
        self._carrier.transmit((self._protector.control(sender_reports(sources, cname)),))

    def leave(self) -> None:
        """Says that the sources end."""
        ssrcs = [line.source.ssrc for line in self._lines.values()]
        self._carrier.transmit((self._protector.control(goodbye(ssrcs)),))

    def total(self) -> Counters:
        """The counters up to now."""
        counters = self.counters
        counters.packets = sum(line.packets for line in self._lines.values())
        counters.octets = sum(line.octets for line in self._lines.values())
        counters.steps = self.congestion.steps
        return counters


def _pressed(units: Sequence[Packets], last: int | None) -> list[tuple[Packets, int]]:
    """Replayed pictures with timestamps that rise to the newest one's own, or, where that was
    sent already, a tick apart from there.
    """
    edge, count = units[-1].timestamp, len(units)
    start, step = edge - PRESSED_TICKS * (count - 1), PRESSED_TICKS
    if last is not None and (start - last - 1) & 0xFFFFFFFF >= 1 << 31:
        start, step = last + 1, 1
    return [(one, (start + step * index) & 0xFFFFFFFF) for index, one in enumerate(units)]
