"""One viewer's media: which packets go out, and when.

A viewer begins with a keyframe: the stream's last one and what followed it (``replay``), or else
the next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from streamd.media.units import Kind
from streamd.webrtc.congestion import Congestion, Level
from streamd.webrtc.feedback import SentSoFar, goodbye, sender_reports
from streamd.webrtc.history import History
from streamd.webrtc.media_clock import MediaClock
from streamd.webrtc.replay import Replay, can_be_replayed
from streamd.webrtc.rtp_packets import Packets
from streamd.webrtc.viewer_line import Carrier, Line, Protected
from streamd.webrtc.whep_answer import Chosen, Source

REPLAY_SPACING = 1.0
"""Seconds from one replay to the next: a viewer asks again and again until its picture is whole."""
REPEATS_A_SECOND = 400
"""Packets sent again in a second, and at once; a viewer that misses more gets a keyframe."""

_EVERYTHING = Level.EVERYTHING


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


class Viewer:
    """``numbers`` gives first sequence numbers.

    ``histories`` and ``want_keyframe`` are the stream's. ``pairs``: whether its sound may come two
    packets in one (``sound_pairs``). Times are seconds. All methods raise ConnectionError where the
    packets cannot be protected any more.
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
        *,
        pairs: bool = True,
    ) -> None:
        self.pairs = pairs
        self.congestion = Congestion(now)
        self.counters = Counters()
        self.round_trip: float | None = None
        self._protector = protector
        self._carrier = carrier
        self._histories = histories
        self._want_keyframe = want_keyframe
        self._lines = {
            kind: Line(chosen, source, protector, carrier, (numbers(), numbers()))
            for kind, (chosen, source) in lines.items()
        }
        self._replay = Replay()
        self._awaits_key = True
        self._waits = True
        """Whether pictures wait, for a keyframe or behind a replay."""
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
        return bool(self._replay)

    def kind_of(self, ssrc: int) -> Kind | None:
        """Which track a source is."""
        return next((kind for kind, one in self._lines.items() if one.source.ssrc == ssrc), None)

    # -- the stream's media

    def push(self, packets: Packets, now: float) -> None:
        """The stream's next unit."""
        line = self._lines.get(packets.kind)
        if line is not None and (
            packets.kind == "a"
            or (not self._waits and self.congestion.level is _EVERYTHING)
            or self._passes(packets, now)
        ):
            line.send(packets)

    def _passes(self, packets: Packets, now: float) -> bool:
        """Whether a picture goes out now."""
        if self._awaits_key and not packets.key:
            self.counters.skipped += 1
            return False
        self._wait(for_key=False)
        if not self.congestion.passes(key=packets.key, disposable=packets.disposable, now=now):
            self.counters.skipped += 1
            return False
        if not self._replay:
            return True
        if not self._replay.follow(packets):
            self.restart()
            self._want_keyframe()
        return False

    def _wait(self, *, for_key: bool) -> None:
        self._awaits_key = for_key
        self._waits = for_key or bool(self._replay)

    def begin(self, now: float) -> None:
        """Right after the connection stands, and whenever a keyframe is needed."""
        line = self._lines.get("v")
        if line is None or now - self._replayed < REPLAY_SPACING:
            return
        units = self._histories["v"].since_key()
        if not can_be_replayed(units) or self.congestion.level is Level.KEYFRAMES:
            self._wait(for_key=True)
            self._want_keyframe()
            return
        self._replayed = now
        self.counters.replays += 1
        self.congestion.burst(now)
        self._replay.begin(units, line.last)
        self.step()

    def step(self) -> None:
        """Sends the next share of a replay."""
        line = self._lines["v"]
        for packets, timestamp in self._replay.step():
            line.send(packets, timestamp)
        self._wait(for_key=False)

    def restart(self) -> None:
        """Another generation begins: what waits is of the one before."""
        self.counters.skipped += self._replay.clear()
        self._wait(for_key=True)

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
        line = self._lines[kind]
        found = None if line.too_old(sequence) else line.log.find(sequence)
        kept = self._histories[kind].find(found[0]) if found is not None else None
        if found is None or kept is None:
            return None
        return line.again(*kept, found[1], sequence)

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
