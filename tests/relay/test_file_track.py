"""One track of a file: durations from the distance between decode times, where they rise."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import av

from streamd.media.units import Unit
from streamd.relay.file_track import FileTrack
from tests.relay.units import FRAME, VIDEO, picture


def packet(number: int, *, key: bool = False) -> Any:
    made: Any = av.Packet(picture(number, key=key).payload)
    made.dts = made.pts = number * FRAME
    made.duration = 3_000
    made.is_keyframe = key
    return made


def taken(numbers: list[int]) -> list[Unit]:
    context = SimpleNamespace(name="h264", extradata=VIDEO.config)
    track = FileTrack("v", SimpleNamespace(time_base=Fraction(1, 90_000), codec_context=context))
    track.start(packet(numbers[0], key=True))
    units = [track.take(packet(n, key=i == 0), Fraction(0)) for i, n in enumerate(numbers)]
    return [unit for unit in [*units, track.release(None)] if unit is not None]


def test_a_picture_lasts_until_the_next_one() -> None:
    assert [unit.duration for unit in taken([0, 1, 3])] == [FRAME, 2 * FRAME, 3_000]


def test_where_timestamps_step_back_the_file_s_own_duration_is_kept() -> None:
    units = taken([10, 11, 3, 4])
    assert [unit.duration for unit in units] == [FRAME, 3_000, FRAME, 3_000]
