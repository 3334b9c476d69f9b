"""A recording's HLS playlists: EVENT while it grows, VOD after its end (RFC 8216). Pure.

Each cue stands before the segment that has its picture, or, where it is told later than that,
before the next one: so what was listed never changes while the recording grows (section 4.3.3.5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil

from streamd.media import playlist
from streamd.media.units import Kind
from streamd.recording import captions
from streamd.recording.journal import KINDS, CueLine, Journal, MapLine, SegmentLine
from streamd.recording.written import Text, Written
from streamd.relay.cues import Action, Cue

INDEX = "index.m3u8"
SUBTITLES = "captions.m3u8"


def playlist_name(kind: Kind) -> str:
    """A media playlist's file, beside ``index.m3u8``."""
    return f"{kind}.m3u8"


def index(journal: Journal, prefix: str = "") -> str:
    """The multivariant playlist of what has ended; ``prefix`` stands before the playlists' names.

    ValueError where the recording has no segment.
    """
    return Index(journal).text(prefix, captions.language(journal))


def subtitles(journal: Journal) -> str:
    """The captions' media playlist of a recording that has ended: a segment a run.

    Its target duration is its own: RFC 8216 section 6.2.4 lets subtitles of a VOD have one.
    """
    stretches = captions.stretches(journal)
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{playlist.VERSION}",
        f"#EXT-X-TARGETDURATION:{max(ceil(one.seconds) for one in stretches)}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
    ]
    if stretches[0].run:
        lines.append(f"#EXT-X-DISCONTINUITY-SEQUENCE:{stretches[0].run}")
    run = stretches[0].run
    for one in stretches:
        lines += ["#EXT-X-DISCONTINUITY"] * (one.run - run)
        run = one.run
        lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{playlist.date_time(one.first.begins)}")
        lines += [f"#EXTINF:{one.seconds:.5f},", one.name]
    return "\n".join([*lines, "#EXT-X-ENDLIST"]) + "\n"


class Index:
    """A growing recording's multivariant playlist; each segment is looked at once."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._totals = {kind: _Totals() for kind in KINDS}

    def text(self, prefix: str = "", language: str = "", subtitles: str = SUBTITLES) -> str:
        """As ``index``; where there is a ``language``, it names the playlist ``subtitles``."""
        journal, totals = self._journal, self._totals
        for kind in journal.kinds:
            totals[kind].take(journal.segments[kind])
        video, audio = (
            journal.maps[kind, totals[kind].main_map] if kind in journal.kinds else None
            for kind in KINDS
        )
        return playlist.multivariant_playlist(
            None
            if video is None
            else playlist.VideoRendition(
                video.codec,
                video.width,
                video.height,
                totals["v"].units / totals["v"].seconds,
                prefix + playlist_name("v"),
            ),
            None
            if audio is None
            else playlist.AudioRendition(audio.codec, audio.channels, prefix + playlist_name("a")),
            playlist.SubtitleRendition(language, prefix + subtitles) if language else None,
            bandwidth=sum(totals[kind].peak for kind in journal.kinds),
            average_bandwidth=sum(
                totals[kind].bytes * 8 / totals[kind].seconds for kind in journal.kinds
            ),
        )


@dataclass
class _Totals:
    """What a track's segments amount to; ``peak`` in bit/s."""

    count: int = 0
    seconds: float = 0.0
    units: int = 0
    bytes: int = 0
    peak: float = 0.0
    seconds_of_map: dict[int, float] = field(default_factory=dict)

    def take(self, lines: Sequence[SegmentLine]) -> None:
        """Adds what of all the lines it has not seen yet."""
        for line in lines[self.count :]:
            self.seconds += line.seconds
            self.units += line.units
            self.bytes += line.bytes
            self.peak = max(self.peak, line.bytes * 8 / line.seconds)
            known = self.seconds_of_map.get(line.map, 0.0)
            self.seconds_of_map[line.map] = known + line.seconds
        self.count = len(lines)

    @property
    def main_map(self) -> int:
        """The configuration that most of the track is of."""
        return max(self.seconds_of_map, key=lambda n: self.seconds_of_map[n])


class MediaPlaylist:
    """A track's media playlist, which only ever grows: what was written once is kept as text."""

    def __init__(self, journal: Journal, kind: Kind) -> None:
        self._journal = journal
        self._kind = kind
        self._entries: list[str] = []
        self._lines_of_polls = 0
        self._cues: list[CueLine] = []
        """Cues whose picture is not listed yet."""
        self._previous: SegmentLine | None = None
        self._longest = 1
        self._independent = True
        self._written = Written()

    def text(self, *, target_seconds: int, ended: bool) -> str:
        """The playlist of all segments so far. KeyError where there is none.

        ``target_seconds`` is what the broadcast promised; ended, the longest segment says it.
        """
        lines = self._journal.segments[self._kind]
        if not lines:
            raise KeyError(self._kind)
        head = self._head(lines, target_seconds, ended)
        return head + "".join(self._entries) + self._end(ended)

    async def packed(self, *, target_seconds: int, ended: bool) -> Text:
        """The same, made once for all who ask between two segments. KeyError as in ``text``."""
        lines = self._journal.segments[self._kind]
        if not lines:
            raise KeyError(self._kind)
        head = self._head(lines, target_seconds, ended)
        entries, end = self._entries, self._end(ended)
        count = len(entries)
        return await self._written.get(
            (count, target_seconds, ended), lambda: head + "".join(entries[:count]) + end
        )

    def _take(self, lines: Sequence[SegmentLine]) -> None:
        told = self._journal.polls[self._lines_of_polls :]
        self._lines_of_polls += len(told)
        for note in told:
            if isinstance(note, CueLine):
                self._cues = [one for one in self._cues if not _is_moved(one, note)]
                self._cues.append(note)
        for line in lines[len(self._entries) :]:
            self._entries.append(self._take_cues(line) + _entry(self._previous, line))
            self._previous = line
            self._longest = max(self._longest, round(line.seconds))
            self._independent = self._independent and line.independent

    def _take_cues(self, line: SegmentLine) -> str:
        """The date ranges that stand before ``line``."""
        ends = line.begins + line.seconds
        ranges = [_date_range(cue) for cue in self._cues if cue.at < ends]
        self._cues = [cue for cue in self._cues if cue.at >= ends]
        return "".join(ranges)

    @staticmethod
    def _end(ended: bool) -> str:
        return "#EXT-X-ENDLIST\n" if ended else ""

    def _head(self, lines: Sequence[SegmentLine], target_seconds: int, ended: bool) -> str:
        self._take(lines)
        if ended:
            target_seconds = self._longest
        head = [
            "#EXTM3U",
            f"#EXT-X-VERSION:{playlist.VERSION}",
            f"#EXT-X-TARGETDURATION:{target_seconds}",
            "#EXT-X-MEDIA-SEQUENCE:0",
            f"#EXT-X-PLAYLIST-TYPE:{'VOD' if ended else 'EVENT'}",
        ]
        if lines[0].run:
            head.append(f"#EXT-X-DISCONTINUITY-SEQUENCE:{lines[0].run}")
        if ended and self._independent:
            head.append("#EXT-X-INDEPENDENT-SEGMENTS")
        return "\n".join(head) + "\n"


def _is_moved(one: CueLine, by: CueLine) -> bool:
    """Whether ``one`` is a close that was moved to ``by``."""
    return (one.poll, one.action) == (by.poll, by.action) and one.rev < by.rev


def _date_range(line: CueLine) -> str:
    """The same as in the live playlists: its id is made of what the line says."""
    return (
        playlist.date_range(Cue(line.poll, Action(line.action), line.at, line.rev).date_range())
        + "\n"
    )


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
