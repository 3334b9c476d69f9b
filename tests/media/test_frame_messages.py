"""Frame messages: what a page sends is read; whatever else comes is refused and harms nobody."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamd.errors import MalformedMedia, MediaError, UnsupportedMedia
from streamd.media import h264
from streamd.media.frame_messages import (
    AudioDescription,
    FrameMessage,
    VideoDescription,
    parse_message,
)
from tests.media import frames


def test_an_avcc_description() -> None:
    track, _ = frames.clip()
    sets = h264.parse_avcc(track.config)
    message = parse_message(frames.video_description(track.config))
    assert message == VideoDescription("avc1.42e01f", (*sets.sps, *sets.pps), 4)


def test_an_annex_b_description_and_none_at_all() -> None:
    track, _ = frames.clip()
    sets = h264.parse_avcc(track.config)
    nals = (*sets.sps, *sets.pps)
    stream = b"".join(b"\x00\x00\x00\x01" + nal for nal in nals)
    assert parse_message(frames.video_description(stream)) == VideoDescription(
        "avc1.42e01f", nals, 0
    )
    assert parse_message(frames.video_description(b"")) == VideoDescription("avc1.42e01f", (), 0)


@pytest.mark.parametrize("channels", [1, 2])
def test_an_audio_description(channels: int) -> None:
    message = parse_message(frames.audio_description(channels=channels) + b"OpusHead and more")
    assert isinstance(message, AudioDescription)
    assert (message.track.codec, message.track.sample_rate) == ("opus", 48_000)
    assert message.track.channels == channels


@given(
    st.integers(-(1 << 53), 1 << 53),
    st.integers(0, (1 << 32) - 1),
    st.booleans(),
    st.binary(min_size=1, max_size=64),
)
def test_frames_come_out_as_they_went_in(
    timestamp: int, duration: int, key: bool, payload: bytes
) -> None:
    message = frames.picture(payload, timestamp, key=key, duration=duration)
    assert parse_message(message) == FrameMessage("v", key, timestamp, duration or None, payload)
    assert parse_message(frames.sound(timestamp, payload)) == FrameMessage(
        "a", True, timestamp, 20_000, payload
    )


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x00",
        b"\x05rest",
        b"\x01",
        b"\x01\x00",
        b"\x01\x0bavc1",
        b"\x01\x04\xff\xfe\xfd\xfc",
        frames.video_description(b"\x01\x42\xe0"),
        frames.video_description(b"\x02" + bytes(20)),
        b"\x02\x04opus\x00\x00",
        frames.audio_description(channels=0),
        frames.audio_description(channels=6),
        frames.picture(b"", 0),
        frames.picture(b"x", (1 << 53) + 1),
        frames.picture(b"x", 0)[:9],
    ],
)
def test_broken_messages(message: bytes) -> None:
    with pytest.raises(MalformedMedia):
        parse_message(message)


@pytest.mark.parametrize(
    ("message", "word"),
    [
        (frames.video_description(b"", b"vp09.00.10.08"), "H.264"),
        (frames.video_description(b"", b"hvc1.1.6.L93.B0"), "H.264"),
        (frames.audio_description(b"mp4a.40.2"), "Opus"),
        (frames.audio_description(rate=44_100), "48,000"),
    ],
)
def test_what_is_not_relayed_is_refused_with_what_to_do(message: bytes, word: str) -> None:
    with pytest.raises(UnsupportedMedia, match=word):
        parse_message(message)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(MediaError):
        message = parse_message(data)
        assert isinstance(message, (VideoDescription, AudioDescription, FrameMessage))


@given(st.data())
def test_a_damaged_message_is_read_or_refused(data: st.DataObject) -> None:
    whole = bytearray(data.draw(st.sampled_from(frames.broadcast()[:12])))
    at = data.draw(st.integers(0, min(len(whole), 60) - 1))
    whole[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    for message in (bytes(whole), bytes(whole[:cut])):
        with suppress(MediaError):
            parse_message(message)
