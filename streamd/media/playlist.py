"""HLS playlists as text (RFC 8216)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil

CONTENT_TYPE = "application/vnd.apple.mpegurl"
VERSION = 7
"""EXT-X-MAP in playlists that are not I-frame-only needs 6 (section 7); 7 is what players know
fragmented MP4 by."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A segment as a media playlist lists it.

    ``duration`` in seconds; ``begins`` is the Unix time of its first sample's presentation;
    ``map_uri`` its EXT-X-MAP; ``discontinuity`` true where it does not continue its predecessor;
    ``independent`` true where it starts with a keyframe.
    """

    uri: str
    duration: float
    begins: float
    map_uri: str
    discontinuity: bool = False
    independent: bool = True


@dataclass(frozen=True, slots=True)
class VideoRendition:
    """The variant's video: codec string, pixels, frames a second (0: unknown), playlist URI."""

    codec: str
    width: int
    height: int
    frame_rate: float
    uri: str


@dataclass(frozen=True, slots=True)
class AudioRendition:
    """The audio group's one member."""

    codec: str
    channels: int
    uri: str


def media_playlist(
    entries: Sequence[Entry],
    *,
    target_seconds: int,
    media_sequence: int,
    discontinuity_sequence: int = 0,
    all_independent: bool = False,
    ended: bool = False,
) -> str:
    """A media playlist (section 4.3.3). ``media_sequence`` is the first entry's number."""
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        f"#EXT-X-TARGETDURATION:{target_seconds}",
        f"#EXT-X-MEDIA-SEQUENCE:{media_sequence}",
    ]
    if discontinuity_sequence:
        lines.append(f"#EXT-X-DISCONTINUITY-SEQUENCE:{discontinuity_sequence}")
    if all_independent and all(entry.independent for entry in entries):
        lines.append("#EXT-X-INDEPENDENT-SEGMENTS")
    current_map = None
    for entry in entries:
        if entry.discontinuity:
            lines.append("#EXT-X-DISCONTINUITY")
        if entry.map_uri != current_map:
            current_map = entry.map_uri
            lines.append(f'#EXT-X-MAP:URI="{_quotable(entry.map_uri)}"')
        lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{date_time(entry.begins)}")
        lines.append(f"#EXTINF:{entry.duration:.5f},")
        lines.append(entry.uri)
    if ended:
        lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"


def multivariant_playlist(
    video: VideoRendition | None,
    audio: AudioRendition | None,
    *,
    bandwidth: float,
    average_bandwidth: float,
) -> str:
    """A multivariant ("master") playlist of one variant (section 4.3.4).

    Bandwidths in bit/s, audio included: the peak and the mean over segments. A stream without
    video lists its audio as the variant itself.
    """
    if video is None and audio is None:
        raise ValueError("a variant needs a track")
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}"]
    attributes = [f"BANDWIDTH={ceil(bandwidth)}", f"AVERAGE-BANDWIDTH={ceil(average_bandwidth)}"]
    codecs = ",".join(track.codec for track in (video, audio) if track is not None)
    attributes.append(f'CODECS="{_quotable(codecs)}"')
    if video is not None:
        attributes.append(f"RESOLUTION={video.width}x{video.height}")
        if video.frame_rate > 0:
            attributes.append(f"FRAME-RATE={video.frame_rate:.3f}")
    if video is not None and audio is not None:
        lines.append(
            '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Main",DEFAULT=YES,AUTOSELECT=YES,'
            f'CHANNELS="{audio.channels}",URI="{_quotable(audio.uri)}"'
        )
        attributes.append('AUDIO="audio"')
    uri = video.uri if video is not None else audio.uri if audio is not None else ""
    lines += [f"#EXT-X-STREAM-INF:{','.join(attributes)}", uri]
    return "\n".join(lines) + "\n"


def date_time(unix: float) -> str:
    """ISO 8601 in UTC with milliseconds, as section 4.3.2.6 asks."""
    moment = datetime.fromtimestamp(round(unix, 3), UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _quotable(text: str) -> str:
    """A quoted-string's content (section 4.2): no quote, no line break."""
    if any(character in text for character in '"\r\n'):
        raise ValueError(f"{text!r} cannot stand in a quoted string")
    return text
