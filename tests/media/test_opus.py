from __future__ import annotations

import math
from array import array
from fractions import Fraction

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamd.errors import MalformedMedia
from streamd.media import opus

HEAD = b"OpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00"


def test_the_record_turns_the_heads_byte_order() -> None:
    assert opus.dops_from_head(HEAD) == bytes.fromhex("0002 0138 0000bb80 0000 00")
    assert opus.build_dops(2, 0x138) == opus.dops_from_head(HEAD)


def test_surround_keeps_its_mapping() -> None:
    head = HEAD[:9] + b"\x06" + HEAD[10:18] + b"\x01" + b"\x04\x02\x00\x04\x01\x02\x03\x05"
    assert opus.dops_from_head(head)[10:] == b"\x01\x04\x02\x00\x04\x01\x02\x03\x05"
    with pytest.raises(MalformedMedia):
        opus.dops_from_head(head[:-1])


def test_a_plain_track() -> None:
    track = opus.opus_track()
    assert (track.codec, track.timescale, track.channels) == ("opus", 48_000, 2)
    assert opus.opus_track(1).config[1] == 1
    with pytest.raises(MalformedMedia):
        opus.build_dops(6)


@pytest.mark.parametrize(
    ("packet", "samples"),
    [
        ("78", 960),  # config 15, code 0: one 20 ms frame
        ("fc", 960),  # config 31, code 0
        ("00", 480),
        ("18", 2_880),
        ("80", 120),
        ("79", 1_920),  # code 1: two frames
        ("fb03", 2_880),  # code 3: three of 20 ms
    ],
)
def test_a_packets_length_is_in_its_first_byte(packet: str, samples: int) -> None:
    assert opus.packet_samples(bytes.fromhex(packet)) == samples


@pytest.mark.parametrize("packet", ["", "03", "fb00", "fb3f"])
def test_packets_that_cannot_be(packet: str) -> None:
    with pytest.raises(MalformedMedia):
        opus.packet_samples(bytes.fromhex(packet))


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_malformed(data: bytes) -> None:
    for attempt in (opus.dops_from_head, opus.packet_samples):
        for given_bytes in (data, b"OpusHead" + data):
            try:
                attempt(given_bytes)
            except MalformedMedia:
                continue


def frames_of(packet: bytes) -> list[bytes]:
    """The frames of a packet with code 0, 1 or 2, as RFC 6716 section 3.2 tells a reader."""
    code, rest = packet[0] & 3, packet[1:]
    if code == 0:
        return [rest]
    if code == 1:
        assert len(rest) % 2 == 0
        return [rest[: len(rest) // 2], rest[len(rest) // 2 :]]
    assert code == 2
    size, at = rest[0], 1
    if size >= 252:
        size, at = rest[0] + 4 * rest[1], 2
    return [rest[at : at + size], rest[at + size :]]


@given(
    st.integers(0, 63),
    st.binary(max_size=1_275)
    | st.integers(248, 260).map(bytes)
    | st.integers(1_270, 1_275).map(bytes),
    st.binary(max_size=1_275),
    st.booleans(),
)
def test_two_packets_become_one_and_keep_their_frames(
    mode: int, first: bytes, second: bytes, same: bool
) -> None:
    head = bytes((mode << 2,))
    second = second[: len(first)].ljust(len(first), b"\0") if same else second
    both = opus.joined(head + first, head + second)
    assert both is not None
    assert both[0] >> 2 == mode
    assert frames_of(both) == [first, second]
    assert opus.packet_samples(both) == 2 * opus.packet_samples(head)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (b"", b"\xfc1"),
        (b"\xfc1", b""),
        (b"\xfc1", b"\xf81"),  # mono after stereo
        (b"\xfc1", b"\x7c1"),  # another mode
        (b"\xfd11", b"\xfd11"),  # two frames already
        (b"\xff\x0111", b"\xff\x0111"),
        (b"\xfc" + bytes(1_276), b"\xfc1"),
    ],
)
def test_packets_that_do_not_go_together(first: bytes, second: bytes) -> None:
    assert opus.joined(first, second) is None


@pytest.mark.parametrize("kbit", [6, 24, 128, 256])
def test_a_decoder_hears_the_same_in_half_as_many_packets(kbit: int) -> None:
    packets = encoded(kbit)
    sent: list[bytes] = []
    for first, second in zip(packets[::2], packets[1::2], strict=True):
        both = opus.joined(first, second)
        # At some bitrates the encoder changes its mode between the two.
        sent += [first, second] if both is None else [both]
    assert len(sent) < 0.6 * len(packets)
    assert decoded(sent) == decoded(packets)


def encoded(kbit: int) -> list[bytes]:
    """Two seconds of a tone that comes and goes, in packets of 20 ms from libopus."""
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "stereo", "s16"
    encoder.bit_rate, encoder.time_base = kbit * 1_000, Fraction(1, 48_000)
    packets: list[bytes] = []
    for number in range(100):
        loud = 8_000 * (number // 10 % 2)
        frame = av.AudioFrame(format="s16", layout="stereo", samples=960)
        tone = (
            round(loud * math.sin(2 * math.pi * 440 * (960 * number + at) / 48_000))
            for at in range(960)
        )
        frame.planes[0].update(
            array("h", (value for one in tone for value in (one, one))).tobytes()
        )
        frame.sample_rate, frame.pts = 48_000, 960 * number
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets[: len(packets) // 2 * 2]


def decoded(packets: list[bytes]) -> bytes:
    """All samples, one after the other."""
    decoder = av.CodecContext.create("libopus", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.sample_rate, decoder.layout = 48_000, "stereo"
    frames = [frame for packet in packets for frame in decoder.decode(av.Packet(packet))]
    width = 2 * 2 if frames[0].format.name == "s16" else 2 * 4
    return b"".join(bytes(frame.planes[0])[: frame.samples * width] for frame in frames)
