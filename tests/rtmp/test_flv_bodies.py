"""Tag bodies that are written are read again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamd.media import aac, opus
from streamd.media.units import Unit
from streamd.rtmp.flv import Packet, Tag, audio_tag, video_tag
from streamd.rtmp.flv_bodies import config_body, frame_body, milliseconds
from streamd.rtmp.ingest import Ingest
from tests.rtmp.media import encoded_audio, encoded_video

VIDEO = encoded_video()


@given(st.integers(0, 1 << 40), st.integers(-80, 400), st.booleans(), st.binary(max_size=50))
def test_pictures(dts: int, shift: int, key: bool, payload: bytes) -> None:
    ingest = Ingest()
    ingest.take("v", 0, b"\x17\x00\0\0\0" + VIDEO.config, 0.0)
    track = ingest._pictures.track
    assert track is not None
    unit = Unit("v", dts * 90, (dts + shift) * 90, key, payload)
    assert video_tag(frame_body(unit, track)) == Tag("avc1", Packet.FRAME, payload, key, shift)
    assert video_tag(config_body(track)) == Tag("avc1", Packet.CONFIG, VIDEO.config, True)


@pytest.mark.parametrize("channels", [1, 2])
def test_sounds(channels: int) -> None:
    track = aac.audio_track(encoded_audio().config)
    unit = Unit("a", 0, 0, True, b"frame")
    assert audio_tag(config_body(track)) == Tag("mp4a", Packet.CONFIG, track.config, True)
    assert audio_tag(frame_body(unit, track)) == Tag("mp4a", Packet.FRAME, b"frame", True)
    other = opus.opus_track(channels, opus.build_dops(channels, 312))
    head = audio_tag(config_body(other))
    assert (head.codec, head.packet) == ("Opus", Packet.CONFIG)
    assert opus.dops_from_head(head.payload) == other.config
    assert audio_tag(frame_body(unit, other)) == Tag("Opus", Packet.FRAME, b"frame", True)


def test_milliseconds_are_the_nearest() -> None:
    assert [milliseconds(ticks, 48_000) for ticks in (0, 1024, 2048, 3072)] == [0, 21, 43, 64]
