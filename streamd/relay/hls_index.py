"""The multivariant playlist, from what the renditions list. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from streamd.media import playlist
from streamd.media.playlist import SubtitleRendition
from streamd.media.units import Kind, Track
from streamd.relay.hls_rendition import Rendition, playlist_name
from streamd.relay.segmenter import Segment

KINDS: tuple[Kind, Kind] = ("v", "a")


def multivariant(
    renditions: Mapping[Kind, Rendition],
    tracks: Mapping[Kind, Track],
    subtitles: SubtitleRendition | None = None,
) -> str:
    """KeyError while a track has no whole segment.

    A second video segment without any audio means that the announced audio never came: then the
    playlist is of video alone.
    """
    listed = {kind: [one.segment for one in renditions[kind].listed] for kind in tracks}
    kinds = [kind for kind in tracks if listed[kind]]
    if not kinds or (len(kinds) < len(listed) and len(listed.get("v", ())) < 2):
        raise KeyError("multivariant")
    video, audio = (tracks[kind] if kind in kinds else None for kind in KINDS)
    peaks, means = zip(*(_bit_rates(listed[kind]) for kind in kinds), strict=True)
    return playlist.multivariant_playlist(
        None if video is None else _video(video, listed["v"]),
        None
        if audio is None
        else playlist.AudioRendition(audio.codec, audio.channels, playlist_name("a")),
        subtitles,
        bandwidth=sum(peaks),
        average_bandwidth=sum(means),
    )


def _video(track: Track, listed: Sequence[Segment]) -> playlist.VideoRendition:
    rate = sum(one.units for one in listed) / sum(one.seconds for one in listed)
    return playlist.VideoRendition(track.codec, track.width, track.height, rate, playlist_name("v"))


def _bit_rates(listed: Sequence[Segment]) -> tuple[float, float]:
    """The peak over segments and the mean, in bit/s."""
    rates = [len(one.body) * 8 / one.seconds for one in listed]
    return max(rates), sum(len(one.body) for one in listed) * 8 / sum(s.seconds for s in listed)
