from __future__ import annotations

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
