"""Video tags into frames: what is waited for, and what is left out."""

from __future__ import annotations

import pytest

from streamd.errors import MalformedMedia
from streamd.media.h264 import to_avcc
from streamd.rtmp.flv import Packet, Tag, video_tag
from streamd.rtmp.pictures import Pictures
from tests.rtmp.media import encoded_video, legacy

VIDEO = encoded_video()


def test_only_keyframes_begin() -> None:
    pictures = Pictures()
    pictures.take(video_tag(VIDEO.header), 0)
    assert pictures.take(video_tag(legacy(VIDEO.pictures[1])), 0) is None
    first = pictures.take(video_tag(legacy(VIDEO.pictures[0])), 40)
    assert first is not None
    assert first.track == pictures.track
    second = pictures.take(video_tag(legacy(VIDEO.pictures[1])), 80)
    assert second is not None
    assert (second.key, second.track) == (False, None)
    pictures.lose()
    assert pictures.take(video_tag(legacy(VIDEO.pictures[2])), 120) is None


def test_pictures_without_a_key_are_counted_by_their_times() -> None:
    pictures = Pictures()
    pictures.take(video_tag(VIDEO.header), 0)
    for at in (1_000, 1_040, 5_000):
        assert pictures.take(video_tag(legacy(VIDEO.pictures[1])), at) is None
    assert pictures.keyless_milliseconds == 4_000
    pictures.take(video_tag(legacy(VIDEO.pictures[0])), 5_040)
    assert pictures.keyless_milliseconds == 0


def test_what_the_tag_calls_a_keyframe_is_looked_at() -> None:
    """A picture that only says it is one is none: nobody could start with it."""
    pictures = Pictures()
    pictures.take(video_tag(VIDEO.header), 0)
    liar = b"\x17\x01\0\0\0" + VIDEO.pictures[1].avcc
    assert pictures.take(video_tag(liar), 0) is None


def test_a_message_without_a_picture_is_no_frame() -> None:
    pictures = Pictures()
    pictures.take(video_tag(VIDEO.header), 0)
    assert pictures.take(Tag("avc1", Packet.FRAME, to_avcc([b"\x06\x05\x01\x80"])), 0) is None


def test_a_keyframe_without_configuration() -> None:
    with pytest.raises(MalformedMedia, match="before the configuration"):
        Pictures().take(video_tag(legacy(VIDEO.pictures[0])), 0)
