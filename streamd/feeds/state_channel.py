"""One whole-state channel: its newest publication and who is subscribed. Pure."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from streamd.feeds import protocol
from streamd.feeds.link import Link
from streamd.feeds.protocol import JSON, MSGPACK, Encoding


class StateChannel:
    """One whole-state channel. ``offset`` counts its publications from 1.

    ``published`` is false while the payload is only the provider's first snapshot, which is asked
    for again after the last subscriber has left.
    """

    __slots__ = ("_frames", "epoch", "links", "name", "offset", "payload", "published")

    def __init__(self, name: str) -> None:
        self.name = name
        self.epoch = secrets.token_hex(4)
        self.published = False
        self.links: dict[Encoding, dict[Link, None]] = {JSON: {}, MSGPACK: {}}
        self.offset = 0
        self.payload: Mapping[str, object] | None = None
        self._frames: dict[Encoding, bytes] = {}

    def set(self, payload: Mapping[str, object]) -> None:
        """Makes ``payload`` the newest publication."""
        self.offset += 1
        self.payload = payload
        self._frames.clear()

    def frame(self, encoding: Encoding) -> bytes:
        """The newest publication as one frame, made at the first call for ``encoding``."""
        frame = self._frames.get(encoding)
        if frame is None:
            frame = encoding.frame(protocol.publication(self.name, self.payload, self.offset))
            self._frames[encoding] = frame
        return frame

    @property
    def count(self) -> int:
        """How many connections are subscribed."""
        return sum(map(len, self.links.values()))
