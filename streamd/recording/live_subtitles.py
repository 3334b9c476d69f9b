"""A growing recording's captions as HLS subtitles: a WebVTT segment beside each of its own. Pure.

What was listed never changes, whoever asks, during the broadcast and after it: all follows from the
journal's lines in their order. So a segment is listed LATE_SECONDS after the picture beside it, for
a caption comes when it has been typed. One that comes later still begins with the first segment
that is not listed yet; in the finished recording (captions.py) it stands where it belongs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from streamd.media import playlist, webvtt
from streamd.media.units import Kind
from streamd.recording.journal import CaptionLine, Line, SegmentLine, lines
from streamd.recording.written import Text, Written

PLAYLIST = "t.m3u8"
LATE_SECONDS = 6.0
"""About the time a line takes to type. Players stay three target durations behind a playlist that
grows (RFC 8216 section 6.3.3), and a target duration is 6 s unless it was set otherwise."""


def segment_name(n: int) -> str:
    """The name of the captions beside the leading track's segment at place ``n``, from 0."""
    return f"t-{n}.vtt"


@dataclass(slots=True)
class _Beside:
    """One segment of the leading track, and the captions that begin in it."""

    line: SegmentLine
    shift: float
    """From Unix time to its run's media time."""
    cues: list[webvtt.Cue] = field(default_factory=list)

    @property
    def ends(self) -> float:
        return self.line.begins + self.line.seconds


class LiveSubtitles:
    """Takes a recording's lines one by one.

    They stand beside the pictures, or beside the sound where the first to be listed are its.
    """

    def __init__(self) -> None:
        self._kind: Kind | None = None
        self._tracks: dict[Kind, list[_Beside]] = {"v": [], "a": []}
        self._unplaced: list[CaptionLine] = []
        self._entries: list[str] = []
        self._longest_cue = 0.0
        self._written = Written()

    @property
    def count(self) -> int:
        """Segments that are listed."""
        return len(self._entries)

    def take(self, line: Line) -> None:
        """Takes the journal's next line."""
        if isinstance(line, CaptionLine):
            self._unplaced.append(line)
        elif isinstance(line, SegmentLine) and line.seconds > 0:
            self._add(line)
            self._list(LATE_SECONDS)

    def end(self) -> None:
        """Nothing more comes: all is listed."""
        self._list(0.0)

    async def playlist(self, *, target_seconds: int, ended: bool) -> Text:
        """The media playlist, made once for all who ask between two segments.

        KeyError where nothing is listed.
        """
        count = self.count
        if not count:
            raise KeyError(PLAYLIST)
        head = self._head(target_seconds, ended)
        end = "#EXT-X-ENDLIST\n" if ended else ""
        return await self._written.get(
            (count, target_seconds, ended),
            lambda: head + "".join(self._entries[:count]) + end,
        )

    def segment(self, n: int) -> str:
        """The WebVTT of a listed segment. KeyError for another."""
        if not 0 <= n < self.count:
            raise KeyError(n)
        one = self._lead[n]
        cues = (
            webvtt.Cue(cue.id, cue.start + one.shift, cue.end + one.shift, cue.text)
            for beside in self._until(n)
            for cue in beside.cues
        )
        return webvtt.segment(cues, one.line.begins + one.shift, one.ends + one.shift)

    # -- within

    @property
    def _lead(self) -> list[_Beside]:
        if self._kind is not None:
            return self._tracks[self._kind]
        return self._tracks["v"] or self._tracks["a"]

    def _add(self, line: SegmentLine) -> None:
        if self._kind not in (None, line.kind):
            return
        track = self._tracks[line.kind]
        if track and track[-1].line.run == line.run:
            shift = track[-1].shift
        else:
            shift = (line.media or 0.0) - line.begins
        track.append(_Beside(line, shift))

    def _list(self, late: float) -> None:
        """Lists what is followed by ``late`` seconds at least."""
        lead = self._lead
        after = sum(one.line.seconds for one in lead[self.count :])
        for n in range(self.count, len(lead)):
            after -= lead[n].line.seconds
            # What is left of a sum of floats is not exactly 0.
            if after < late - 1e-6:
                return
            if self._kind is None:
                self._kind = lead[n].line.kind
            self._place(lead[n:])
            self._entries.append(_entry(lead[n - 1].line if n else None, lead[n].line, n))

    def _place(self, unlisted: Sequence[_Beside]) -> None:
        """Each caption to the first segment that ends after it begins."""
        said, self._unplaced = self._unplaced, []
        for caption in said:
            one = next((one for one in unlisted if one.ends > caption.begins), None)
            if one is None:
                self._unplaced.append(caption)
                continue
            start = max(caption.begins, one.line.begins)
            lasts = caption.ends - caption.begins
            self._longest_cue = max(self._longest_cue, lasts)
            one.cues.append(webvtt.Cue(str(caption.number), start, start + lasts, caption.text))

    def _until(self, n: int) -> Iterator[_Beside]:
        """The segments of whose captions one may still be shown in segment ``n``."""
        lead, one = self._lead, self._lead[n]
        while n >= 0 and lead[n].line.run == one.line.run:
            if lead[n].ends + self._longest_cue <= one.line.begins:
                return
            yield lead[n]
            n -= 1

    def _head(self, target_seconds: int, ended: bool) -> str:
        head = [
            "#EXTM3U",
            f"#EXT-X-VERSION:{playlist.VERSION}",
            f"#EXT-X-TARGETDURATION:{target_seconds}",
            "#EXT-X-MEDIA-SEQUENCE:0",
            f"#EXT-X-PLAYLIST-TYPE:{'VOD' if ended else 'EVENT'}",
        ]
        first = self._lead[0].line
        if first.run:
            head.append(f"#EXT-X-DISCONTINUITY-SEQUENCE:{first.run}")
        return "\n".join(head) + "\n"


def replayed(journal: bytes) -> LiveSubtitles:
    """The same from the journal of what has ended. Blocking: some 100 ms for six hours."""
    made = LiveSubtitles()
    for line in lines(journal):
        made.take(line)
    made.end()
    return made


def _entry(previous: SegmentLine | None, line: SegmentLine, n: int) -> str:
    breaks = 0 if previous is None else line.run - previous.run
    written = [
        *["#EXT-X-DISCONTINUITY"] * breaks,
        f"#EXT-X-PROGRAM-DATE-TIME:{playlist.date_time(line.begins)}",
        f"#EXTINF:{line.seconds:.5f},",
        segment_name(n),
    ]
    return "\n".join(written) + "\n"
