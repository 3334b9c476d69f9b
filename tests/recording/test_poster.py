"""The poster is the first keyframe that shows something."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from streamd.media import fmp4, h264
from streamd.media.units import Track, Unit
from streamd.recording.journal import Header, Journal, MapLine
from streamd.recording.poster import WIDEST, poster
from streamd.recording.storage import Folder
from tests.recording.segments import line


def encoded(levels: list[int], width: int = 320, height: int = 180) -> tuple[Track, list[Unit]]:
    """A keyframe a luma level; 0 stands for a picture that is half black, half white."""
    encoder: Any = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base = Fraction(1, 25)
    encoder.flags |= av.codec.context.Flags.global_header
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "g": "1", "qp": "10"}
    encoder.open()
    units = []
    for number, level in enumerate(levels):
        frame = av.VideoFrame(width, height, "yuv420p")
        for place, plane in enumerate(frame.planes):
            stride = plane.line_size
            half = stride // 2
            plain = bytes([level if place == 0 else 128]) * stride
            halves = bytes([16]) * half + bytes([235]) * (stride - half)
            plane.update((halves if level == 0 and place == 0 else plain) * plane.height)
        frame.pts = number
        frame.time_base = Fraction(1, 25)
        for packet in encoder.encode(frame):
            payload = h264.to_avcc(h264.split_annexb(bytes(packet)))
            units.append(Unit("v", number * 3600, number * 3600, True, payload))
    sets = h264.parameter_sets(h264.split_annexb(bytes(encoder.extradata)))
    return h264.video_track(*sets), units


def recorded(root: Path, levels: list[int], width: int = 320, height: int = 180) -> Journal:
    """A recording with one picture a segment."""
    storage, journal = Folder(root), Journal()
    track, units = encoded(levels, width, height)
    storage.write("r/v-0.mp4", fmp4.init_segment(track))
    journal.add(Header("r", "mina"))
    journal.add(MapLine("v", 0, track.codec, width, height))
    for n, unit in enumerate(units):
        storage.write(f"r/v-{n}.m4s", fmp4.segment(track, n + 1, [unit], [3600]))
        journal.add(line("v", n))
    return journal


def luma(picture: bytes) -> tuple[int, int, float]:
    with av.open(io.BytesIO(picture), format="jpeg_pipe") as opened:
        frame: Any = next(opened.decode(video=0))  # type: ignore[union-attr]
    gray = frame.reformat(format="gray")
    raw = bytes(gray.planes[0])
    return frame.width, frame.height, sum(raw) / len(raw)


def test_black_and_plain_pictures_are_passed_over(tmp_path: Path) -> None:
    journal = recorded(tmp_path, [16, 17, 200, 0, 90])
    picture = poster(Folder(tmp_path), journal)
    assert picture is not None
    assert picture.startswith(b"\xff\xd8\xff")
    width, height, mean = luma(picture)
    assert (width, height) == (320, 180)
    assert 90 < mean < 160


def test_where_all_are_black_the_first_is_taken(tmp_path: Path) -> None:
    picture = poster(Folder(tmp_path), recorded(tmp_path, [16, 16]))
    assert picture is not None
    assert luma(picture)[2] < 30


def test_wide_ones_are_made_smaller(tmp_path: Path) -> None:
    picture = poster(Folder(tmp_path), recorded(tmp_path, [0], 1920, 1080))
    assert picture is not None
    assert luma(picture)[:2] == (WIDEST, WIDEST * 1080 // 1920)


def test_broken_and_missing_segments_are_passed_over(tmp_path: Path) -> None:
    journal = recorded(tmp_path, [0, 0, 0])
    (tmp_path / "r" / "v-0.m4s").write_bytes(b"\x00" * 500)
    (tmp_path / "r" / "v-1.m4s").unlink()
    assert poster(Folder(tmp_path), journal) is not None
    (tmp_path / "r" / "v-2.m4s").write_bytes(b"garbage")
    assert poster(Folder(tmp_path), journal) is None
