"""What is read from initialisation segments is what was written there."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamd.errors import MalformedMedia
from streamd.media import fmp4
from streamd.recording.boxes import channel_count, picture_size
from tests.recording.broadcast import card


def test_the_card_s_own() -> None:
    tracks, _ = card(1, 640, 360)
    by_kind = {track.kind: fmp4.init_segment(track) for track in tracks}
    assert picture_size(by_kind["v"]) == (640, 360)
    assert channel_count(by_kind["a"]) == 2
    assert picture_size(by_kind["a"]) == (0, 0)
    assert channel_count(by_kind["v"]) == 0


@given(st.binary(max_size=100))
def test_garbage_is_refused_or_says_nothing(garbage: bytes) -> None:
    with contextlib.suppress(MalformedMedia):
        assert picture_size(garbage) == (0, 0)


def test_a_box_that_lies_about_its_size() -> None:
    with pytest.raises(MalformedMedia):
        picture_size(b"\x00\x00\xff\xffmoov")
