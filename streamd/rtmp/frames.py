"""A coded frame as RTMP times it."""

from __future__ import annotations

from dataclasses import dataclass

from streamd.media.units import Kind, Track


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame without media time: ``milliseconds`` of decode time, unwrapped.

    ``composition`` (milliseconds) and ``nanoseconds`` are a picture's, ``samples`` a sound's.
    ``track`` is set where the configuration changed with this frame, the first one included.
    """

    kind: Kind
    milliseconds: int
    payload: bytes
    key: bool = True
    composition: int = 0
    nanoseconds: int = 0
    samples: int = 0
    track: Track | None = None
