from __future__ import annotations

import io
from typing import Any

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamd.errors import MalformedMedia
from streamd.media import aac
from tests.relay.recording import BIG_BUCK_BUNNY


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("1190", aac.AudioConfig(2, 48_000, 2)),
        ("1210", aac.AudioConfig(2, 44_100, 2)),
        ("11b0", aac.AudioConfig(2, 48_000, 6)),
        ("1408", aac.AudioConfig(2, 16_000, 1)),
        ("1194", aac.AudioConfig(2, 48_000, 2, 960)),
        ("2b920800", aac.AudioConfig(5, 22_050, 2)),
        ("17800bb808", aac.AudioConfig(2, 6_000, 1)),
    ],
)
def test_configurations(config: str, expected: aac.AudioConfig) -> None:
    assert aac.parse_config(bytes.fromhex(config)) == expected


def test_the_track_of_a_surround_clip() -> None:
    with av.open(str(BIG_BUCK_BUNNY)) as container:
        config = bytes(container.streams.audio[0].codec_context.extradata or b"")
    track = aac.audio_track(config)
    assert (track.codec, track.timescale, track.channels) == ("mp4a.40.2", 48_000, 6)
    assert track.config == config


@pytest.mark.parametrize("config", ["", "11", "16", "1198", "1680"])
def test_reserved_or_cut_configurations(config: str) -> None:
    data = bytes.fromhex(config)
    if config == "1198":
        assert aac.parse_config(data).channels == 3
        return
    with pytest.raises(MalformedMedia):
        aac.parse_config(data)


def test_adts_gives_the_same_access_units_as_mp4() -> None:
    """libavformat's own ADTS muxer wraps the clip's stereo re-tagged frames; we unwrap them."""
    raw: list[bytes] = []
    out = io.BytesIO()
    with (
        av.open(str(BIG_BUCK_BUNNY)) as source,
        av.open(out, "w", format="adts") as target,
    ):
        stream: Any = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.size:
                raw.append(bytes(packet))
                packet.stream = stream
                target.mux(packet)
    frames = aac.split_adts(out.getvalue())
    assert [frame.payload for frame in frames] == raw
    assert {aac.parse_config(frame.config) for frame in frames} == {aac.AudioConfig(2, 48_000, 6)}


@given(st.binary(max_size=40))
def test_any_configuration_is_read_or_malformed(config: bytes) -> None:
    try:
        parsed = aac.parse_config(config)
    except MalformedMedia:
        return
    assert parsed.sample_rate > 0


@given(st.binary(max_size=60), st.booleans())
def test_any_bytes_split_as_adts_or_are_malformed(data: bytes, sync: bool) -> None:
    try:
        frames = aac.split_adts((b"\xff\xf1" if sync else b"") + data)
    except MalformedMedia:
        return
    assert all(len(frame.payload) <= len(data) for frame in frames)
