"""One viewer's packets, without a network: numbers, replays, repeats, and what is skipped."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from aiortc.rtp import RtcpPacket, RtcpSrPacket, RtpPacket, unwrap_rtx

from streamd.media.units import Kind
from streamd.webrtc.congestion import Level
from streamd.webrtc.history import History
from streamd.webrtc.media_clock import MediaClock
from streamd.webrtc.replay import REPLAY_BYTES
from streamd.webrtc.rtp_packets import SEQUENCE_AT, Packets, Run
from streamd.webrtc.viewer import REPEATS_A_SECOND, REPLAY_SPACING, Viewer
from streamd.webrtc.viewer_line import Gathering, Protect
from streamd.webrtc.whep_answer import Chosen, Source

FRAME = 3_600


class Plain:
    """Protects nothing: what comes out can be read."""

    tag = 0

    def run(self, run: Run, sequence: int, tray: Gathering, at: int) -> None:
        image = tray.view[at : at + len(run.image)]
        image[:] = run.image
        for index, (offset, _) in enumerate(run.packets):
            number = (sequence + index) & 0xFFFF
            image[offset + SEQUENCE_AT : offset + SEQUENCE_AT + 2] = number.to_bytes(2, "big")

    def packet(self, packet: bytes) -> bytes:
        return packet

    def control(self, packet: bytes) -> bytes:
        return packet


class Wire:
    """Keeps what would go out; its own tray too."""

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.memory = None
        self.view = memoryview(bytearray(2 * REPLAY_BYTES))
        self.destination: object = "somewhere"

    @property
    def tray(self) -> Gathering:
        return self

    def take(self, runs: Sequence[Run], sequence: int, protect: Protect, destination: Any) -> None:
        assert destination == self.destination
        for run in runs:
            protect(run, sequence, self, 7)
            sequence += run.count
            image, step = bytes(self.view[7 : 7 + run.size]), run.segment
            self.got += [image[at : at + step] for at in range(0, run.size, step)]

    def transmit(self, datagrams: Sequence[bytes]) -> bool:
        self.got += datagrams
        return True


class Stream:
    """A stream of pictures, one a call, and one viewer of it."""

    def __init__(self, *, rtx: int | None = 103) -> None:
        self.histories: dict[Kind, History] = {"v": History(), "a": History()}
        self.number = self.place = self.asked = 0
        self.wire = Wire()
        lines: dict[Kind, tuple[Chosen, Source]] = {
            "v": (Chosen(102, "", (), rtx), Source(11, 12)),
            "a": (Chosen(111, "", (), None), Source(21, 22)),
        }
        self.viewer = Viewer(
            lines, Plain(), self.wire, self.histories, self._ask, lambda: 1_000, 0.0
        )

    def _ask(self) -> None:
        self.asked += 1

    @property
    def got(self) -> list[bytes]:
        return self.wire.got

    @property
    def now(self) -> float:
        return self.place / 25

    def picture(
        self, *, key: bool = False, disposable: bool = False, size: int = 100, count: int = 2
    ) -> Packets:
        """The stream's next picture, remembered and not yet sent."""
        packets = Packets(
            "v",
            tuple(bytes((self.place & 0xFF, at)) * (size // 2) for at in range(count)),
            number=self.number,
            timestamp=self.place * FRAME,
            arrival=self.now,
            key=key,
            disposable=disposable,
        )
        self.number += count
        self.place += 1
        self.histories["v"].add(packets)
        return packets

    def show(self, *, key: bool = False, disposable: bool = False, size: int = 100) -> Packets:
        packets = self.picture(key=key, disposable=disposable, size=size)
        self.viewer.push(packets, self.now)
        return packets

    def packets(self) -> list[RtpPacket]:
        return [RtpPacket.parse(one) for one in self.got]

    def flush(self) -> None:
        while self.viewer.behind:
            self.viewer.step()


def timestamps(packets: Sequence[RtpPacket]) -> list[int]:
    """Each picture's, in the order in which they were sent."""
    return list(dict.fromkeys(packet.timestamp for packet in packets))


def test_without_a_keyframe_in_memory_the_next_is_asked_for_and_waited_for() -> None:
    stream = Stream()
    stream.viewer.begin(stream.now)
    assert stream.asked == 1
    stream.show()
    assert stream.got == []
    assert stream.viewer.counters.skipped == 1
    stream.show(key=True)
    stream.show()
    first, *_ = found = stream.packets()
    assert [packet.sequence_number for packet in found] == [1_000, 1_001, 1_002, 1_003]
    assert (first.payload_type, first.ssrc) == (102, 11)
    assert timestamps(found) == [FRAME, 2 * FRAME]


def test_who_joins_amid_a_group_gets_all_of_it_pressed_together() -> None:
    stream = Stream()
    stream.picture(key=True)
    for _ in range(9):
        stream.picture()
    stream.viewer.begin(stream.now)
    stream.flush()
    stream.show()
    found = stream.packets()
    assert stream.asked == 0
    assert [one.sequence_number for one in found] == list(range(1_000, 1_022))
    replayed = timestamps(found)
    assert replayed[9:] == [9 * FRAME, 10 * FRAME]
    assert [b - a for a, b in itertools.pairwise(replayed[:10])] == [90] * 9


def test_live_pictures_wait_behind_a_replay() -> None:
    stream = Stream()
    stream.picture(key=True, size=30_000)
    stream.picture(size=30_000)
    stream.viewer.begin(stream.now)
    assert stream.viewer.behind
    newest = stream.show()
    assert newest.timestamp not in timestamps(stream.packets())
    stream.flush()
    numbers = [one.sequence_number for one in stream.packets()]
    assert numbers == sorted(numbers)
    assert timestamps(stream.packets())[-1] == newest.timestamp


def test_a_keyframe_asked_for_comes_from_memory_and_time_goes_on() -> None:
    stream = Stream()
    stream.viewer.begin(stream.now)
    stream.show(key=True)
    for _ in range(40):
        stream.show()
    stream.got.clear()
    stream.viewer.begin(stream.now)
    stream.flush()
    stream.show()
    found = stream.packets()
    shown = timestamps(found)
    assert found[0].payload == bytes((0, 0)) * 50
    assert shown[0] == 40 * FRAME + 1
    assert shown == sorted(shown)
    assert shown[-1] == 41 * FRAME
    assert stream.viewer.counters.replays == 1


def test_asking_again_and_again_brings_one_replay_a_second() -> None:
    stream = Stream()
    stream.picture(key=True)
    for _ in range(20):
        stream.viewer.begin(0.0)
    assert stream.viewer.counters.replays == 1
    stream.viewer.begin(REPLAY_SPACING)
    assert stream.viewer.counters.replays == 2


def test_too_long_a_replay_is_not_begun() -> None:
    stream = Stream()
    stream.picture(key=True, size=REPLAY_BYTES)
    stream.viewer.begin(stream.now)
    assert (stream.asked, stream.viewer.behind) == (1, False)
    stream.show()
    assert stream.got == []


def test_what_waits_behind_a_replay_is_bounded() -> None:
    stream = Stream()
    stream.picture(key=True, size=100_000)
    stream.picture(size=100_000)
    stream.viewer.begin(stream.now)
    assert stream.viewer.behind
    for _ in range(30):
        stream.show(size=150_000)
    assert not stream.viewer.behind
    assert stream.asked >= 1
    assert stream.viewer.counters.skipped > 0


def test_a_lost_packet_is_sent_again_by_rtx() -> None:
    stream = Stream()
    stream.viewer.begin(stream.now)
    for at in range(5):
        stream.show(key=at == 0)
    lost = stream.packets()[3]
    stream.got.clear()
    stream.viewer.repeat(11, [lost.sequence_number], stream.now)
    stream.viewer.repeat(11, [lost.sequence_number], stream.now)
    first, second = stream.packets()
    assert (first.payload_type, first.ssrc) == (103, 12)
    assert second.sequence_number == first.sequence_number + 1
    back = unwrap_rtx(first, 102, 11)
    assert back.serialize() == lost.serialize()


def test_without_rtx_it_is_the_same_packet_again() -> None:
    stream = Stream(rtx=None)
    stream.picture(key=True)
    stream.picture()
    stream.viewer.begin(stream.now)
    sent = list(stream.got)
    stream.got.clear()
    stream.viewer.repeat(11, [1_000, 1_003], stream.now)
    assert stream.got == [sent[0], sent[3]]


def test_without_rtx_what_srtp_takes_for_too_old_is_not_repeated() -> None:
    for rtx, repeated in ((None, 1), (103, 2)):
        stream = Stream(rtx=rtx)
        for at in range(6):
            stream.picture(key=at == 0, count=200)
        stream.viewer.begin(stream.now)
        stream.flush()
        newest = stream.packets()[-1].sequence_number
        stream.got.clear()
        stream.viewer.repeat(11, [newest - 1_001, newest - 1_000], stream.now)
        assert len(stream.got) == repeated
        assert stream.viewer.counters.unrepeatable == 2 - repeated


def test_a_repeat_that_cannot_be_protected_is_one_packet_less() -> None:
    stream = Stream()
    stream.viewer.begin(stream.now)
    stream.show(key=True)
    stream.got.clear()

    class Refusing(Plain):
        def packet(self, packet: bytes) -> bytes:
            raise ConnectionError("index too old")

    stream.viewer._protector = Refusing()
    stream.viewer.repeat(11, [1_000], stream.now)
    assert stream.got == []
    assert stream.viewer.counters.unrepeatable == 1
    stream.show()
    assert len(stream.got) == 2


def test_what_is_gone_or_was_never_sent_cannot_be_repeated() -> None:
    stream = Stream()
    stream.viewer.begin(stream.now)
    stream.show(key=True)
    stream.got.clear()
    stream.viewer.repeat(11, [999, 1_002, 5], stream.now)
    stream.viewer.repeat(77, [1_000], stream.now)
    assert stream.got == []
    assert stream.viewer.counters.unrepeatable == 3


def test_repeats_have_an_allowance() -> None:
    stream = Stream()
    stream.viewer.begin(stream.now)
    stream.show(key=True)
    stream.got.clear()
    stream.viewer.repeat(11, [1_000] * 3 * REPEATS_A_SECOND, 10.0)
    assert len(stream.got) == REPEATS_A_SECOND
    stream.viewer.repeat(11, [1_000] * 3 * REPEATS_A_SECOND, 10.5)
    assert len(stream.got) == REPEATS_A_SECOND * 1.5


def test_a_congested_viewer_loses_what_no_picture_refers_to_then_all_up_to_a_keyframe() -> None:
    stream = Stream()
    stream.viewer.begin(stream.now)
    stream.show(key=True)
    stream.viewer.congestion.lost(0.6, stream.now)
    stream.show(disposable=True)
    kept = stream.show()
    assert timestamps(stream.packets()) == [0, kept.timestamp]
    stream.place += 50
    stream.viewer.congestion.lost(0.6, stream.now)
    assert stream.viewer.congestion.level is Level.KEYFRAMES
    stream.show()
    stream.place += 100
    key = stream.show(key=True)
    after = stream.show()
    found = stream.packets()
    assert timestamps(found)[2:] == [key.timestamp, after.timestamp]
    numbers = [one.sequence_number for one in found]
    assert numbers == list(range(1_000, 1_000 + len(numbers)))
    assert stream.viewer.counters.skipped == 2
    assert stream.viewer.total().steps == 2


def test_sound_is_never_held_back() -> None:
    stream = Stream()
    sound = Packets("a", (b"opus",), number=0, timestamp=9, arrival=0.0)
    stream.viewer.push(sound, 0.0)
    (packet,) = stream.packets()
    assert (packet.payload_type, packet.ssrc, packet.payload) == (111, 21, b"opus")


def test_reports_count_what_was_sent() -> None:
    stream = Stream()
    stream.viewer.begin(stream.now)
    stream.show(key=True)
    stream.got.clear()
    clock = MediaClock({"v": 5, "a": 6})
    clock.begin(1, 100.0)
    stream.viewer.report(clock, 101.0, "name")
    video, audio, _ = RtcpPacket.parse(stream.got[0])
    assert isinstance(video, RtcpSrPacket)
    assert isinstance(audio, RtcpSrPacket)
    assert (video.sender_info.packet_count, video.sender_info.octet_count) == (2, 200)
    assert video.sender_info.rtp_timestamp == 90_005
    assert audio.sender_info.rtp_timestamp == 48_006
    assert video.sender_info.ntp_timestamp == audio.sender_info.ntp_timestamp


def test_one_who_cannot_be_protected_any_more_says_so() -> None:
    stream = Stream()
    stream.viewer.begin(stream.now)

    class Spent(Plain):
        def run(self, run: Run, sequence: int, tray: Gathering, at: int) -> None:
            raise ConnectionError("key used up")

    stream.viewer._lines["v"]._protect = Spent().run
    with pytest.raises(ConnectionError):
        stream.show(key=True)
