from __future__ import annotations

import contextlib
import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamd.errors import MalformedMedia
from streamd.webrtc.depacketizer import (
    BUFFER_BYTES,
    BUFFER_PACKETS,
    FRAME_BYTES,
    GAP_SECONDS,
    Depacketizer,
    Frame,
    nal_units,
)
from tests.webrtc.rtp_source import RtpPart, coded_pictures, made_up_pictures, packetized

SEED = st.integers(0, 2**32 - 1)


def fed(depacketizer: Depacketizer, parts: list[RtpPart], spacing: float = 0.001) -> list[Frame]:
    frames = []
    for index, part in enumerate(parts):
        frames += depacketizer.push(
            part.sequence, part.timestamp, part.marker, part.payload, index * spacing
        )
    return frames + depacketizer.expire(len(parts) * spacing + 1.0)


def test_real_pictures_come_out_as_they_went_in() -> None:
    pictures = coded_pictures()
    packets = packetized(pictures, sequence=65_530, timestamp=2**32 - 30_000, size=100)
    depacketizer = Depacketizer()
    frames = fed(depacketizer, [part for picture in packets for part in picture])
    assert [sorted(frame.nals) for frame in frames] == [sorted(nals) for nals in pictures]
    assert [frame.key for frame in frames] == [index % 20 == 0 for index in range(60)]
    steps = {after.timestamp - before.timestamp for before, after in itertools.pairwise(frames)}
    assert steps == {3_000}
    assert not depacketizer.needs_key
    assert depacketizer.missing() == []


@given(SEED, st.integers(0, 65_535), st.integers(0, 2**32 - 1))
def test_disorder_and_repetition_lose_nothing(seed: int, sequence: int, timestamp: int) -> None:
    noise = random.Random(seed)
    pictures = made_up_pictures(seed, 24)
    packets = packetized(pictures, sequence=sequence, timestamp=timestamp)
    flat = [part for picture in packets for part in picture]
    # The very first packet tells where the stream begins; all others may swap places.
    order = sorted(range(1, len(flat)), key=lambda index: index + noise.uniform(0, 12))
    shuffled = [flat[0], *(flat[index] for index in order)]
    repeated = [part for part in shuffled for _ in range(noise.choice((1, 1, 2)))]
    frames = fed(Depacketizer(), repeated, spacing=0.0001)
    assert [list(frame.nals) for frame in frames] == pictures


@given(SEED, st.floats(0.005, 0.3))
@settings(max_examples=200)
def test_after_a_loss_nothing_that_refers_to_it_comes_out(seed: int, loss: float) -> None:
    noise = random.Random(seed)
    pictures = made_up_pictures(seed, 60, key_every=noise.choice((4, 9, 20)))
    packets = packetized(pictures, sequence=noise.randrange(65_536))
    flat = [part for picture in packets for part in picture]
    kept = [part for part in flat if noise.random() > loss]
    kept = [
        part
        for _, part in sorted(
            enumerate(kept), key=lambda numbered: numbered[0] + noise.choice((0, 0, 0, 6))
        )
    ]
    depacketizer = Depacketizer()
    frames = fed(depacketizer, kept, spacing=noise.choice((0.0005, 0.02)))
    places = {tuple(nals): place for place, nals in enumerate(pictures)}
    came = [places[frame.nals] for frame in frames]
    assert came == sorted(set(came))
    for place, frame in zip(came, frames, strict=True):
        assert frame.key == (pictures[place][0][0] == 0x67)
        assert frame.key or place - 1 in came
    again = packetized(
        made_up_pictures(seed + 1, 3), sequence=flat[-1].sequence + 1, timestamp=2**30
    )
    resumed = fed_until(depacketizer, [part for picture in again for part in picture], 100.0)
    for second in range(101, 170):
        resumed += depacketizer.expire(float(second))
    assert [frame.key for frame in resumed][-3:] == [True, False, False]
    assert not depacketizer.needs_key


@given(
    st.lists(
        st.tuples(
            st.integers(0, 65_535), st.integers(0, 2**32 - 1), st.booleans(), st.binary(max_size=40)
        ),
        max_size=60,
    )
)
def test_any_bytes_are_survived(parts: list[tuple[int, int, bool, bytes]]) -> None:
    depacketizer = Depacketizer()
    for index, (sequence, timestamp, marker, payload) in enumerate(parts):
        for frame in depacketizer.push(sequence, timestamp, marker, payload, index * 0.05):
            assert all(frame.nals)
        depacketizer.missing()
    depacketizer.expire(1_000.0)


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=10))
def test_nal_units_raises_only_malformed_media(payloads: list[bytes]) -> None:
    with contextlib.suppress(MalformedMedia):
        assert all(nal_units(payloads))


@pytest.mark.parametrize(
    ("payloads", "sentence"),
    [
        ([b"\x7c"], "shorter"),
        ([b"\x7c\x05\x00"], "no start"),
        ([b"\x7c\x85\x00"], "no end"),
        ([b"\x7c\x85\x00", b"\x7c\x85\x00"], "within another"),
        ([b"\x7c\x85\x00", b"\x41\x80"], "cut off"),
        ([b"\x78\x00\x05\x41"], "past its end"),
        ([b"\x78\x00\x00"], "empty"),
        ([b"\x79\x00\x00"], "type 25"),
        ([b"\x5f\x00"], "type 31"),
    ],
)
def test_what_breaks_rfc_6184_is_named(payloads: list[bytes], sentence: str) -> None:
    with pytest.raises(MalformedMedia, match=sentence):
        nal_units(payloads)


def test_a_hole_is_waited_for_and_then_filled() -> None:
    packets = packetized(made_up_pictures(1, 8))
    flat = [part for picture in packets for part in picture]
    lost = next(index for index, part in enumerate(flat) if part in packets[3])
    depacketizer = Depacketizer()
    frames = fed_until(depacketizer, flat[:lost] + flat[lost + 1 :], 0.0)
    assert len(frames) == 3
    assert depacketizer.missing() == [flat[lost].sequence]
    assert not depacketizer.expire(GAP_SECONDS - 0.01)
    late = flat[lost]
    frames = depacketizer.push(late.sequence, late.timestamp, late.marker, late.payload, 0.2)
    assert len(frames) == 5
    assert not depacketizer.needs_key


def fed_until(depacketizer: Depacketizer, parts: list[RtpPart], now: float) -> list[Frame]:
    frames = []
    for part in parts:
        frames += depacketizer.push(part.sequence, part.timestamp, part.marker, part.payload, now)
    return frames


def test_past_the_wait_everything_up_to_the_next_keyframe_is_skipped() -> None:
    packets = packetized(made_up_pictures(2, 24))
    flat = [part for picture in packets for part in picture if part is not packets[3][0]]
    depacketizer = Depacketizer()
    before = [part for part in flat if part in [p for picture in packets[:7] for p in picture]]
    assert len(fed_until(depacketizer, before, 0.0)) == 3
    assert depacketizer.expire(GAP_SECONDS) == []
    assert depacketizer.needs_key
    assert depacketizer.skips == 1
    frames = fed_until(depacketizer, flat[len(before) :], 0.4)
    assert [frame.key for frame in frames][:2] == [True, False]
    assert len(frames) == 16
    assert depacketizer.dropped_frames == 4


def test_a_second_hole_is_not_waited_for_anew_when_the_first_is_filled() -> None:
    """Each picture has its own deadline; filling one hole gives the next no more time."""
    packets = packetized(made_up_pictures(1, 8))
    flat = [part for picture in packets for part in picture]
    first, second = packets[2][0], packets[4][0]
    depacketizer = Depacketizer()
    fed_until(depacketizer, [part for part in flat if part not in (first, second)], 0.0)
    near = GAP_SECONDS - 0.05
    depacketizer.push(first.sequence, first.timestamp, first.marker, first.payload, near)
    assert depacketizer.missing() == [second.sequence]
    depacketizer.expire(GAP_SECONDS + 0.01)
    assert depacketizer.missing() == []
    assert depacketizer.needs_key


def test_holes_without_end_are_given_up_a_few_at_a_time() -> None:
    packets = packetized(made_up_pictures(1, 200))
    flat = [part for picture in packets for part in picture][::2]
    depacketizer = Depacketizer()
    fed_until(depacketizer, flat, 0.0)
    before = depacketizer.skips
    depacketizer.expire(10.0)
    assert depacketizer.skips - before <= 8
    for _ in range(len(flat)):
        depacketizer.expire(10.0)
    assert depacketizer.missing() == []


def test_padding_packets_belong_to_no_picture() -> None:
    parts = [part for picture in packetized(made_up_pictures(3, 16)) for part in picture]
    padded = []
    for part in parts:
        padded.append(part)
        if part.marker:
            padded.append(RtpPart(0, part.timestamp, False, b""))
    numbered = [
        RtpPart(index, part.timestamp, part.marker, part.payload)
        for index, part in enumerate(padded)
    ]
    assert len(fed(Depacketizer(), numbered)) == 16


def test_a_picture_also_ends_where_the_timestamp_changes() -> None:
    parts = [part for picture in packetized(made_up_pictures(4, 9)) for part in picture]
    unmarked = [RtpPart(part.sequence, part.timestamp, False, part.payload) for part in parts]
    assert len(fed(Depacketizer(), unmarked)) == 8


def test_a_keyframe_without_its_beginning_is_no_keyframe() -> None:
    pictures = [
        [b"\x67\x42\xc0\x1f\x01", b"\x68\x01", b"\x65\x88" + bytes(50), b"\x65\x08" + bytes(50)]
    ]
    parts = packetized(pictures * 2)
    depacketizer = Depacketizer()
    assert not fed_until(depacketizer, parts[0][1:], 0.0)
    assert depacketizer.needs_key
    assert [frame.key for frame in fed_until(depacketizer, parts[1], 0.1)] == [True]


def test_a_sender_that_starts_again_is_followed_after_two_packets() -> None:
    first = [
        part for picture in packetized(made_up_pictures(5, 9), sequence=100) for part in picture
    ]
    again = [
        part
        for picture in packetized(made_up_pictures(6, 17), sequence=40_000, timestamp=2**31)
        for part in picture
    ]
    depacketizer = Depacketizer()
    assert len(fed_until(depacketizer, first, 0.0)) == 9
    frames = fed_until(depacketizer, again, 1.0)
    assert frames[0].key
    assert len(frames) == 9


def test_one_stray_sequence_number_changes_nothing() -> None:
    parts = [part for picture in packetized(made_up_pictures(7, 16)) for part in picture]
    parts.insert(5, RtpPart(30_000, 5, True, b"\x41\x80"))
    assert len(fed(Depacketizer(), parts)) == 16


def test_what_is_kept_is_bounded() -> None:
    depacketizer = Depacketizer()
    key = packetized(made_up_pictures(8, 1))[0]
    fed_until(depacketizer, key, 0.0)
    hole = len(key)
    for index in range(10 * BUFFER_PACKETS):
        sequence = (hole + 1 + index) & 0xFFFF
        depacketizer.push(sequence, 9_000, False, b"\x7c\x01" + bytes(1_000), 0.0)
        assert len(depacketizer._packets) <= BUFFER_PACKETS
        assert depacketizer._bytes <= BUFFER_BYTES
    assert depacketizer.needs_key


def test_an_oversized_picture_is_dropped() -> None:
    depacketizer = Depacketizer()
    pictures = [
        *made_up_pictures(9, 2),
        [b"\x41\x80" + bytes(FRAME_BYTES + 1)],
        *made_up_pictures(10, 2),
    ]
    parts = [part for picture in packetized(pictures, size=8_000) for part in picture]
    frames = fed(depacketizer, parts)
    assert [frame.key for frame in frames] == [True, False, True, False]
    assert depacketizer.malformed_frames == 1
