"""A stream's units as its RTP viewers get them: generations, new parameter sets, B-frames."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from aiortc.rtp import RtpPacket

from streamd import config
from streamd.media.h264 import parse_avcc
from streamd.media.opus import PACKET_BYTES
from streamd.media.units import Kind, Track, Unit
from streamd.relay.stream import Stream
from streamd.webrtc.depacketizer import nal_units
from streamd.webrtc.rtp_egress import RtpEgress
from streamd.webrtc.viewer import Viewer
from streamd.webrtc.viewer_line import Carrier
from streamd.webrtc.whep_answer import Chosen, Source
from streamd.webrtc.whep_errors import BFrames, SoundMissing
from tests.relay.units import AAC, FRAME, OPUS, OTHER_VIDEO, VIDEO, picture
from tests.webrtc.test_viewer import Plain, Wire
from tests.webrtc.whip_server import until


class Watching:
    """A stream, its egress, and one viewer who sees all packets in the clear."""

    def __init__(self) -> None:
        self.stream = Stream("s", config.Relay())
        self.egress = RtpEgress(self.stream)
        self.changes = 0
        sources = self.egress.sources
        self.lines: dict[Kind, tuple[Chosen, Source]] = {
            "v": (Chosen(102, "", (), None), sources["v"]),
            "a": (Chosen(111, "", (), None), sources["a"]),
        }
        self.wire = Wire()
        self.viewer = self.another(self.wire)

    def another(self, carrier: Carrier, *, pairs: bool = True) -> Viewer:
        return Viewer(
            self.lines,
            Plain(),
            carrier,
            self.egress.histories(pairs=pairs),
            self.stream.request_keyframe,
            lambda: 100,
            0.0,
            pairs=pairs,
        )

    @property
    def got(self) -> list[RtpPacket]:
        media = (one for one in self.wire.got if not 192 <= one[1] <= 208)
        return [RtpPacket.parse(one) for one in media]

    def join(self) -> None:
        self.egress.join(self.viewer, self._changed)

    def _changed(self) -> None:
        self.changes += 1

    def of(self, kind: Kind) -> list[RtpPacket]:
        ssrc = self.egress.sources[kind].ssrc
        return [one for one in self.got if one.ssrc == ssrc]

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)


@asynccontextmanager
async def watching() -> AsyncIterator[Watching]:
    made = Watching()
    reading = asyncio.create_task(made.egress.run())
    try:
        yield made
    finally:
        made.egress.leave(made.viewer)
        reading.cancel()
        await asyncio.wait([reading])
        made.stream.close()


def opus(number: int) -> Unit:
    """A packet of 20 ms."""
    return Unit("a", 960 * number, 960 * number, True, b"\xfcsound", 960)


def sets_of(track: Track) -> list[bytes]:
    found = parse_avcc(track.config)
    return [*found.sps, *found.pps]


async def test_pictures_and_sounds_on_one_clock() -> None:
    async with watching() as one:
        publisher = one.stream.publish("test")
        publisher.announce([VIDEO, OPUS], origin=1_000.0)
        publisher.write(picture(0, key=True))
        await one.settle()
        assert one.egress.on_air
        assert one.egress.profile == VIDEO.codec[5:]
        one.join()
        publisher.write(opus(5))
        publisher.write(opus(6))
        publisher.write(picture(1))
        await one.settle()
        clock = one.egress.clock
        assert (clock.gen, clock.origin) == (1, 1_000.0)
        first, second = one.of("v")
        assert nal_units([first.payload])[:2] == sets_of(VIDEO)
        assert first.timestamp == clock.zero("v")
        assert (second.timestamp - clock.zero("v")) & 0xFFFFFFFF == FRAME
        (sound,) = one.of("a")
        assert (sound.timestamp - clock.zero("a")) & 0xFFFFFFFF == 4_800
        assert sound.payload == b"\xfd" + 2 * b"sound"


async def test_who_takes_no_pairs_gets_each_packet_by_itself() -> None:
    async with watching() as one:
        publisher = one.stream.publish("test")
        publisher.announce([VIDEO, OPUS])
        publisher.write(picture(0, key=True))
        await one.settle()
        wire = Wire()
        other = one.another(wire, pairs=False)
        one.egress.join(other, lambda: None)
        one.join()
        for number in range(5, 9):
            publisher.write(opus(number))
        await one.settle()
        ssrc = one.egress.sources["a"].ssrc
        media = (RtpPacket.parse(packet) for packet in wire.got if not 192 <= packet[1] <= 208)
        single = [packet for packet in media if packet.ssrc == ssrc]
        pairs = one.of("a")
        assert [len(packet.payload) for packet in single] == [6] * 4
        assert [packet.sequence_number for packet in single] == list(range(100, 104))
        assert [len(packet.payload) for packet in pairs] == [11] * 2
        assert [packet.timestamp for packet in pairs] == [
            packet.timestamp for packet in single[::2]
        ]
        one.egress.leave(other)


async def test_a_packet_whose_other_half_does_not_come_goes_alone() -> None:
    async with watching() as one:
        publisher = one.stream.publish("test")
        publisher.announce([VIDEO, OPUS])
        publisher.write(picture(0, key=True))
        publisher.write(opus(5))
        await one.settle()
        one.join()
        publisher.write(opus(7))
        async with asyncio.timeout(10):
            while not one.of("a"):
                await asyncio.sleep(0.005)
        assert one.of("a")[-1].payload == b"\xfcsound"


async def test_what_is_no_packet_of_opus_is_left_out() -> None:
    async with watching() as one:
        publisher = one.stream.publish("test")
        publisher.announce([VIDEO, OPUS])
        publisher.write(picture(0, key=True))
        await one.settle()
        one.join()
        publisher.write(Unit("a", 4_800, 4_800, True, b"\xff" + bytes(PACKET_BYTES), 960))
        publisher.write(picture(1))
        await one.settle()
        assert one.of("a") == []
        assert len(one.of("v")) == 2


async def test_the_unit_that_makes_the_stream_live_is_not_missed() -> None:
    made: list[RtpEgress] = []

    def on_change(stream: Stream) -> None:
        if not made:
            made.append(RtpEgress(stream))

    stream = Stream("s", config.Relay(), on_change)
    publisher = stream.publish("test")
    publisher.announce([VIDEO])
    publisher.write(picture(0, key=True))
    reading = asyncio.create_task(made[0].run())
    await asyncio.sleep(0)
    assert len(made[0].pictures.history.since_key()) == 1
    stream.close()
    await asyncio.wait([reading])


async def test_new_parameter_sets_go_in_band() -> None:
    async with watching() as one:
        publisher = one.stream.publish("test")
        publisher.announce([VIDEO])
        publisher.write(picture(0, key=True))
        await one.settle()
        one.join()
        publisher.write(picture(1, key=True, track=OTHER_VIDEO))
        publisher.write(picture(2, key=True))
        await one.settle()
        assert one.changes == 1
        sets = [nal_units([p.payload]) for p in one.of("v") if p.payload[0] & 0x1F == 24]
        assert [found[:2] for found in sets] == [
            sets_of(VIDEO),
            sets_of(OTHER_VIDEO),
            sets_of(OTHER_VIDEO),
        ]


async def test_a_publisher_who_comes_back_goes_on_where_time_has_led_to() -> None:
    async with watching() as one:
        publisher = one.stream.publish("test")
        publisher.announce([VIDEO], origin=1_000.0)
        publisher.write(picture(0, key=True))
        publisher.write(picture(1))
        await one.settle()
        one.join()
        publisher.lose()
        assert one.egress.on_air
        again = one.stream.publish("test")
        again.announce([VIDEO], origin=1_010.0)
        again.write(picture(0, key=True))
        again.write(picture(1))
        await one.settle()
        assert one.egress.clock.gen == 2
        packets = one.of("v")
        times = list(dict.fromkeys(packet.timestamp for packet in packets))
        assert (times[2] - times[1]) & 0xFFFFFFFF == 10 * 90_000 - FRAME
        assert (times[3] - times[2]) & 0xFFFFFFFF == FRAME
        numbers = [packet.sequence_number for packet in packets]
        assert numbers == list(range(100, 100 + len(numbers)))


async def test_b_frames_are_found_and_told() -> None:
    async with watching() as one:
        publisher = one.stream.publish("test")
        publisher.announce([VIDEO])
        publisher.write(replace(picture(0, key=True), pts=2 * FRAME))
        await one.settle()
        assert one.egress.refusal(sound=True) is None
        one.join()
        publisher.write(replace(picture(1), pts=4 * FRAME))
        publisher.write(replace(picture(2), pts=3 * FRAME))
        await one.settle()
        assert isinstance(one.egress.refusal(sound=False), BFrames)
        assert one.changes == 1
        before = len(one.of("v"))
        publisher.write(picture(3))
        await one.settle()
        assert len(one.of("v")) == before
        publisher.announce([VIDEO])
        publisher.write(picture(0, key=True))
        await one.settle()
        assert one.egress.refusal(sound=False) is None


async def test_surround_opus_is_refused_to_who_wants_to_hear_it() -> None:
    async with watching() as one:
        publisher = one.stream.publish("test")
        publisher.announce([VIDEO, replace(OPUS, channels=6)])
        publisher.write(picture(0, key=True))
        publisher.write(Unit("a", 0, 0, True, b"opus", 960))
        await one.settle()
        assert isinstance(one.egress.refusal(sound=True), SoundMissing)
        assert one.egress.refusal(sound=False) is None
        one.join()
        assert one.of("a") == []


async def test_aac_that_cannot_be_converted_ends_who_hears_it() -> None:
    async with watching() as one:
        publisher = one.stream.publish("test")
        # No decoder opens an AudioSpecificConfig like this.
        publisher.announce([VIDEO, replace(AAC, config=b"\xff\xff\xff\xff")])
        publisher.write(picture(0, key=True))
        publisher.write(Unit("a", 0, 0, True, b"aac", 1024))
        await one.settle()
        assert one.egress.refusal(sound=True) is None
        one.join()
        publisher.write(Unit("a", 1024, 1024, True, b"aac", 1024))
        await until(lambda: one.changes > 0)
        assert isinstance(one.egress.refusal(sound=True), SoundMissing)
        assert one.egress.refusal(sound=False) is None
        assert not one.egress.converts
        assert one.of("a") == []


async def test_one_who_fails_leaves_the_others_alone() -> None:
    async with watching() as one:
        publisher = one.stream.publish("test")
        publisher.announce([VIDEO])
        publisher.write(picture(0, key=True))
        await one.settle()

        class Spent(Wire):
            def take(self, *_: object) -> None:
                if len(one.egress) == 2:
                    raise ConnectionError("spent")

        bad = one.another(Spent())
        one.egress.join(bad, lambda: None)
        one.join()
        publisher.write(picture(1))
        await one.settle()
        assert one.egress.viewers() == (one.viewer,)
        assert len(one.of("v")) == 2
        assert one.egress.total().packets >= 2


async def test_nothing_is_kept_of_a_broadcast_that_ended() -> None:
    async with watching() as one:
        publisher = one.stream.publish("test")
        publisher.announce([VIDEO])
        publisher.write(picture(0, key=True))
        await one.settle()
        publisher.close()
        assert not one.egress.on_air
        one.egress.forget()
        assert one.egress.pictures.history.since_key() == []
