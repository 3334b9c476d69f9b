from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from streamd.media.parts import Part
from streamd.media.units import MEDIA_TIMESCALE, Kind, Track, Unit
from streamd.relay.packager import GENEROUS_DURATION, Packager, audio_duration
from tests.relay.recording import samples
from tests.relay.units import AAC, FRAME, OPUS, OTHER_VIDEO, VIDEO, picture, sound

BOTH: dict[Kind, Track] = {"v": VIDEO, "a": AAC}


def pushed(packager: Packager, *units: Unit) -> list[Part]:
    return [part for unit in units for part in packager.push(unit)]


def written_durations(fragment: bytes | None) -> list[int]:
    """The sample durations in a fragment's trun."""
    assert fragment is not None
    at = fragment.index(b"trun") + 4
    count = struct.unpack_from(">I", fragment, at + 4)[0]
    return [struct.unpack_from(">I", fragment, at + 12 + 16 * index)[0] for index in range(count)]


def test_one_frame_is_one_part() -> None:
    packager = Packager({"v": VIDEO})
    parts = pushed(packager, picture(0, key=True), picture(1), picture(2))
    assert [(p.n, p.t, p.key) for p in parts] == [
        (0, 0, True),
        (1, 3_600, False),
        (2, 7_200, False),
    ]
    assert all(p.a is None for p in parts)
    assert packager.flush() == []


def test_audio_travels_in_the_next_video_part() -> None:
    packager = Packager(BOTH)
    parts = pushed(packager, sound(0), sound(1), picture(0, key=True), sound(2), picture(1))
    assert [(p.key, p.v is not None, p.a is not None) for p in parts] == [
        (True, True, True),
        (False, True, True),
    ]
    inits = packager.inits
    audio = samples(inits["a"].init + b"".join(p.a or b"" for p in parts), "audio")
    assert [sample.dts * 48_000 for sample in audio] == [0, 1024, 2048]


def test_audio_goes_alone_after_forty_milliseconds() -> None:
    packager = Packager(BOTH)
    parts = pushed(packager, *(sound(number) for number in range(4)))
    (part,) = parts
    assert part.v is None
    assert not part.key
    assert written_durations(part.a) == [1024] * 3


def test_every_part_of_an_audio_stream_can_start_a_decoder() -> None:
    packager = Packager({"a": OPUS})
    packet = Unit("a", 0, 0, True, b"\x78" + bytes(10))
    parts = pushed(packager, packet, replace(packet, dts=960, pts=960))
    assert [part.key for part in parts] == [True, True]
    assert written_durations(parts[0].a) == [960]


def test_longer_parts_hold_several_frames_and_start_anew_at_a_keyframe() -> None:
    packager = Packager({"v": VIDEO}, part_ms=100)
    units = [picture(number, key=number in (0, 4)) for number in range(8)]
    parts = pushed(packager, *units) + packager.flush()
    assert [len(written_durations(p.v)) for p in parts] == [3, 1, 3, 1]
    assert [p.key for p in parts] == [True, False, True, False]
    assert sum(sum(written_durations(p.v)) for p in parts) == 8 * FRAME


def test_part_length_is_at_most_a_tenth_of_a_second() -> None:
    packager = Packager({"v": VIDEO}, part_ms=5_000)
    parts = pushed(packager, *(picture(n, key=n == 0) for n in range(4)))
    assert len(written_durations(parts[0].v)) == 3


def test_an_unknown_duration_is_written_generously() -> None:
    """MSE drops frames further than twice the last duration away."""
    packager = Packager({"v": VIDEO})
    parts = pushed(packager, *(picture(n, key=n == 0, duration=None) for n in range(3)))
    assert [written_durations(p.v) for p in parts] == [[GENEROUS_DURATION]] * 3
    slow = [picture(10 * n, key=n == 0, duration=None) for n in range(3)]
    parts = pushed(Packager({"v": VIDEO}), *slow)
    assert written_durations(parts[-1].v) == [2 * 10 * FRAME]


def test_a_frame_too_far_away_for_a_player_is_counted() -> None:
    packager = Packager({"v": VIDEO})
    pushed(packager, picture(0, key=True), picture(1), picture(3))
    assert packager.gaps == 0
    pushed(packager, picture(6))
    assert packager.gaps == 1
    pushed(packager, picture(60, key=True))
    assert packager.gaps == 1


def test_a_new_configuration_travels_with_its_keyframe() -> None:
    packager = Packager(BOTH)
    parts = pushed(
        packager,
        picture(0, key=True, track=VIDEO),
        picture(1, key=True, track=OTHER_VIDEO),
        picture(2),
    )
    assert [part.init is not None for part in parts] == [False, True, False]
    changed = parts[1].init
    assert changed is not None
    assert set(changed) == {"v"}
    assert changed["v"] == packager.inits["v"]
    assert samples(changed["v"].init + (parts[1].v or b""), "video")[0].key


def test_flush_gives_the_waiting_audio() -> None:
    packager = Packager(BOTH)
    pushed(packager, picture(0, key=True), sound(1))
    (part,) = packager.flush()
    assert part.t == 1024 * MEDIA_TIMESCALE // 48_000
    assert part.size == len(part.a or b"")


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        (Unit("a", 0, 0, True, b"\x78", 480), 480),
        (Unit("a", 0, 0, True, b"\x78"), 960),
    ],
)
def test_an_opus_packets_duration(unit: Unit, expected: int) -> None:
    assert audio_duration(unit, OPUS) == expected
    assert audio_duration(replace(unit, duration=None), AAC) == 1024
