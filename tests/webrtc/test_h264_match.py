"""Which offered profile can carry which stream, and what is answered then."""

from __future__ import annotations

import pytest

from streamd.webrtc.h264_match import Profile, answered, profile_of


@pytest.mark.parametrize(
    ("level_id", "profile"),
    [
        ("42e01f", Profile.CONSTRAINED_BASELINE),
        ("42C01E", Profile.CONSTRAINED_BASELINE),
        ("4d8028", Profile.CONSTRAINED_BASELINE),
        ("42001f", Profile.BASELINE),
        ("4d001f", Profile.MAIN),
        ("4d4028", Profile.MAIN),
        ("640c1f", Profile.CONSTRAINED_HIGH),
        ("640028", Profile.HIGH),
        ("6e0028", None),
        ("7a0028", None),
        ("f40028", None),
        ("42e0", None),
        ("", None),
    ],
)
def test_profiles(level_id: str, profile: Profile | None) -> None:
    assert profile_of(level_id) is profile


@pytest.mark.parametrize(
    ("offered", "streamed", "answer"),
    [
        ("42e01f", "42c028", "42c028"),
        ("42001f", "42c028", "420028"),
        ("42e01f", "420028", "42e028"),
        ("64001f", "42c01e", "64001e"),
        ("64001f", "4d4028", "640028"),
        ("4d001f", "4d4028", "4d4028"),
        ("640c1f", "640028", None),
        ("64001f", "640c28", "640028"),
        ("42e01f", "640028", None),
        ("42e01f", "4d0028", None),
        ("64001f", "6e0028", None),
        ("nonsense", "42c01e", None),
    ],
)
def test_answers(offered: str, streamed: str, answer: str | None) -> None:
    assert answered(offered, streamed) == answer
