"""A keyframe's own parameter sets, where an encoder hands on more than one."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamd.errors import MalformedMedia
from streamd.media import h264
from streamd.media.h264_active import active_sets


def encoded(width: int, height: int, number: int) -> list[bytes]:
    """A keyframe of that size whose parameter sets are numbered ``number``, as NAL units."""
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base = Fraction(1, 30)
    context.options = {"x264-params": f"sps-id={number}:bframes=0", "preset": "ultrafast"}

    def packets() -> Iterator[bytes]:
        frame = av.VideoFrame(width, height, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.pts = 0
        for packet in (*context.encode(frame), *context.encode(None)):
            yield bytes(packet)

    return h264.split_annexb(b"".join(packets()))


def test_the_sets_that_the_slices_name_are_the_active_ones() -> None:
    large, small = encoded(320, 240, 0), encoded(160, 120, 1)
    sps, pps = h264.parameter_sets([*large, *small])
    assert len(sps) == len(pps) == 2
    for nals in (large, small):
        assert active_sets(sps, pps, nals) == h264.parameter_sets(nals)


def test_one_set_is_taken_as_it_is() -> None:
    nals = encoded(160, 120, 3)
    sps, pps = h264.parameter_sets(nals)
    assert active_sets(sps, pps, []) == (sps, pps)
    assert active_sets(sps, pps, nals) == (sps, pps)


def test_slices_that_name_no_set_leave_all_of_them() -> None:
    large, small, other = encoded(320, 240, 0), encoded(160, 120, 1), encoded(160, 120, 5)
    sps, pps = h264.parameter_sets([*large, *small])
    assert active_sets(sps, pps, other) == (sps, pps)


@given(st.binary(max_size=12), st.binary(max_size=12), st.binary(max_size=12))
def test_any_bytes_are_read_or_refused(slice_: bytes, first: bytes, second: bytes) -> None:
    sps, pps = (b"\x67" + first, b"\x67" + second), (b"\x68" + second,)
    try:
        chosen, rest = active_sets(sps, pps, [b"\x65" + slice_])
    except MalformedMedia:
        return
    assert set(chosen) <= set(sps)
    assert set(rest) <= set(pps)


def test_a_cut_off_slice_is_malformed() -> None:
    sps, pps = h264.parameter_sets([*encoded(320, 240, 0), *encoded(160, 120, 1)])
    with pytest.raises(MalformedMedia):
        active_sets(sps, pps, [b"\x65"])
