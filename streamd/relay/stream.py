"""One broadcast: at most one publisher in, everybody else out.

    Publisher ──units──► Intake ──events──► (Delay) ──► Outlet ──► Window, subscribers, state

``Intake`` is the publisher's side, ``Outlet`` the viewers'. Between them lies the broadcast delay,
where the event has one; without it events pass at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from streamd import config
from streamd.errors import IllegalMove
from streamd.relay import health
from streamd.relay.cues import SOONEST_SECONDS, Cues, CueTime
from streamd.relay.delay import Delay, DelayQueue, Event
from streamd.relay.health import LinkHealth
from streamd.relay.intake import Intake
from streamd.relay.lifecycle import StreamState
from streamd.relay.loudness import Level
from streamd.relay.notices import NoticeCode, Notices
from streamd.relay.outlet import Outlet
from streamd.relay.publisher import Publisher
from streamd.relay.silence import END_SECONDS, STALL_SECONDS
from streamd.relay.subscriber import Subscriber
from streamd.relay.window import Window

__all__ = ["END_SECONDS", "STALL_SECONDS", "Publisher", "Stream"]


class Stream:
    """A broadcast's state, its window, and its subscribers.

    ``notices`` are for its broadcaster; whoever refuses or repairs something adds to them.
    """

    def __init__(
        self,
        stream_id: str,
        settings: config.Relay,
        on_change: Callable[[Stream], None] = lambda _: None,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        delay_seconds: float = 0.0,
    ) -> None:
        self.id = stream_id
        self.delay_seconds = delay_seconds
        self.notices = Notices(stream_id)
        self.window = Window(stream_id, settings, self.request_keyframe, self._lose_aac)
        self._monotonic = monotonic
        self._outlet = Outlet(
            stream_id,
            self.window,
            settings.subscriber_units,
            lambda: on_change(self),
            self.request_keyframe,
        )
        self._delay: Delay | None = None
        emit: Callable[[Event], None] = self._outlet.take
        if delay_seconds > 0:
            self._delay = Delay(
                DelayQueue(delay_seconds, settings.delay_bytes),
                self._outlet.take,
                monotonic,
                on_full=lambda: self._intake.overflowed(),
                on_fault=lambda: self._intake.dismiss(),
            )
            emit = self._delay.put
        self._intake = Intake(stream_id, self.notices, emit, monotonic)
        self._closed = False

    # -- what everybody sees, behind the delay

    @property
    def state(self) -> StreamState:
        """Where the stream stands for its viewers."""
        return self._outlet.state

    @property
    def gen(self) -> int:
        """Counts generations: it rises with the first unit after each ``announce``."""
        return self._outlet.gen

    @property
    def started_at(self) -> float | None:
        """The Unix time of the current generation's media time 0, None before the first."""
        return self._outlet.started_at

    @property
    def cues(self) -> Cues:
        """What happens to polls at which picture."""
        return self.window.cues

    # -- in

    def cue_time(self, at: float | None = None) -> CueTime | None:
        """When a cue is that is given now: past the newest media that came in, so that with a
        broadcast delay it stands where the publisher is, and viewers meet it there.

        ``at``: the seconds of media time wished for, if they are later. None unless media comes.
        """
        edge = self._intake.edge
        if edge is None:
            return None
        wished = edge if at is None else self._intake.origin + at
        lag = max(0.0, time.time() - edge) + self.delay_seconds
        return CueTime(max(edge + SOONEST_SECONDS, wished), lag)

    def publish(
        self,
        source: str,
        request_keyframe: Callable[[], None] | None = None,
        on_ended: Callable[[], None] = lambda: None,
        link: Callable[[], LinkHealth | None] = lambda: None,
    ) -> Publisher:
        """Takes the stream's only publisher place. Raises AlreadyPublishing.

        ``source`` names the way in ("whip", "file", "testcard"). ``request_keyframe`` is called
        when the relay wants a keyframe soon. ``on_ended`` is called when the relay itself ends the
        publication: after long silence, when another takes over, or at shutdown; not after the
        publisher's own ``close`` or ``lose``. ``link`` is asked for the state of its line.
        """
        if self._closed:
            raise IllegalMove(self.id, "closed", "be published to")
        return self._intake.publish(source, request_keyframe, on_ended, link)

    @property
    def source(self) -> str | None:
        """The way in that is used now, None without a publisher."""
        publisher = self._intake.publisher
        return publisher.source if publisher is not None else None

    def take_over(self, reason: str) -> None:
        """Dismisses the current publisher, who is told, so that another can take the place.

        The stream waits as after ``Publisher.lose``. Without a publisher it does nothing.
        """
        self._intake.take_over(reason)

    def end_lost(self) -> None:
        """Ends a broadcast whose publisher is lost, so that viewers do not wait for it.

        Raises AlreadyPublishing while media comes. Where nothing is on air it does nothing.
        """
        self._intake.end_lost()

    def request_keyframe(self) -> None:
        """Somebody needs a keyframe soon: the publisher is asked, at most once a second."""
        self._intake.keyframes.want()

    def _lose_aac(self, reason: str) -> None:
        self.notices.add(NoticeCode.AUDIO_UNSUPPORTED, codec="opus", reason=reason)

    def check_silence(self) -> None:
        """See Intake.check_silence; the stream calls it itself once a second."""
        self._intake.check_silence()

    # -- out

    def subscribe(self, name: str) -> Subscriber:
        """A bounded queue of the units to come, across publications, until it is closed.

        The first unit is a keyframe. ``name`` says in logs and counters who reads.
        """
        return self._outlet.subscribe(name)

    async def measure_sound(self) -> Level | None:
        """Decodes the newest second of sound, off the loop; ``health`` then tells its level."""
        return await self._intake.loudness.measure(self._monotonic())

    def health(self) -> health.Health:
        """A snapshot for the studio, of the publisher's side of the delay."""
        intake, now = self._intake, self._monotonic()
        publisher = intake.publisher
        waiting = self._delay.queue.dropped if self._delay is not None else 0
        standing = health.Standing(
            state=intake.state,
            source=self.source,
            ends_in=intake.ends_in,
            live_since=intake.live_since,
            tracks=intake.tracks,
            b_frames=intake.reordered,
            level=intake.loudness.last(now),
            link=publisher.link() if publisher is not None else None,
            dropped=intake.dropped + waiting + self._outlet.dropped,
            delay_seconds=self.delay_seconds,
            notices=tuple(self.notices),
        )
        return health.snapshot(standing, intake.meter, now)

    def close(self) -> None:
        """Ends the publication and every subscriber's iteration; nobody can publish any more.

        What waits in the delay is not shown any more.
        """
        self._closed = True
        self._intake.dismiss()
        self._intake.end()
        if self._delay is not None:
            self._delay.clear()
        self._outlet.close()
