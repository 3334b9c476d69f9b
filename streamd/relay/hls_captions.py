"""The captions' rendition: a WebVTT segment beside each whole segment of the main rendition.

It is listed from the moment a captioner names a language. A caption that comes when its own moment
has been cut already begins with the segment that grows: nothing that was listed ever changes.
Without parts: whoever plays seconds behind live has it in time, and our own player takes captions
from the feed.
"""

from __future__ import annotations

from collections import deque

from streamd.media import webvtt
from streamd.media.playlist import Entry, RenditionReport
from streamd.media.webvtt import Cue
from streamd.relay.hls_rendition import Rendition, Resource
from streamd.relay.hls_state import CaptionsState

NAME = "t.m3u8"
MOST_CUES = 300


class HlsCaptions:
    """Follows one rendition, ``main``, segment by segment."""

    def __init__(self) -> None:
        self.language = ""
        """A BCP 47 tag; empty: there is no such rendition."""
        self.version = 0
        """Rises with every change of what is listed."""
        self._cues: deque[Cue] = deque(maxlen=MOST_CUES)
        self._segments: dict[int, Resource] = {}
        self._begins = 0.0

    def announce(self, language: str) -> None:
        """Captions in this language are to be expected."""
        if self.language != language:
            self.language = language
            self.version += 1

    def put(self, cue: Cue) -> None:
        """A caption, its times in Unix seconds on the broadcast's clock."""
        late = max(0.0, self._begins - cue.start)
        self._cues.append(Cue(cue.id, cue.start + late, cue.end + late, cue.text))

    def close(self, sequence: int, begins: float, seconds: float, origin: float) -> None:
        """The main rendition's segment ``sequence`` is whole; ``origin`` is media time 0."""
        ends = begins + seconds
        media = [Cue(c.id, c.start - origin, c.end - origin, c.text) for c in self._cues]
        text = webvtt.segment(media, begins - origin, ends - origin)
        self._segments[sequence] = Resource(text.encode(), webvtt.CONTENT_TYPE, immutable=True)
        self._begins = ends
        self.version += 1

    def forget(self, main: Rendition) -> None:
        """Lets go of what ``main`` no longer has."""
        oldest = main.oldest
        for sequence in [number for number in self._segments if number < oldest]:
            del self._segments[sequence]

    def report(self, main: Rendition) -> RenditionReport | None:
        """For the other renditions' playlists; None where there are no captions to list."""
        if not self.language or not main.listed:
            return None
        return RenditionReport(NAME, main.listed[-1].segment.sequence, None)

    def entries(self, main: Rendition) -> list[Entry]:
        """What a playlist lists: one segment for each of ``main``'s."""
        return [
            Entry(
                uri=f"{self._stem(main)}-{one.segment.sequence}.vtt",
                duration=one.entry.duration,
                begins=one.entry.begins,
                map_uri="",
                discontinuity=one.entry.discontinuity,
            )
            for one in main.listed
        ]

    def get(self, main: Rendition, name: str) -> Resource | None:
        """What stands behind a segment's name."""
        stem, _, number = name.removesuffix(".vtt").rpartition("-")
        if stem != self._stem(main) or not number.isdecimal():
            return None
        return self._segments.get(int(number))

    @property
    def state(self) -> CaptionsState:
        """For ``restore``."""
        bodies = {number: one.body for number, one in self._segments.items()}
        return CaptionsState(self.language, self.version, list(self._cues), bodies, self._begins)

    def restore(self, state: CaptionsState) -> None:
        """Goes on where the one that ``state`` is of stood."""
        self.language, self.version, self._begins = state.language, state.version, state.begins
        self._cues = deque(state.cues, maxlen=MOST_CUES)
        self._segments = {
            number: Resource(body, webvtt.CONTENT_TYPE, immutable=True)
            for number, body in state.segments.items()
        }

    @staticmethod
    def _stem(main: Rendition) -> str:
        return f"t-{main.publication}"
