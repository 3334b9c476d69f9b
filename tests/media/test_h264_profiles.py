"""Profiles by name; what browsers decode is told from what they do not, on libx264's own output."""

from __future__ import annotations

import pytest

from streamd.media import h264
from streamd.media.h264_profiles import (
    bits,
    chroma_name,
    is_chroma_decoded,
    is_profile_decoded,
    profile_name,
)
from tests.media.test_h264 import encoded


@pytest.mark.parametrize(
    ("options", "name", "depth", "chroma", "plays"),
    [
        ({"profile": "baseline"}, "Constrained Baseline", 8, "4:2:0", True),
        ({"preset": "medium", "profile": "main"}, "Main", 8, "4:2:0", True),
        ({"preset": "medium", "profile": "high"}, "High", 8, "4:2:0", True),
        ({"pix": "yuv420p10le"}, "High 10", 10, "4:2:0", False),
        ({"pix": "yuv422p"}, "High 4:2:2", 8, "4:2:2", False),
        ({"pix": "yuv422p10le"}, "High 4:2:2", 10, "4:2:2", False),
        ({"pix": "yuv444p"}, "High 4:4:4 Predictive", 8, "4:4:4", False),
    ],
)
def test_what_browsers_decode(
    options: dict[str, str], name: str, depth: int, chroma: str, plays: bool
) -> None:
    sps = h264.parse_sps(encoded(320, 180, **options)[0])
    assert (profile_name(sps), bits(sps), chroma_name(sps)) == (name, depth, chroma)
    assert (is_profile_decoded(sps) and is_chroma_decoded(sps)) == plays
    assert is_chroma_decoded(sps) == (chroma == "4:2:0")


def test_profiles_without_a_name_have_their_number() -> None:
    assert profile_name(h264.Sps(118, 0, 30, 320, 180)) == "profile 118"
    assert profile_name(h264.Sps(66, 0, 30, 320, 180)) == "Baseline"
    assert profile_name(h264.Sps(100, 0x0C, 30, 320, 180)) == "Constrained High"
