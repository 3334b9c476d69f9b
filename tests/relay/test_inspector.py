"""What units say about a broadcast becomes notices, and stops being told when it is over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamd.errors import UnsupportedMedia
from streamd.media import h264
from streamd.media.units import Kind, Track
from streamd.relay.inspector import Inspector, profile_of, refuse_undecodable
from streamd.relay.notices import NoticeCode, Notices
from tests.media.test_h264 import encoded
from tests.relay.units import AAC, FRAME, OTHER_VIDEO, VIDEO, picture, sound

BOTH: dict[Kind, Track] = {"v": VIDEO, "a": AAC}


class Seen:
    """An inspector on a publisher of 25 pictures a second; ``now`` is its clock."""

    def __init__(self, tracks: dict[Kind, Track] = BOTH) -> None:
        self.notices = Notices("a")
        self.inspector = Inspector(self.notices, tracks, 0.0)
        self.now = 0.0

    def pictures(self, start: int, stop: int, every: int = 50, sounds: bool = True) -> None:
        for number in range(start, stop):
            self.now = number / 25
            self.inspector.see(picture(number, key=number % every == 0), self.now)
            if sounds:
                self.inspector.see(sound(number), self.now)
            if number % 25 == 0:
                self.inspector.tick(self.now)

    @property
    def codes(self) -> set[NoticeCode]:
        return {notice.code for notice in self.notices}


def test_an_ordinary_broadcast_has_no_notices() -> None:
    seen = Seen()
    seen.pictures(0, 1_000)
    assert seen.codes == set()


def test_b_frames_are_told_with_the_profile_and_forgotten_when_they_stop() -> None:
    seen = Seen()
    seen.pictures(0, 10)
    for number, shown in ((10, 13), (11, 11), (12, 12), (13, 16)):
        seen.inspector.see(replace(picture(number), pts=shown * FRAME), 0.4)
    assert [(n.code, n.facts) for n in seen.notices] == [
        ("b_frames", {"profile": "Constrained Baseline"})
    ]
    assert seen.inspector.reordered == 2
    seen.pictures(50, 50 + 25 * 31)
    assert seen.codes == set()


def test_reordering_starts_anew_with_each_keyframe() -> None:
    """A last picture shown after the keyframe that follows it in time is none of its business."""
    seen = Seen()
    seen.inspector.see(replace(picture(0, key=True), pts=9 * FRAME), 0.0)
    seen.inspector.see(picture(1, key=True), 0.04)
    assert seen.inspector.reordered == 0


def test_rare_keyframes_are_told_until_they_come_often_enough() -> None:
    seen = Seen()
    seen.pictures(0, 151, every=150)
    assert [(n.code, n.facts) for n in seen.notices] == [("rare_keyframes", {"seconds": 6})]
    seen.pictures(200, 201)
    assert seen.codes == set()


def test_no_keyframe_for_ten_seconds() -> None:
    seen = Seen()
    seen.pictures(0, 251, every=10_000)
    assert seen.codes == {NoticeCode.NO_KEYFRAME}
    seen.pictures(10_000, 10_001, every=10_000)
    assert NoticeCode.NO_KEYFRAME not in seen.codes


def test_no_keyframe_from_the_very_beginning() -> None:
    seen = Seen()
    for number in range(1, 260):
        seen.inspector.pass_over(picture(number), number / 25)
        seen.inspector.see(sound(number), number / 25)
    seen.inspector.tick(10.4)
    assert seen.codes == {NoticeCode.NO_KEYFRAME}


@pytest.mark.parametrize(
    ("tracks", "code"),
    [({"v": VIDEO}, NoticeCode.NO_AUDIO), ({"a": AAC}, NoticeCode.NO_VIDEO)],
)
def test_a_track_that_never_comes(tracks: dict[Kind, Track], code: NoticeCode) -> None:
    seen = Seen(tracks)
    for second in range(8):
        unit = picture(second * 25, key=True) if "v" in tracks else sound(second * 47)
        seen.inspector.see(unit, float(second))
        seen.inspector.tick(float(second))
    assert seen.codes == {code}


def test_silence_of_both_is_not_told_twice() -> None:
    seen = Seen()
    seen.pictures(0, 25)
    seen.inspector.tick(9.0)
    assert seen.codes == set(), "the stream is stalled; its state says so"


def test_sound_that_came_back() -> None:
    seen = Seen()
    seen.pictures(0, 25 * 7, sounds=False)
    assert seen.codes == {NoticeCode.NO_AUDIO}
    seen.pictures(25 * 7, 25 * 8 + 1)
    assert seen.codes == set()


def test_a_turned_phone_is_told_for_a_while() -> None:
    seen = Seen()
    seen.pictures(0, 50)
    seen.inspector.see(picture(50, key=True, track=OTHER_VIDEO), 2.0)
    assert [(n.code, n.facts) for n in seen.notices] == [
        ("picture_changed", {"width": 1280, "height": 720})
    ]
    seen.inspector.see(picture(51, key=True, track=OTHER_VIDEO), 2.1)
    seen.pictures(60, 60 + 25 * 31)
    assert seen.codes == set()


def test_a_clock_that_jumps_all_the_time_is_told_seldom() -> None:
    seen = Seen()
    for times in range(1, 500):
        seen.inspector.jumped(times, times / 25)
    (notice,) = seen.notices
    assert notice.facts == {"times": 251}


def test_what_was_measured_ends_with_the_publication() -> None:
    seen = Seen()
    seen.pictures(0, 25 * 7, sounds=False)
    seen.notices.add(NoticeCode.REFUSED)
    seen.inspector.end()
    assert seen.codes == {NoticeCode.REFUSED}


@pytest.mark.parametrize(
    ("pix", "code", "facts", "words"),
    [
        ("yuv420p10le", "profile", {"profile": "High 10", "bits": 10}, "8-bit"),
        ("yuv422p", "chroma", {"profile": "High 4:2:2", "chroma": "4:2:2"}, "yuv420p"),
        ("yuv444p", "chroma", {"profile": "High 4:4:4 Predictive", "chroma": "4:4:4"}, "yuv420p"),
    ],
)
def test_what_browsers_do_not_decode_is_refused(
    pix: str, code: str, facts: dict[str, object], words: str
) -> None:
    notices = Notices("a")
    with pytest.raises(UnsupportedMedia, match=words):
        refuse_undecodable(h264.video_track(*encoded(320, 180, pix=pix)), notices)
    assert [(n.code, n.facts) for n in notices] == [(code, facts)]


def test_what_they_decode_or_cannot_be_read_is_let_pass() -> None:
    notices = Notices("a")
    for track in (VIDEO, AAC, replace(VIDEO, config=b"broken"), replace(VIDEO, config=b"")):
        refuse_undecodable(track, notices)
    assert not list(notices)
    assert profile_of(replace(VIDEO, config=b"broken")) == ""
