"""The wire form of ``media:`` (see media.py), and a part as one frame for many connections."""

from __future__ import annotations

from collections.abc import Mapping

from streamd.feeds import protocol
from streamd.feeds.outbox import LATE_TICKS
from streamd.feeds.protocol import MSGPACK
from streamd.feeds.sound import Still
from streamd.media.parts import Init, Part
from streamd.media.units import Kind


class PartFrame:
    """One part as a publication frame; see outbox.MediaFrame.

    ``tracks`` are the inits in force with it and ``newest`` the newest still: what a connection
    that skipped may have missed. ``patience`` is how late, in 90,000ths of a second, a connection
    may be before it skips.
    """

    __slots__ = ("_channel", "_newest", "_part", "_still", "_tracks", "frame", "patience", "size")

    def __init__(
        self,
        channel: str,
        part: Part,
        tracks: Mapping[Kind, Init],
        still: Still | None = None,
        newest: Still | None = None,
        patience: int = LATE_TICKS,
    ) -> None:
        self._channel = channel
        self._part = part
        self._tracks = tracks
        self._still = still
        self._newest = newest
        self.patience = patience
        self.frame = self._build(part_payload(part, part.init, still))
        self.size = len(self.frame)

    @property
    def t(self) -> int:
        """Media time of the first unit in 90,000ths of a second."""
        return self._part.t

    @property
    def key(self) -> bool:
        """True where a decoder can start here."""
        return self._part.key

    @property
    def configures(self) -> bool:
        """True where the part carries what later parts rely on: an init, or the newest still."""
        return self._part.init is not None or self._still is not None

    def resumed(self, skipped: int, missed: bool) -> bytes:
        """The frame for a connection that goes on here after ``skipped`` parts were passed over.

        ``missed`` is true where one of them configured something: then every init is in it.
        """
        init = self._tracks if missed else self._part.init
        still = (self._still or self._newest) if missed else self._still
        payload = part_payload(self._part, init, still)
        if skipped:
            payload["skipped"] = skipped
        return self._build(payload)

    def _build(self, payload: dict[str, object]) -> bytes:
        return MSGPACK.frame(protocol.publication(self._channel, payload))


def part_payload(
    part: Part, init: Mapping[Kind, Init] | None, still: Still | None = None
) -> dict[str, object]:
    """The wire form ``P`` of a part that carries ``init``."""
    payload: dict[str, object] = {"n": part.n, "t": part.t, "key": part.key}
    if part.v is not None:
        payload["v"] = part.v
    if part.a is not None:
        payload["a"] = part.a
    if init:
        payload["init"] = tracks_payload(init)
    if still is not None:
        payload["still"] = still_payload(still)
    return payload


def tracks_payload(tracks: Mapping[Kind, Init]) -> dict[str, object]:
    """``{v|a: {codec, init}}``."""
    return {kind: {"codec": track.codec, "init": track.init} for kind, track in tracks.items()}


def still_payload(still: Still) -> dict[str, object]:
    """``{t, codec, init, v}``."""
    return {"t": still.t, "codec": still.init.codec, "init": still.init.init, "v": still.v}
