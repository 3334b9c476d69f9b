"""A video source's SPS and PPS as they come and change (ITU-T H.264 §7.4.1.2.1). Pure.

Senders change them when their resolution ramps up. A decoder started on the old ones fails for
good, so the keyframe that brings new ones carries a new Track.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

from streamd.errors import MalformedMedia, MalformedOffer
from streamd.media.h264 import AUD, FILLER, PPS, SPS, nal_type, video_track
from streamd.media.h264 import parameter_sets as sets_of
from streamd.media.units import Track

SPS_KEPT = 4
PPS_KEPT = 16
ANNOUNCED = 8


def announced_sets(encoded: str) -> tuple[bytes, ...]:
    """The NAL units of an SDP's ``sprop-parameter-sets`` (RFC 6184 §8.1). Raises MalformedOffer."""
    try:
        sets = [base64.b64decode(part, validate=True) for part in encoded.split(",")]
    except (binascii.Error, ValueError) as error:
        raise MalformedOffer("“sprop-parameter-sets” is not base64.") from error
    return tuple(nal for nal in sets if nal)[:ANNOUNCED]


class ParameterSets:
    """The parameter sets in force, and the Track they make."""

    def __init__(self, announced: Iterable[bytes] = ()) -> None:
        self._sps: tuple[bytes, ...] = ()
        self._pps: tuple[bytes, ...] = ()
        self.track: Track | None = None
        """The track as of the last keyframe; None until both kinds of set are known."""
        self.learn(announced)

    def learn(self, nals: Iterable[bytes]) -> None:
        """Takes the parameter sets among these NAL units; an SPS begins a new collection."""
        sps, pps = sets_of(nals)
        if sps:
            self._sps, self._pps = tuple(dict.fromkeys(sps))[:SPS_KEPT], ()
        if pps:
            self._pps = tuple(dict.fromkeys((*self._pps, *pps)))[-PPS_KEPT:]

    def settle(self) -> Track | None:
        """Called at a keyframe: the new Track where the sets changed, else None.

        Raises MalformedMedia where the sets are missing or unreadable.
        """
        if not self._sps or not self._pps:
            raise MalformedMedia("A keyframe came without the parameter sets that decode it.")
        track = video_track(self._sps, self._pps)
        if track == self.track:
            return None
        self.track = track
        return track


def picture_only(nals: Iterable[bytes]) -> list[bytes]:
    """A keyframe's NAL units as MP4 wants them: parameter sets stand in the avcC record instead
    (ISO/IEC 14496-15 §5.4.2.1.1), delimiters and filler say nothing.
    """
    return [nal for nal in nals if nal_type(nal) not in (SPS, PPS, AUD, FILLER)]
