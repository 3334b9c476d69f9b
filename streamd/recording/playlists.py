"""A recording's HLS playlists: EVENT while it grows, VOD after its end (RFC 8216). Pure."""

from __future__ import annotations

from collections.abc import Sequence

from streamd.media import playlist
from streamd.media.units import Kind
from streamd.recording.journal import Journal, MapLine, SegmentLine

INDEX = "index.m3u8"


def playlist_name(kind: Kind) -> str:
    """A media playlist's file, beside ``index.m3u8``."""
    return f"{kind}.m3u8"


def index(journal: Journal, prefix: str = "") -> str:
    """The multivariant playlist; ``prefix`` stands before the media playlists' names.

    ValueError where the recording has no segment.
    """
    video, audio = (_main_map(journal, kind) for kind in ("v", "a"))
    peaks, means = zip(*(_bit_rates(journal.segments[kind]) for kind in journal.kinds), strict=True)
    return playlist.multivariant_playlist(
        None
        if video is None
        else playlist.VideoRendition(
            video.codec,
            video.width,
            video.height,
            _frame_rate(journal.segments["v"]),
            prefix + playlist_name("v"),
        ),
        None
        if audio is None
        else playlist.AudioRendition(audio.codec, audio.channels, prefix + playlist_name("a")),
        bandwidth=sum(peaks),
        average_bandwidth=sum(means),
    )


class MediaPlaylist:
    """A track's media playlist, which only ever grows: what was written once is kept as text."""

    def __init__(self, journal: Journal, kind: Kind) -> None:
        self._journal = journal
        self._kind = kind
        self._entries: list[str] = []
        self._previous: SegmentLine | None = None
        self._text: dict[tuple[int, int, bool], str] = {}
        """The newest playlist, by segments, target and whether it has ended."""

    def text(self, *, target_seconds: int, ended: bool) -> str:
        """The playlist of all segments so far. KeyError where there is none.

        ``target_seconds`` is what the broadcast promised; ended, the longest segment says it.
        """
        lines = self._journal.segments[self._kind]
        if not lines:
            raise KeyError(self._kind)
        key = len(lines), target_seconds, ended
        if key not in self._text:
            self._text = {key: self._written(lines, target_seconds, ended)}
        return self._text[key]

    def _written(self, lines: Sequence[SegmentLine], target_seconds: int, ended: bool) -> str:
        for line in lines[len(self._entries) :]:
            self._entries.append(_entry(self._previous, line))
            self._previous = line
        if ended:
            target_seconds = max(max(round(line.seconds) for line in lines), 1)
        head = [
            "#EXTM3U",
            f"#EXT-X-VERSION:{playlist.VERSION}",
            f"#EXT-X-TARGETDURATION:{target_seconds}",
            "#EXT-X-MEDIA-SEQUENCE:0",
            f"#EXT-X-PLAYLIST-TYPE:{'VOD' if ended else 'EVENT'}",
        ]
        if lines[0].run:
            head.append(f"#EXT-X-DISCONTINUITY-SEQUENCE:{lines[0].run}")
        if ended and all(line.independent for line in lines):
            head.append("#EXT-X-INDEPENDENT-SEGMENTS")
        end = "#EXT-X-ENDLIST\n" if ended else ""
        return "\n".join(head) + "\n" + "".join(self._entries) + end


def _entry(previous: SegmentLine | None, line: SegmentLine) -> str:
    lines = []
    if previous is not None:
        # Where a track was silent for a whole run, both of that run's ends are counted.
        lines += ["#EXT-X-DISCONTINUITY"] * (line.run - previous.run)
    if previous is None or previous.map != line.map:
        lines.append(f'#EXT-X-MAP:URI="{_map(line)}"')
    lines += [
        f"#EXT-X-PROGRAM-DATE-TIME:{playlist.date_time(line.begins)}",
        f"#EXTINF:{line.seconds:.5f},",
        line.name,
    ]
    return "\n".join(lines) + "\n"


def _map(line: SegmentLine) -> str:
    return MapLine(line.kind, line.map, "").name


def _main_map(journal: Journal, kind: Kind) -> MapLine | None:
    """The configuration that most of the track is of."""
    seconds: dict[int, float] = {}
    for line in journal.segments[kind]:
        seconds[line.map] = seconds.get(line.map, 0.0) + line.seconds
    if not seconds:
        return None
    return journal.maps[kind, max(seconds, key=lambda n: seconds[n])]


def _bit_rates(lines: Sequence[SegmentLine]) -> tuple[float, float]:
    """The peak over segments and the mean, in bit/s."""
    peak = max(line.bytes * 8 / line.seconds for line in lines)
    return peak, sum(line.bytes for line in lines) * 8 / sum(line.seconds for line in lines)


def _frame_rate(lines: Sequence[SegmentLine]) -> float:
    return sum(line.units for line in lines) / sum(line.seconds for line in lines)
