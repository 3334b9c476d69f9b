"""The channels: who is subscribed, what was last published, and the fan-out.

Publications are whole-state: each says all there is to say, so the newest replaces the one before.
A publication is serialised once per encoding that anyone listens in, and the same bytes go to every
connection. The newest one is a new subscriber's snapshot (``data`` in the subscribe reply). Many
subscribers are served a slice at a time: see ``waves``.

A channel's *offset* counts its publications, its *epoch* names the count: after a restart, or when
a channel without subscribers was dropped, offsets start again, and only the epoch tells a client
that its offset 40 and the server's offset 40 are not the same publication.

Channels come with every poll and would stay for ever. Of those that nobody is subscribed to and
whose provider can be asked again, the IDLE_CHANNELS last used are kept; older ones are dropped and
counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from streamd.feeds.codes import AlreadySubscribed, UnknownChannel
from streamd.feeds.link import Link
from streamd.feeds.metrics import FeedMetrics
from streamd.feeds.protocol import SubscribeRequest
from streamd.feeds.state_channel import StateChannel
from streamd.feeds.waves import Waves

IDLE_CHANNELS: Final = 256
"""Channels without subscribers whose newest publication is kept."""

Snapshot = Callable[[str], Awaitable[Mapping[str, object] | None]]
"""Answers for ``prefix:name``: given ``name``, the channel's first snapshot, or None for none yet.

Raises UnknownChannel (or another FeedError) where there is no such channel.
"""


@dataclass(frozen=True, slots=True)
class Opening:
    """A subscribe result, already encoded. ``bounded`` is false for a joiner's replay."""

    result: bytes
    bounded: bool = True


Ended = Callable[[str], None]
"""Called with the channel's name where the provider ends a subscription by itself."""


class Provider(Protocol):
    """What stands behind the channels of one prefix. ``metrics`` is set to the hub's."""

    metrics: FeedMetrics

    async def prepare(self, channel: str) -> None:
        """Finds out whether ``channel`` exists. Raises a FeedError where it does not."""

    def subscribe(
        self, channel: str, request: SubscribeRequest, link: Link, ended: Ended
    ) -> Opening:
        """Adds ``link`` and gives its subscribe result; between the two nothing is published."""

    def unsubscribe(self, channel: str, link: Link) -> None:
        """Removes ``link``; no error where it is not there."""

    def subscribers(self, channel: str) -> int:
        """How many connections are subscribed."""


class StateChannels:
    """The provider behind every whole-state prefix."""

    def __init__(self, metrics: FeedMetrics) -> None:
        self.metrics = metrics
        self._waves = Waves(metrics)
        self._channels: dict[str, StateChannel] = {}
        self._snapshots: dict[str, Snapshot] = {}
        self._idle: dict[str, None] = {}
        self._asked: Counter[str] = Counter()

    def provide(self, prefix: str, snapshot: Snapshot) -> None:
        """Lets ``snapshot`` answer for the channels of ``prefix``."""
        self._snapshots[prefix] = snapshot

    def publish(self, name: str, payload: Mapping[str, object]) -> None:
        """Makes ``payload`` the channel's newest publication and sends it to its subscribers."""
        channel = self._open(name)
        channel.set(payload)
        channel.published = True
        if not channel.count:
            self._keep_idle(channel)
        self.metrics.publications.inc()
        self._waves.send(channel)

    def amend(self, name: str, payload: Mapping[str, object]) -> None:
        """Gives ``payload`` to those who are still to get the channel's newest publication."""
        channel = self._channels.get(name)
        if channel is not None and self._waves.passing(channel):
            channel.set(payload)

    @property
    def idle(self) -> bool:
        """True where nothing published is still on its way."""
        return self._waves.idle

    async def prepare(self, channel: str) -> None:
        """See Provider: asks the prefix's snapshot unless something was published already."""
        known = self._channels.get(channel)
        if known is not None and known.payload is not None and (known.published or known.count):
            return
        _, _, name = channel.partition(":")
        snapshot = self._snapshot(channel)
        if snapshot is None or not name:
            raise UnknownChannel(channel)
        # What is published meanwhile is newer than the answer, and must be here when it comes.
        self._asked[channel] += 1
        try:
            payload = await snapshot(name)
        finally:
            self._asked[channel] -= 1
            if not self._asked[channel]:
                del self._asked[channel]
        if payload is None:
            return
        state = self._open(channel)
        if state.payload is None or not (state.published or state.count):
            state.set(payload)
            if not state.count:
                # Its subscriber may have gone while the provider was asked.
                self._keep_idle(state)

    def subscribe(
        self, channel: str, request: SubscribeRequest, link: Link, ended: Ended
    ) -> Opening:
        """See Provider. ``recovered`` is true only with this epoch and no publication between."""
        state = self._open(channel)
        links = state.links[link.encoding]
        if link in links:
            raise AlreadySubscribed(channel)
        links[link] = None
        self._idle.pop(channel, None)
        result: dict[str, object] = {"epoch": state.epoch, "offset": state.offset}
        if request.recover:
            result["was_recovering"] = True
            if request.epoch == state.epoch and request.offset == state.offset:
                result["recovered"] = True
        if state.payload is not None:
            result["data"] = state.payload
        return Opening(link.encoding.pack(result))

    def unsubscribe(self, channel: str, link: Link) -> None:
        """See Provider."""
        state = self._channels.get(channel)
        if state is not None:
            state.links[link.encoding].pop(link, None)
            if not state.count:
                self._leave(state)

    def subscribers(self, channel: str) -> int:
        """See Provider."""
        state = self._channels.get(channel)
        return 0 if state is None else state.count

    def _open(self, name: str) -> StateChannel:
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = StateChannel(name)
        return channel

    def _snapshot(self, channel: str) -> Snapshot | None:
        return self._snapshots.get(channel.partition(":")[0])

    def _leave(self, channel: StateChannel) -> None:
        """Its last subscriber has gone. A mere snapshot would grow old; its provider is asked."""
        if channel.published:
            self._keep_idle(channel)
        else:
            self._channels.pop(channel.name, None)
            self._idle.pop(channel.name, None)

    def _keep_idle(self, channel: StateChannel) -> None:
        """Keeps a channel without subscribers; the one that was used longest ago makes room."""
        if self._snapshot(channel.name) is None:
            # Nobody could be asked again.
            return
        self._idle.pop(channel.name, None)
        self._idle[channel.name] = None
        if len(self._idle) <= IDLE_CHANNELS:
            return
        spared = {channel.name, *self._asked}
        oldest = next((name for name in self._idle if name not in spared), None)
        if oldest is not None:
            del self._idle[oldest], self._channels[oldest]
            self.metrics.dropped_channels.inc()


class Hub:
    """All channels of one gateway, by the part of their name before the colon.

    A prefix is either whole-state (``provide``) or served by a provider of its own (``serve``).
    """

    def __init__(self, metrics: FeedMetrics | None = None) -> None:
        self.metrics = metrics or FeedMetrics()
        self._state = StateChannels(self.metrics)
        self._providers: dict[str, Provider] = {}

    def provide(self, prefix: str, snapshot: Snapshot | Provider) -> None:
        """Opens the channels ``prefix:…``.

        ``snapshot`` is ``async (name) -> payload | None`` and raises UnknownChannel where there is
        no such channel; or it is a Provider, such as ``media.MediaProvider``.
        """
        if callable(snapshot):
            self._state.provide(prefix, snapshot)
            self._providers[prefix] = self._state
        else:
            snapshot.metrics = self.metrics
            self._providers[prefix] = snapshot

    def publish(self, channel: str, payload: Mapping[str, object]) -> None:
        """Publishes the whole state ``payload`` on ``channel``.

        It is kept as the channel's snapshot, and takes the place of an older publication that a
        slow connection has not been sent yet. ``payload`` must not be changed afterwards.
        """
        self._state.publish(channel, payload)

    def amend(self, channel: str, payload: Mapping[str, object]) -> None:
        """Tells the whole state ``payload`` to those who wait for the newest publication.

        It costs no delivery: where all have been served, nothing happens. Whoever calls publishes
        this state or a newer one later, for those who have been served already.
        """
        self._state.amend(channel, payload)

    @property
    def idle(self) -> bool:
        """True where every publication has been written, or waits in its connection's outbox."""
        return self._state.idle

    def subscribers(self, channel: str) -> int:
        """How many connections are subscribed to ``channel``."""
        return self.provider(channel).subscribers(channel)

    def provider(self, channel: str) -> Provider:
        """The provider behind ``channel``; it alone knows whether there is such a channel."""
        return self._providers.get(channel.partition(":")[0], self._state)
