"""Playlists of recordings: EVENT while they grow, VOD at the end, both tracks in step."""

from __future__ import annotations

import gzip

import pytest

from streamd.recording.playlists import Index, MediaPlaylist, index
from tests.recording.segments import journal, line


def lines_of(text: str, start: str) -> list[str]:
    return [one.removeprefix(start) for one in text.splitlines() if one.startswith(start)]


def test_it_only_grows_until_it_has_ended() -> None:
    made = journal(line("v", 0))
    growing = MediaPlaylist(made, "v")
    first = growing.text(target_seconds=6, ended=False)
    made.add(line("v", 1))
    second = growing.text(target_seconds=6, ended=False)
    assert second.startswith(first)
    assert "#EXT-X-PLAYLIST-TYPE:EVENT" in first
    assert "#EXT-X-TARGETDURATION:6" in first
    assert "ENDLIST" not in second
    ended = growing.text(target_seconds=6, ended=True)
    assert "#EXT-X-PLAYLIST-TYPE:VOD" in ended
    assert "#EXT-X-TARGETDURATION:2" in ended
    assert ended.endswith("v-1.m4s\n#EXT-X-ENDLIST\n")
    assert lines_of(ended, "#EXTINF:") == ["2.00000,"] * 2
    assert lines_of(ended, "#EXT-X-MAP:") == ['URI="v-0.mp4"']


async def test_packed_is_made_once_a_segment() -> None:
    made = journal(line("v", 0))
    growing = MediaPlaylist(made, "v")
    with pytest.raises(KeyError):
        await MediaPlaylist(journal(), "v").packed(target_seconds=6, ended=False)
    first = await growing.packed(target_seconds=6, ended=False)
    assert await growing.packed(target_seconds=6, ended=False) is first
    assert first.plain.decode() == growing.text(target_seconds=6, ended=False)
    made.add(line("v", 1))
    second = await growing.packed(target_seconds=6, ended=False)
    assert gzip.decompress(second.packed).startswith(first.plain)
    ended = await growing.packed(target_seconds=6, ended=True)
    assert ended.plain.endswith(b"#EXT-X-ENDLIST\n")


def test_an_index_that_grows_is_as_one_made_at_once() -> None:
    made = journal(line("v", 0), maps=2)
    growing = Index(made)
    assert growing.text() == index(made)
    for n in range(1, 4):
        made.add(line("v", n, map=1, run=1))
        made.add(line("a", n, run=1))
        assert growing.text("x/") == index(made, "x/")


def test_maps_discontinuities_and_times() -> None:
    made = journal(
        line("v", 0),
        line("v", 1, run=1, map=1),
        line("v", 2, run=3, at=60.0),
        line("a", 0),
        line("a", 1, run=1),
        line("a", 2, run=3, at=60.0),
        maps=2,
    )
    video = MediaPlaylist(made, "v").text(target_seconds=6, ended=True)
    audio = MediaPlaylist(made, "a").text(target_seconds=6, ended=True)
    assert lines_of(video, "#EXT-X-MAP:") == ['URI="v-0.mp4"', 'URI="v-1.mp4"', 'URI="v-0.mp4"']
    assert video.count("#EXT-X-DISCONTINUITY\n") == audio.count("#EXT-X-DISCONTINUITY\n") == 3
    assert lines_of(video, "#EXT-X-PROGRAM-DATE-TIME:") == [
        "2027-01-15T08:00:00.000Z",
        "2027-01-15T08:00:02.000Z",
        "2027-01-15T08:01:00.000Z",
    ]


def test_a_track_that_begins_late_says_how_many_discontinuities_it_missed() -> None:
    made = journal(line("v", 0), line("v", 1, run=1), line("a", 0, run=1))
    audio = MediaPlaylist(made, "a").text(target_seconds=6, ended=True)
    assert "#EXT-X-DISCONTINUITY-SEQUENCE:1" in audio
    assert "#EXT-X-DISCONTINUITY\n" not in audio


def test_the_index_names_the_configuration_most_of_it_is_in() -> None:
    made = journal(line("v", 0), line("v", 1, map=1, run=1), line("v", 2, map=1, run=1), maps=2)
    text = index(made)
    assert "RESOLUTION=640x360" in text
    assert "FRAME-RATE=25.000" in text
    assert text.splitlines()[-1] == "v.m3u8"
    assert "AUDIO" not in text


def test_both_tracks_and_a_prefix() -> None:
    text = index(journal(line("v", 0), line("a", 0)), prefix="/vod/r/")
    assert 'URI="/vod/r/a.m3u8"' in text
    assert text.splitlines()[-1] == "/vod/r/v.m3u8"
    assert "BANDWIDTH=8000," in text


def test_sound_alone_is_the_variant_itself() -> None:
    assert index(journal(line("a", 0))).splitlines()[-1] == "a.m3u8"


def test_nothing_recorded_has_no_playlist() -> None:
    with pytest.raises(KeyError):
        MediaPlaylist(journal(), "v").text(target_seconds=6, ended=True)
    with pytest.raises(ValueError, match="needs a track"):
        index(journal())
