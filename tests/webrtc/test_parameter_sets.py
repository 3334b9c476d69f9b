from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamd.errors import MalformedMedia, MalformedOffer
from streamd.media.h264 import parse_avcc
from streamd.webrtc.parameter_sets import (
    PPS_KEPT,
    SPS_KEPT,
    ParameterSets,
    announced_sets,
    picture_only,
)
from tests.webrtc.rtp_source import coded_pictures


def test_the_track_changes_only_with_the_sets() -> None:
    small, large = coded_pictures()[0], coded_pictures(1, 640, 360)[0]
    sets = ParameterSets()
    assert sets.track is None
    sets.learn(small)
    first = sets.settle()
    assert first is not None
    assert (first.width, first.height) == (320, 240)
    sets.learn(small)
    assert sets.settle() is None
    sets.learn(large)
    second = sets.settle()
    assert second is not None
    assert (second.width, second.height) == (640, 360)
    assert sets.track == second


def test_sets_announced_out_of_band_are_enough() -> None:
    sets = ParameterSets(coded_pictures()[0][:2])
    assert sets.settle() is not None


def test_a_keyframe_without_sets_is_malformed() -> None:
    with pytest.raises(MalformedMedia, match="without the parameter sets"):
        ParameterSets().settle()


@given(st.lists(st.binary(min_size=1, max_size=12), max_size=400))
def test_any_sets_are_survived_and_bounded(nals: list[bytes]) -> None:
    sets = ParameterSets()
    for nal in nals:
        sets.learn([bytes((0x67,)) + nal, bytes((0x68,)) + nal])
    sets.learn([bytes((0x68,)) + bytes((index,)) for index in range(100)])
    try:
        track = sets.settle()
    except MalformedMedia:
        return
    if track is not None:
        config = parse_avcc(track.config)
        assert len(config.sps) <= SPS_KEPT
        assert len(config.pps) <= PPS_KEPT


def test_a_picture_is_stored_without_sets_delimiters_and_filler() -> None:
    nals = [b"\x09\x10", b"\x67a", b"\x68b", b"\x06c", b"\x65d", b"\x0c\xff"]
    assert picture_only(nals) == [b"\x06c", b"\x65d"]


def test_announced_sets_are_base64_or_a_malformed_offer() -> None:
    assert announced_sets("Z0LAHg==,aM48gA==") == (b"\x67\x42\xc0\x1e", b"\x68\xce\x3c\x80")
    assert announced_sets(",") == ()
    with pytest.raises(MalformedOffer):
        announced_sets("Z0LA!")
