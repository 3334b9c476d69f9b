from __future__ import annotations

from dataclasses import replace

import pytest

from streamd.media.units import Kind, Track, Unit
from streamd.relay.part_target import PartTarget
from streamd.relay.segmenter import Cut, Segment, Segmenter
from tests.relay.units import AAC, FRAME, OTHER_VIDEO, VIDEO, picture, sound

ORIGIN = 1_700_000_000.0
BOTH: dict[Kind, Track] = {"v": VIDEO, "a": AAC}


def cut(
    units: list[Unit], tracks: dict[Kind, Track] | None = None, part_ms: int = 334
) -> list[Cut]:
    segmenter = Segmenter(1, tracks or {"v": VIDEO}, ORIGIN, 6, PartTarget(part_ms))
    cuts = []
    for unit in units:
        if unit.track is not None:
            cuts += segmenter.change(unit)
        cuts += segmenter.push(unit)
    return cuts + segmenter.finish()


def segmented(units: list[Unit], tracks: dict[Kind, Track] | None = None) -> list[Segment]:
    return [one.segment for one in cut(units, tracks) if one.segment is not None]


def video(seconds: float, key_every: int) -> list[Unit]:
    return [picture(n, key=n % key_every == 0) for n in range(int(seconds * 25))]


def interleaved(pictures: list[Unit], sounds: list[Unit]) -> list[Unit]:
    return sorted(
        pictures + sounds, key=lambda u: (u.dts / (90_000 if u.kind == "v" else 48_000), u.kind)
    )


@pytest.mark.parametrize(
    ("key_every", "expected"),
    [
        (25, [1, 1, 1, *[2] * 8, 1]),
        (50, [2] * 10),
        (75, [*[3] * 6, 2]),
        (100, [4, 4, 4, 4, 4]),
        (133, [5.32, 5.32, 5.32, 4.04]),
    ],
)
def test_segments_end_at_keyframes(key_every: int, expected: list[float]) -> None:
    segments = segmented(video(20, key_every))
    assert [segment.seconds for segment in segments] == pytest.approx(expected)
    assert all(segment.independent for segment in segments)


def test_without_a_keyframe_a_segment_ends_at_the_target_and_is_not_independent() -> None:
    segments = segmented(video(20, 10_000))
    assert [segment.independent for segment in segments] == [True, False, False, False]
    assert all(round(segment.seconds) <= 6 for segment in segments)
    assert sum(segment.seconds for segment in segments) == pytest.approx(20)


def test_no_segment_lasts_through_a_silence() -> None:
    units = [*video(2, 1_000), replace(picture(0, key=True), dts=90_000 * 30, pts=90_000 * 30)]
    first, second = segmented(units)
    assert first.seconds == pytest.approx(6.4)
    assert second.begins == ORIGIN + 30


def test_audio_is_cut_where_video_is() -> None:
    units = interleaved(video(20, 50), [sound(n) for n in range(int(20 * 48_000 / 1024))])
    segments = segmented(units, BOTH)
    pictures = [segment for segment in segments if segment.kind == "v"]
    sounds = [segment for segment in segments if segment.kind == "a"]
    assert len(pictures) == len(sounds)
    for one, other in zip(pictures, sounds, strict=True):
        assert 0 <= other.begins - one.begins < 1024 / 48_000
    assert sum(s.seconds for s in sounds) == pytest.approx(937 * 1024 / 48_000)


def test_late_audio_is_cut_at_the_same_place() -> None:
    """A publisher whose audio comes half a second after the pictures it belongs to."""
    units = interleaved(video(8, 50), [sound(n) for n in range(375)])
    late = sorted(units, key=lambda u: u.dts / 90_000 if u.kind == "v" else u.dts / 48_000 + 0.5)
    segments = segmented(late, BOTH)
    begins = {kind: [s.begins for s in segments if s.kind == kind] for kind in ("v", "a")}
    assert begins["a"] == pytest.approx(begins["v"], abs=1024 / 48_000)


def test_an_audio_stream_cuts_itself() -> None:
    segments = segmented([sound(n) for n in range(900)], {"a": AAC})
    assert len(segments) > 3
    assert all(round(segment.seconds) <= 6 for segment in segments)


def test_a_new_configuration_starts_a_segment_and_a_discontinuity_in_both_tracks() -> None:
    pictures = video(8, 50)
    pictures[60] = picture(60, key=True, track=OTHER_VIDEO)
    units = interleaved(pictures, [sound(n) for n in range(375)])
    segments = segmented(units, BOTH)
    for kind, versions in (("v", [0, 0, 1, 1]), ("a", [0, 0, 0, 0])):
        mine = [segment for segment in segments if segment.kind == kind][:4]
        assert [segment.discontinuity for segment in mine] == [False, False, True, False]
        assert [segment.version for segment in mine] == versions
        assert mine[2].begins == pytest.approx(ORIGIN + 60 / 25, abs=1024 / 48_000)


def test_a_first_unit_may_name_its_track() -> None:
    (segment,) = segmented([picture(0, key=True, track=OTHER_VIDEO), picture(1)])
    assert not segment.discontinuity
    assert segment.version == 1


def test_unknown_durations_are_taken_from_the_frames_around() -> None:
    units = [picture(n, key=n == 0, duration=None) for n in range(10)]
    (segment,) = segmented(units)
    assert segment.seconds == pytest.approx(10 * FRAME / 90_000)
    assert segment.begins + segment.seconds == pytest.approx(ORIGIN + 0.4)
