"""One stream's way out by RTP: each unit is cut into packets once, then goes to every viewer.

It reads the stream as long as streamd runs, viewers or not, so that the first viewer finds the
last keyframe here. What it keeps is bounded (history.py); packets are laid out when somebody
watches.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from functools import partial

import structlog

from streamd.errors import MalformedMedia
from streamd.media.opus import PACKET_BYTES
from streamd.media.units import Kind, Track, Unit
from streamd.relay.lifecycle import StreamState
from streamd.relay.stream import Stream
from streamd.webrtc.audience import Audience
from streamd.webrtc.converted_sound import ConvertedSound
from streamd.webrtc.history import History
from streamd.webrtc.media_clock import MediaClock
from streamd.webrtc.picture_packets import PicturePackets
from streamd.webrtc.replay import STEP_SECONDS
from streamd.webrtc.sound_packets import SoundPackets, Sounds, is_carried
from streamd.webrtc.sound_pairs import HOLD_SECONDS
from streamd.webrtc.viewer import Counters, Viewer
from streamd.webrtc.whep_answer import Source
from streamd.webrtc.whep_errors import BFrames, NotCarried, SoundMissing

log = structlog.get_logger(__name__)

REPORT_SECONDS = 1.0


class RtpEgress:
    """A stream's viewers by WebRTC, and the packets they are sent.

    It subscribes when it is made, so that the unit which made the stream live is not missed;
    ``run`` must follow, and lets go of the subscription.

    ``flush`` is called when viewers were given something: it sends what is on their tray.

    ``on_tracks`` of each viewer is called when the tracks changed, in the stream's own order:
    before the units that the change is about.
    """

    def __init__(self, stream: Stream, flush: Callable[[], None] = lambda: None) -> None:
        self.stream = stream
        self.clock = MediaClock({"v": secrets.randbits(32), "a": secrets.randbits(32)})
        self.sources: dict[Kind, Source] = {
            "v": Source(_ssrc(), _ssrc()),
            "a": Source(_ssrc(), _ssrc()),
        }
        self.pictures = PicturePackets(self.clock)
        self.sound = SoundPackets(self.clock)
        self._converted = ConvertedSound(self._on_converted, self._on_unconverted)
        # 96 random bits (RFC 7022 §4.2).
        self.cname = secrets.token_urlsafe(12)
        self.tracks: dict[Kind, Track] = {}
        self._subscriber = stream.subscribe("whep")
        self._viewers = Audience()
        self._flush = flush
        self._last_dts: dict[Kind, int] = {}
        self._stepping: asyncio.TimerHandle | None = None
        self._reporting: asyncio.TimerHandle | None = None
        self._holding: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._viewers)

    # -- what viewers are told

    @property
    def on_air(self) -> bool:
        """Whether there is something to watch, or soon will be again."""
        return self.stream.state in (StreamState.LIVE, StreamState.STALLED) and bool(self.tracks)

    @property
    def profile(self) -> str | None:
        """The pictures' profile-level-id, 6 hexadecimal digits; None without video."""
        track = self.tracks.get("v")
        return track.codec.partition(".")[2].lower() if track is not None else None

    def refusal(self, *, sound: bool) -> NotCarried | None:
        """Why WebRTC cannot carry this broadcast, to one who wants its sound or does not."""
        if self.pictures.reordered:
            return BFrames()
        track = self.tracks.get("a")
        if sound and track is not None and not is_carried(track):
            return SoundMissing(track.codec if track.codec != "opus" else "Opus in surround")
        return None

    def histories(self, *, pairs: bool) -> dict[Kind, History]:
        """What a viewer is sent from, whose sound comes in pairs or does not."""
        return {"v": self.pictures.history, "a": self.sound.histories[pairs]}

    @property
    def converts(self) -> bool:
        """Whether the publisher's AAC is being made Opus, which somebody must watch for."""
        return self._converted.runs

    def total(self) -> Counters:
        """What all viewers were sent, those who left included."""
        return self._viewers.total()

    def viewers(self) -> tuple[Viewer, ...]:
        """Those who watch now."""
        return tuple(self._viewers)

    # -- viewers come and go

    def join(self, viewer: Viewer, on_tracks: Callable[[], None]) -> None:
        """The viewer is sent what comes from now on, and a keyframe first."""
        self._viewers.add(viewer, on_tracks)
        if self._reporting is None:
            self._report_later()
        viewer.report(self.clock, time.time(), self.cname)
        self.refresh(viewer)

    def refresh(self, viewer: Viewer) -> None:
        """The viewer needs a keyframe."""
        viewer.begin(_now())
        self._flush()
        if viewer.behind and self._stepping is None:
            self._step_later()

    def leave(self, viewer: Viewer) -> None:
        """The viewer is sent nothing more. May be called twice."""
        self._viewers.remove(viewer)
        if not self._viewers:
            self._cancel()
            self._converted.rest()
            # Half a pair that waits here would be the next viewer's first sound, however old.
            self.sound.clear()

    # -- the stream's units

    async def run(self) -> None:
        """Reads the stream until it is closed. Cancelled, it loses what comes after."""
        try:
            async for unit in self._subscriber:
                try:
                    self.push(unit, _now())
                except MalformedMedia as error:
                    log.debug("a unit could not be packetised", error=str(error))
        finally:
            self._subscriber.close()
            self._cancel()
            self._converted.forget()

    def push(self, unit: Unit, now: float) -> None:
        """The stream's next unit. Raises MalformedMedia where its payload breaks its format."""
        again = unit.dts < self._last_dts.get(unit.kind, 0)
        if again or (unit.track is not None and self.stream.gen != self.clock.gen):
            self._begin()
        self._last_dts[unit.kind] = unit.dts
        if unit.track is not None:
            self._follow(unit.track)
        if unit.kind == "a":
            if self._converted.is_made:
                self._converted.push(unit, watched=bool(self._viewers))
            else:
                self._push_sound(unit, now)
            return
        reordered = self.pictures.reordered
        packets = self.pictures.push(unit, now)
        if self.pictures.reordered and not reordered:
            self._viewers.tell()
        if packets is not None:
            self._give({True: (packets,), False: (packets,)}, now)

    def _give(self, packets: Sounds, now: float) -> None:
        for viewer in self._viewers.give(packets, now):
            # Its own session sees the end of its transport; the others go on.
            self.leave(viewer)
        self._flush()

    def forget(self) -> None:
        """The broadcast has ended: what is remembered of it is of no use."""
        self.pictures.history.clear()
        self.sound.clear()
        self._converted.forget()
        self.tracks = {}

    def _begin(self) -> None:
        self.clock.begin(self.stream.gen, self.stream.started_at or time.time())
        self.tracks = {}
        self._last_dts.clear()
        self.pictures.begin()
        self.sound.clear()
        self._converted.forget()
        for viewer in self._viewers:
            viewer.restart()

    def _follow(self, track: Track) -> None:
        self.tracks[track.kind] = self._converted.follow(track) if track.kind == "a" else track
        if track.kind == "v":
            self.pictures.follow(track)
        self._viewers.tell()

    def _push_sound(self, unit: Unit, now: float) -> None:
        track = self.tracks.get("a")
        if track is None or not is_carried(track) or not 0 < len(unit.payload) <= PACKET_BYTES:
            return
        self._give(self.sound.push(unit, now), now)
        if self._holding is not None:
            self._holding.cancel()
            self._holding = None
        if self.sound.holds:
            loop = asyncio.get_running_loop()
            self._holding = loop.call_later(HOLD_SECONDS, self._let_go)

    def _on_converted(self, units: list[Unit]) -> None:
        for unit in units:
            self._push_sound(unit, _now())

    def _on_unconverted(self, track: Track) -> None:
        self.tracks["a"] = track
        self._viewers.tell()

    # -- time passes

    def _let_go(self) -> None:
        self._holding = None
        self._give(self.sound.flush(_now()), _now())

    def _step_later(self) -> None:
        self._stepping = asyncio.get_running_loop().call_later(STEP_SECONDS, self._step)

    def _step(self) -> None:
        self._stepping = None
        behind = False
        for viewer in self._viewers:
            if viewer.behind:
                self._guarded(viewer, viewer.step)
                behind = behind or viewer.behind
        self._flush()
        if behind:
            self._step_later()

    def _report_later(self) -> None:
        self._reporting = asyncio.get_running_loop().call_later(REPORT_SECONDS, self._report)

    def _report(self) -> None:
        wall = time.time()
        for viewer in self._viewers:
            self._guarded(viewer, partial(viewer.report, self.clock, wall, self.cname))
        self._report_later()

    def _guarded(self, viewer: Viewer, act: Callable[[], None]) -> None:
        try:
            act()
        except ConnectionError:
            asyncio.get_running_loop().call_soon(self.leave, viewer)

    def _cancel(self) -> None:
        for timer in (self._stepping, self._reporting, self._holding):
            if timer is not None:
                timer.cancel()
        self._stepping = self._reporting = self._holding = None


def _ssrc() -> int:
    return secrets.randbelow((1 << 32) - 1) + 1


def _now() -> float:
    return asyncio.get_running_loop().time()
