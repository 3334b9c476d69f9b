"""Playlists against RFC 8216's rules."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from streamd.media import playlist
from streamd.media.playlist import AudioRendition, Entry, VideoRendition

BEGINS = 1_700_000_000.25
ENTRIES = [
    Entry("v-1-7.m4s", 5.28, BEGINS, "v-1-0.mp4"),
    Entry("v-1-8.m4s", 6.4, BEGINS + 5.28, "v-1-0.mp4"),
    Entry("v-2-9.m4s", 1.0, BEGINS + 60, "v-2-0.mp4", discontinuity=True),
]


def test_a_live_media_playlist() -> None:
    text = playlist.media_playlist(
        ENTRIES, target_seconds=6, media_sequence=7, discontinuity_sequence=2, all_independent=True
    )
    assert text == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:7\n"
        "#EXT-X-TARGETDURATION:6\n"
        "#EXT-X-MEDIA-SEQUENCE:7\n"
        "#EXT-X-DISCONTINUITY-SEQUENCE:2\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        '#EXT-X-MAP:URI="v-1-0.mp4"\n'
        "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:20.250Z\n"
        "#EXTINF:5.28000,\n"
        "v-1-7.m4s\n"
        "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:25.530Z\n"
        "#EXTINF:6.40000,\n"
        "v-1-8.m4s\n"
        "#EXT-X-DISCONTINUITY\n"
        '#EXT-X-MAP:URI="v-2-0.mp4"\n'
        "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:14:20.250Z\n"
        "#EXTINF:1.00000,\n"
        "v-2-9.m4s\n"
    )


def test_durations_rounded_stay_within_the_target() -> None:
    """Section 4.3.3.1."""
    text = playlist.media_playlist(ENTRIES, target_seconds=6, media_sequence=0)
    assert all(round(float(d)) <= 6 for d in re.findall(r"#EXTINF:([\d.]+),", text))


def test_independence_is_only_claimed_where_true() -> None:
    entries = [ENTRIES[0], replace(ENTRIES[1], independent=False)]
    for claimed in (True, False):
        text = playlist.media_playlist(
            entries, target_seconds=6, media_sequence=0, all_independent=claimed
        )
        assert "INDEPENDENT" not in text


def test_an_ended_playlist_says_so_last() -> None:
    text = playlist.media_playlist(ENTRIES, target_seconds=6, media_sequence=0, ended=True)
    assert text.endswith("#EXT-X-ENDLIST\n")
    assert text.startswith("#EXTM3U\n")


VIDEO = VideoRendition("avc1.42c01e", 640, 360, 25.0, "v.m3u8")
AUDIO = AudioRendition("mp4a.40.2", 6, "a.m3u8")


def test_a_multivariant_playlist() -> None:
    text = playlist.multivariant_playlist(
        VIDEO, AUDIO, bandwidth=900_000.2, average_bandwidth=600_000
    )
    assert text == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:7\n"
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Main",DEFAULT=YES,AUTOSELECT=YES,'
        'CHANNELS="6",URI="a.m3u8"\n'
        "#EXT-X-STREAM-INF:BANDWIDTH=900001,AVERAGE-BANDWIDTH=600000,"
        'CODECS="avc1.42c01e,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=25.000,AUDIO="audio"\n'
        "v.m3u8\n"
    )


def test_a_variant_without_sound_has_no_group() -> None:
    text = playlist.multivariant_playlist(VIDEO, None, bandwidth=1, average_bandwidth=1)
    assert "AUDIO" not in text
    assert 'CODECS="avc1.42c01e"' in text


def test_a_variant_without_pictures_is_its_audio() -> None:
    text = playlist.multivariant_playlist(None, AUDIO, bandwidth=1, average_bandwidth=1)
    assert "EXT-X-MEDIA:" not in text
    assert "RESOLUTION" not in text
    assert text.endswith("a.m3u8\n")


def test_an_unknown_frame_rate_is_left_out() -> None:
    video = replace(VIDEO, frame_rate=0.0)
    text = playlist.multivariant_playlist(video, None, bandwidth=1, average_bandwidth=1)
    assert "FRAME-RATE" not in text


def test_no_track_no_playlist() -> None:
    with pytest.raises(ValueError, match="needs a track"):
        playlist.multivariant_playlist(None, None, bandwidth=1, average_bandwidth=1)


def test_nothing_breaks_out_of_a_quoted_string() -> None:
    with pytest.raises(ValueError, match="quoted"):
        playlist.media_playlist(
            [replace(ENTRIES[0], map_uri='x"\n#EXT')], target_seconds=6, media_sequence=0
        )


@pytest.mark.parametrize(
    ("unix", "text"),
    [(0.0, "1970-01-01T00:00:00.000Z"), (1_700_000_000.9996, "2023-11-14T22:13:21.000Z")],
)
def test_date_times(unix: float, text: str) -> None:
    assert playlist.date_time(unix) == text
