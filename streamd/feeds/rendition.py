"""What one kind of subscriber is sent: pictures, with sound or without, or the data saver.

A rendition exists while somebody is subscribed to it. Its frames are made once, for all of them;
its replay once for all who join between two parts.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from streamd.feeds import protocol
from streamd.feeds.codes import Unsubscribe
from streamd.feeds.hub import Ended
from streamd.feeds.link import Link, deliver
from streamd.feeds.metrics import FeedMetrics
from streamd.feeds.outbox import ReplyOverflow
from streamd.feeds.part_frame import PartFrame, part_payload, still_payload, tracks_payload
from streamd.feeds.protocol import MSGPACK
from streamd.feeds.sound import GROUP_MS, Sound, SoundPart, Still, still_of
from streamd.media.parts import Init, Join, Part
from streamd.media.units import MEDIA_TIMESCALE, Kind
from streamd.relay.cues import Cues
from streamd.relay.window import Window, without_audio

Audio = Literal["opus", "aac"]

SOUND_PATIENCE: Final = 4 * MEDIA_TIMESCALE
"""How late a data saver may be before it skips: sound is small, and gaps in speech are heard."""

RECENT_PARTS: Final = 3
"""Sound a data saver's joiner is given at once, in parts: what its player keeps ahead."""

FLUSH_SECONDS: Final = GROUP_MS / 1000 * 2
"""Sound that nothing follows, at a pause or the end, is sent after this."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A subscriber's ``data``: which sound, and whether it wants the pictures or stills alone."""

    audio: Audio | None = None
    video: bool = True


class Rendition(ABC):
    """Its links, and the listening at the window that feeds them. ``on_left``: nobody is here."""

    def __init__(
        self,
        channel: str,
        window: Window,
        metrics: FeedMetrics,
        on_left: Callable[[], None],
        join: Join,
    ) -> None:
        """``join`` is the first subscriber's; the window is listened to for that join's sound."""
        self.links: dict[Link, Ended] = {}
        self._channel = channel
        self._metrics = metrics
        self._on_left = on_left
        self._unlisten = window.listen(self._on_part, self._on_reset, audio=codec_of(join))

    @abstractmethod
    def opening(self, join: Join) -> bytes:
        """A subscribe result, encoded, whose replay ends where the next publication begins."""

    @abstractmethod
    def _on_part(self, part: Part) -> None:
        """The window's next part, for ``links``."""

    def leave(self, link: Link) -> None:
        """Removes ``link``; with the last one the rendition is over."""
        if self.links.pop(link, None) is not None and not self.links:
            self.close()

    def close(self) -> None:
        """Listens no more."""
        self._unlisten()
        self._on_left()

    def _send(self, made: PartFrame) -> None:
        links = self.links
        skipped = 0

        def wait(link: Link) -> None:
            nonlocal skipped
            skipped += link.part(self._channel, made)

        waited = deliver(tuple(links), made.frame, wait)
        metrics = self._metrics
        metrics.deliveries.inc(len(links) - waited)
        metrics.delivered_bytes.inc((len(links) - waited) * made.size)
        metrics.deferred.inc(waited)
        metrics.skipped.inc(skipped)

    def _on_reset(self) -> None:
        push = MSGPACK.frame(
            protocol.unsubscribed(self._channel, Unsubscribe.INSUFFICIENT_STATE, "new generation")
        )
        for link, ended in tuple(self.links.items()):
            self.leave(link)
            link.forget(self._channel)
            ended(self._channel)
            try:
                link.reply(push)
            except ReplyOverflow:
                # Its own next command ends it with 3008; here it must not stop the others.
                continue


class Pictures(Rendition):
    """Every part as it comes, or without its sound where ``join`` has none."""

    def __init__(
        self,
        channel: str,
        window: Window,
        metrics: FeedMetrics,
        on_left: Callable[[], None],
        join: Join,
    ) -> None:
        super().__init__(channel, window, metrics, on_left, join)
        self._tracks: Mapping[Kind, Init] = join.tracks
        self._hears = "a" in join.tracks or "v" not in join.tracks
        self._part_ms = window.part_ms
        self._cues = window.cues
        self._replay: tuple[tuple[int, int], bytes] | None = None

    def opening(self, join: Join) -> bytes:
        """See Rendition."""
        newest = join.parts[-1].n if join.parts else -1
        stamp = newest, self._cues.version
        if self._replay is not None and newest >= 0 and self._replay[0] == stamp:
            return self._replay[1]
        parts = [part_payload(part, part.init) for part in join.parts]
        payload = opening_payload(join, join.tracks, parts, self._part_ms, self._cues)
        result = MSGPACK.pack({"data": payload})
        self._replay = (stamp, result)
        return result

    def _on_part(self, part: Part) -> None:
        given = part if self._hears else without_audio(part)
        if given is None:
            return
        if given.init is not None:
            self._tracks = {**self._tracks, **given.init}
        self._replay = None
        self._send(PartFrame(self._channel, given, self._tracks))


class Saver(Rendition):
    """Sound and one still each ten seconds."""

    def __init__(
        self,
        channel: str,
        window: Window,
        metrics: FeedMetrics,
        on_left: Callable[[], None],
        join: Join,
    ) -> None:
        super().__init__(channel, window, metrics, on_left, join)
        self._sound = Sound(dict(join.tracks))
        self._newest = self._still(join)
        if self._newest is not None:
            self._sound.still_shown(self._newest.t)
        heard = [made for part in join.parts for made in self._sound.push(part)]
        heard += self._sound.flush()
        self._cues = window.cues
        self._recent = deque((made.part for made in heard if made.part.a), RECENT_PARTS)
        self._flush: asyncio.TimerHandle | None = None
        self._replay: tuple[tuple[int, int, int], bytes] | None = None

    def opening(self, join: Join) -> bytes:
        """See Rendition. The still is the newest keyframe there is."""
        heard = self._recent[-1].n if self._recent else -1
        newest = join.parts[0].n if join.parts else -1, heard, self._cues.version
        if self._replay is not None and self._replay[0] == newest:
            return self._replay[1]
        parts = [part_payload(part, None) for part in self._recent]
        payload = opening_payload(join, self._sound.inits, parts, GROUP_MS, self._cues)
        if (still := self._still(join)) is not None:
            payload["still"] = still_payload(still)
        result = MSGPACK.pack({"data": payload})
        self._replay = (newest, result)
        return result

    def close(self) -> None:
        """Listens no more."""
        if self._flush is not None:
            self._flush.cancel()
        super().close()

    def _still(self, join: Join) -> Still | None:
        video = self._sound.video
        return still_of(join.parts[0], video) if join.parts and video is not None else None

    def _on_part(self, part: Part) -> None:
        for made in self._sound.push(part):
            self._give(made)
        if part.init is not None:
            # What came before is decoded with another configuration than a joiner is given.
            self._recent.clear()
            self._replay = None
        if self._sound.waiting and self._flush is None:
            loop = asyncio.get_running_loop()
            self._flush = loop.call_later(FLUSH_SECONDS, self._flush_late)

    def _flush_late(self) -> None:
        self._flush = None
        for made in self._sound.flush():
            self._give(made)

    def _give(self, made: SoundPart) -> None:
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        part = made.part
        if part.a is not None:
            self._recent.append(part)
        self._newest = made.still or self._newest
        frame = PartFrame(
            self._channel, part, self._sound.inits, made.still, self._newest, SOUND_PATIENCE
        )
        self._send(frame)


def codec_of(join: Join) -> Audio | None:
    """Which sound ``join`` really has: a wish that a stream cannot meet is met with what it has."""
    if "a" not in join.tracks:
        return None
    return "opus" if join.tracks["a"].codec == "opus" else "aac"


def opening_payload(
    join: Join,
    tracks: Mapping[Kind, Init],
    parts: list[dict[str, object]],
    part_ms: int,
    cues: Cues,
) -> dict[str, object]:
    """The ``data`` of a subscribe result."""
    return {
        "v": 1,
        "gen": join.gen,
        "started_at": cues.origin,
        "timescale": MEDIA_TIMESCALE,
        "part_ms": part_ms,
        "tracks": tracks_payload(tracks),
        "parts": parts,
        "cues": cues.rows(),
    }
