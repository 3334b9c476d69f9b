"""All streams of this process, by id."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from streamd import config
from streamd.errors import UnknownStream
from streamd.relay.stream import Stream


class Streams:
    """The set of streams. ``on_change`` hears of every new state and generation of each.

    ``delay_seconds`` is the event's broadcast delay: one for all, so that no candidate is seen
    sooner than another.
    """

    def __init__(
        self,
        settings: config.Relay,
        on_change: Callable[[Stream], None] = lambda _: None,
        *,
        delay_seconds: float = 0.0,
    ) -> None:
        self._settings = settings
        self._on_change = on_change
        self._delay_seconds = delay_seconds
        self._streams: dict[str, Stream] = {}

    def add(self, stream_id: str) -> Stream:
        """The stream of that id, made where it is new."""
        stream = self._streams.get(stream_id)
        if stream is None:
            stream = self._streams[stream_id] = Stream(
                stream_id, self._settings, self._on_change, delay_seconds=self._delay_seconds
            )
        return stream

    def get(self, stream_id: str) -> Stream:
        """Raises UnknownStream."""
        try:
            return self._streams[stream_id]
        except KeyError:
            raise UnknownStream(stream_id) from None

    def __iter__(self) -> Iterator[Stream]:
        return iter(tuple(self._streams.values()))

    def __len__(self) -> int:
        return len(self._streams)

    async def close(self) -> None:
        """Ends every publication and every subscriber's iteration."""
        for stream in self:
            stream.close()
        for stream in self:
            await stream.window.settled()
