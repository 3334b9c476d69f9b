"""What a packager hands to the feeds: initialisation segments, parts, and a joiner's replay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from streamd.media.units import Kind


@dataclass(frozen=True, slots=True)
class Init:
    """A track's RFC 6381 codec string and its fMP4 initialisation segment (ftyp + moov)."""

    codec: str
    init: bytes


@dataclass(frozen=True, slots=True)
class Part:
    """One publication on ``media:{id}``.

    ``n`` counts parts within a generation from 0. ``t`` is the media time of the part's first
    unit in 90,000ths of a second. ``key`` is true where a decoder can start with this part.
    ``v`` and ``a`` are moof + mdat for that track, absent where the part holds no unit of it.
    ``init`` is set where a track's configuration changed with this part.
    """

    n: int
    t: int
    key: bool
    v: bytes | None = None
    a: bytes | None = None
    init: Mapping[Kind, Init] | None = None

    def with_events(self, boxes: bytes) -> Part:
        """The part with emsg boxes before its first moof (ISO/IEC 23009-1 clause 5.10.3)."""
        if self.v is None:
            return replace(self, a=boxes + (self.a or b""))
        return replace(self, v=boxes + self.v)

    @property
    def size(self) -> int:
        """Bytes of media in this part."""
        return len(self.v or b"") + len(self.a or b"")


@dataclass(frozen=True, slots=True)
class Join:
    """All a joiner needs: the generation, each track's init, and the parts since the last key."""

    gen: int
    tracks: Mapping[Kind, Init]
    parts: tuple[Part, ...]
