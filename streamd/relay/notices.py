"""What a stream tells its broadcaster: reasons for trouble, read in the studio and the log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

import structlog

log = structlog.get_logger(__name__)

REFUSED_SECONDS = 3600.0
"""A refusal that nothing was refused by for this long is not told any more. Until then it stays,
though nobody publishes: the broadcaster is still looking for the reason."""
MOST = 24
"""Notices a stream keeps; the oldest goes first."""


class NoticeCode(StrEnum):
    """What can be wrong with a broadcast. The studio's words for each are in web/advice.py."""

    B_FRAMES = "b_frames"
    PROFILE = "profile"
    CHROMA = "chroma"
    NO_KEYFRAME = "no_keyframe"
    RARE_KEYFRAMES = "rare_keyframes"
    TIMESTAMPS_JUMPED = "timestamps_jumped"
    PICTURE_CHANGED = "picture_changed"
    NO_AUDIO = "no_audio"
    NO_VIDEO = "no_video"
    AUDIO_CONVERTED = "audio_converted"
    AUDIO_UNSUPPORTED = "audio_unsupported"
    BROKEN_INPUT = "broken_input"
    REFUSED = "refused"
    LOSS = "loss"
    RECORDING_STOPPED = "recording_stopped"
    DELAY_FULL = "delay_full"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell. ``since`` is Unix time; ``facts`` are plain values, never secrets."""

    code: NoticeCode
    since: float
    facts: dict[str, str | int | float] = field(default_factory=dict)


class Notices:
    """A stream's current notices, one a code, oldest first."""

    def __init__(self, stream_id: str, clock: Callable[[], float] = time.time) -> None:
        self._stream = stream_id
        self._clock = clock
        self._kept: dict[NoticeCode, Notice] = {}
        self._told: set[NoticeCode] = set()
        self._refused_at = 0.0

    def __iter__(self) -> Iterator[Notice]:
        refused = NoticeCode.REFUSED in self._kept
        if refused and self._clock() - self._refused_at >= REFUSED_SECONDS:
            self.drop(NoticeCode.REFUSED)
        return iter(tuple(self._kept.values()))

    def add(self, code: NoticeCode, **facts: str | int | float) -> None:
        """Tells of ``code``. The log has a line when it is new or its facts have changed."""
        self._told.add(code)
        if code is NoticeCode.REFUSED:
            self._refused_at = self._clock()
        known = self._kept.get(code)
        if known is not None and known.facts == facts:
            return
        since = known.since if known is not None else self._clock()
        self._kept[code] = Notice(code, since, facts)
        if len(self._kept) > MOST:
            del self._kept[next(iter(self._kept))]
        log.warning("broadcast notice", stream=self._stream, code=code.value, **facts)

    def drop(self, *codes: NoticeCode) -> None:
        """These are over."""
        for code in codes:
            self._kept.pop(code, None)

    def begin(self) -> None:
        """Somebody begins to publish. What was told before stays until ``settle``, so that a
        broadcaster who is refused again and again can read why all the time.
        """
        self._told.clear()

    def settle(self) -> None:
        """The publication that began is relayed: what was told before it is over."""
        self.drop(*(set(self._kept) - self._told))

    def clear(self) -> None:
        """Forgets them all."""
        self._kept.clear()
