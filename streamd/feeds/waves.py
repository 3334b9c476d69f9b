"""Publications on their way to many subscribers, a slice of them at a time.

To write one publication to ten thousand connections takes a tenth of a second. Written in one go,
nothing is read meanwhile: votes wait, and every screen sees them that much later. So a channel with
more than SLICE subscribers is served by a *wave*: SLICE connections at a time, those subscribed
longest first, and between two slices the event loop has TURNS turns to read and answer what has
come. Waves of several channels go one after another: side by side they would all arrive as late as
the last one.

Each slice is given what is newest at its turn. So a publication that comes while a wave of its
channel is under way takes the older one's place for those still to be served, and a second wave
brings it to the others. ``amend`` leaves out that second wave.
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from streamd.feeds.link import Link, deliver
from streamd.feeds.metrics import FeedMetrics
from streamd.feeds.protocol import Encoding
from streamd.feeds.state_channel import StateChannel

SLICE: Final = 128
"""Connections that are written at a time: about one millisecond."""
TURNS: Final = 3
"""Turns of the event loop between two slices. A turn with nothing to do costs some microseconds; a
vote needs several, from its frame to the store and back, and would wait for a slice in each.
"""

log = structlog.get_logger("streamd.feeds")

_Served = list[tuple[Encoding, list[Link]]]


class _Wave:
    """``coming`` are those still to be served, in reverse; ``passed`` those whom the newest
    publication has missed.
    """

    __slots__ = ("coming", "passed")

    def __init__(self, coming: _Served) -> None:
        self.coming = coming
        self.passed: _Served = []

    def renew(self, channel: StateChannel) -> int:
        """There is a newer publication. How many will never be sent the one before it."""
        older = _count(self.coming) + _count(self.passed)
        coming = {link for _, links in self.coming for link in links}
        self.passed = [
            (encoding, [link for link in reversed(links) if link not in coming])
            for encoding, links in channel.links.items()
        ]
        return older

    def slice(self) -> tuple[Encoding, list[Link]]:
        """Takes out the next ones."""
        encoding, links = self.coming[-1]
        taken = links[-SLICE:]
        del links[-SLICE:]
        if not links:
            self.coming.pop()
        taken.reverse()
        return encoding, taken


class Waves:
    """Brings channels' newest publications to their subscribers, on the event loop.

    Bound: one wave a channel. Policy where publications come faster than they can be written:
    conflation, counted in ``metrics.conflated``.
    """

    def __init__(self, metrics: FeedMetrics) -> None:
        self._metrics = metrics
        self._under_way: dict[StateChannel, _Wave] = {}
        self._turn: asyncio.Handle | None = None
        self._pause = 0

    @property
    def idle(self) -> bool:
        """True where every subscriber has been served."""
        return not self._under_way

    def send(self, channel: StateChannel) -> None:
        """The channel's newest publication goes to all its subscribers: at once where they are
        few, else from the next turn of the running event loop on.
        """
        wave = self._under_way.get(channel)
        if wave is not None:
            self._metrics.conflated.inc(wave.renew(channel))
        elif channel.count <= SLICE:
            for encoding, links in channel.links.items():
                _write(channel, encoding, tuple(links), self._metrics)
        else:
            coming = [(encoding, list(reversed(links))) for encoding, links in _each(channel)]
            self._under_way[channel] = _Wave(coming)
            self._go_on()

    def passing(self, channel: StateChannel) -> bool:
        """Whether a wave of the channel is under way: some still get whatever is newest then."""
        return channel in self._under_way

    def _go_on(self) -> None:
        if self._turn is None and self._under_way:
            self._turn = asyncio.get_running_loop().call_soon(self._serve)

    def _serve(self) -> None:
        self._turn = None
        if self._pause:
            self._pause -= 1
            self._go_on()
            return
        channel, wave = next(iter(self._under_way.items()))
        encoding, links = wave.slice()
        if not wave.coming:
            del self._under_way[channel]
            if passed := [one for one in wave.passed if one[1]]:
                # Behind the other channels: one that is published all the time does not hold
                # them up.
                self._under_way[channel] = _Wave(passed)
        self._pause = TURNS - 1 if self._under_way else 0
        self._go_on()
        subscribed = channel.links[encoding]
        try:
            still = [link for link in links if link in subscribed]
            _write(channel, encoding, still, self._metrics)
        except Exception:
            log.exception("a publication was not delivered", channel=channel.name)


def _each(channel: StateChannel) -> list[tuple[Encoding, dict[Link, None]]]:
    return [(encoding, links) for encoding, links in channel.links.items() if links]


def _count(served: _Served) -> int:
    return sum(len(links) for _, links in served)


def _write(
    channel: StateChannel,
    encoding: Encoding,
    links: list[Link] | tuple[Link, ...],
    metrics: FeedMetrics,
) -> None:
    """Hands the newest publication to ``links``."""
    if not links:
        return
    frame = channel.frame(encoding)
    conflated = 0

    def wait(link: Link) -> None:
        nonlocal conflated
        conflated += link.publish(channel.name, frame)

    waited = deliver(links, frame, wait)
    metrics.deliveries.inc(len(links) - waited)
    metrics.delivered_bytes.inc((len(links) - waited) * len(frame))
    metrics.deferred.inc(waited)
    metrics.conflated.inc(conflated)
