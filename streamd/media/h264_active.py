"""Which of several parameter sets a keyframe is decoded with (ITU-T H.264 clause 7.4.1.2.1). Pure.

An encoder that changes its size may number the new sets anew and hand on the old ones beside them,
as Chromium's does; what the picture is, only the sets that its slices name tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from streamd.errors import MalformedMedia
from streamd.media.bits import BitReader
from streamd.media.h264 import IDR, nal_type, unescape

_ENOUGH = 32
"""Bytes of a NAL unit in which the identifiers stand."""

Sets = tuple[tuple[bytes, ...], tuple[bytes, ...]]


def active_sets(sps: Sequence[bytes], pps: Sequence[bytes], nals: Iterable[bytes]) -> Sets:
    """The SPS that the access unit's IDR slices are decoded with, and the PPS that go with it.

    All of them where the slices name none that is there. Raises MalformedMedia.
    """
    everything = tuple(sps), tuple(pps)
    slice_ = next((nal for nal in nals if nal_type(nal) == IDR), b"")
    if len(sps) < 2 or not slice_:
        return everything
    wanted = _pps_of_slice(slice_)
    owners = dict(map(_ids_of_pps, pps))
    active = tuple(one for one in sps if _id_of_sps(one) == owners.get(wanted))[-1:]
    if not active:
        return everything
    return active, tuple(one for one in pps if _ids_of_pps(one)[1] == owners[wanted])


def _reader(nal: bytes, skipped: int) -> BitReader:
    if len(nal) <= skipped:
        raise MalformedMedia("A parameter set or a slice ends in its header.")
    return BitReader(unescape(nal[skipped:_ENOUGH]))


def _pps_of_slice(nal: bytes) -> int:
    """pic_parameter_set_id (clause 7.3.3)."""
    reader = _reader(nal, 1)
    reader.ue()  # first_mb_in_slice
    reader.ue()  # slice_type
    return reader.ue()


def _ids_of_pps(nal: bytes) -> tuple[int, int]:
    """pic_parameter_set_id and seq_parameter_set_id (clause 7.3.2.2)."""
    reader = _reader(nal, 1)
    return reader.ue(), reader.ue()


def _id_of_sps(nal: bytes) -> int:
    """seq_parameter_set_id (clause 7.3.2.1.1): after profile, constraints and level."""
    return _reader(nal, 4).ue()
