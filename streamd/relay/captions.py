"""Live captions: what a captioner types, on the broadcast's own clock.

A caption's times are Unix seconds of the broadcast's clock: the generation's ``started_at`` plus
media time, so that they outlive a generation and every way out finds its own media time.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from streamd.errors import CaptionRefused

KEPT = 300
"""Captions that a stream keeps; the oldest go first. Recordings take each as it comes."""

TEXT_LENGTH = 240
LINES = 3
A_SECOND = 4
"""Captions a second that a stream takes; more is no captioner."""

LATEST_SECONDS = 30.0
"""How far back a caption may begin."""

SHORTEST_SECONDS = 2.0
LONGEST_SECONDS = 8.0
_READING_SECONDS = 0.065
"""Reading time of a character: about 15 a second, what subtitling guides allow for adults."""


@dataclass(frozen=True, slots=True)
class Caption:
    """One caption. ``number`` counts a stream's captions from 1; times in Unix seconds."""

    number: int
    start: float
    end: float
    text: str

    def to_dict(self) -> dict[str, object]:
        """The form on ``captions:{stream}``."""
        return {"id": self.number, "start": self.start, "end": self.end, "text": self.text}


class Captions:
    """One stream's captions, oldest first."""

    def __init__(self, stream_id: str, clock: Callable[[], float] = time.time) -> None:
        self.stream_id = stream_id
        self.language = ""
        """BCP 47 tag of what is typed; empty before the first caption."""
        self.kept: deque[Caption] = deque(maxlen=KEPT)
        self._clock = clock
        self._number = 0
        self._said: deque[float] = deque(maxlen=A_SECOND)
        self._listeners: dict[object, Callable[[Caption], None]] = {}

    def say(self, text: str, language: str, *, at: float | None, edge: float) -> Caption:
        """Adds a caption and tells every listener.

        ``at`` is the Unix time, on the broadcast's clock, of the picture that the captioner saw
        when the line was begun; None: ``edge``, the newest moment that viewers can see. Raises
        CaptionRefused for an empty, too long or too frequent caption.
        """
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        said = "\n".join(lines)
        if not said:
            raise CaptionRefused("A caption needs words.")
        if len(said) > TEXT_LENGTH or len(lines) > LINES:
            raise CaptionRefused(
                f"A caption has at most {TEXT_LENGTH} characters in {LINES} lines. Send it in two."
            )
        now = self._clock()
        if len(self._said) == A_SECOND and now - self._said[0] < 1.0:
            raise CaptionRefused(f"At most {A_SECOND} captions a second. Wait a moment.")
        self._said.append(now)
        start = min(max(edge if at is None else at, edge - LATEST_SECONDS), edge)
        lasts = min(max(SHORTEST_SECONDS, len(said) * _READING_SECONDS), LONGEST_SECONDS)
        self._number += 1
        self.language = language
        caption = Caption(self._number, round(start, 3), round(start + lasts, 3), said)
        self.kept.append(caption)
        for listener in tuple(self._listeners.values()):
            listener(caption)
        return caption

    def listen(self, on_caption: Callable[[Caption], None]) -> Callable[[], None]:
        """Calls ``on_caption`` for each new caption; returns the function that ends it."""
        token = object()
        self._listeners[token] = on_caption

        def unlisten() -> None:
            self._listeners.pop(token, None)

        return unlisten

    def between(self, begins: float, ends: float) -> list[Caption]:
        """What is shown at some moment between two Unix times."""
        return [one for one in self.kept if one.start < ends and one.end > begins]

    def newest(self, count: int) -> list[Caption]:
        """The last ``count``, oldest first."""
        return list(self.kept)[-count:]


class CaptionTracks:
    """Every stream's captions; ``on_caption`` hears of each new one."""

    def __init__(self, on_caption: Callable[[Captions, Caption], None]) -> None:
        self._on_caption = on_caption
        self._tracks: dict[str, Captions] = {}

    def of(self, stream_id: str) -> Captions:
        """The captions of a stream that exists, made at first use."""
        captions = self._tracks.get(stream_id)
        if captions is None:
            captions = self._tracks[stream_id] = Captions(stream_id)
            made = captions
            captions.listen(lambda caption: self._on_caption(made, caption))
        return captions
