"""The clip that streamd and its peers broadcast is what WebRTC can carry, at the rate asked for."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from loadtests import clip


def test_the_clip_holds_its_rate_and_has_no_b_frames(tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    clip.write(path, kbit=600, fps=30)
    assert path.stat().st_size * 8 / 1000 / clip.SECONDS == pytest.approx(600, rel=0.1)
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        assert "Baseline" in (video.codec_context.profile or "")
        packets = [packet for packet in container.demux(video) if packet.size]
    assert len(packets) == 30 * clip.SECONDS
    assert all(packet.pts == packet.dts for packet in packets)
    keys = [number for number, packet in enumerate(packets) if packet.is_keyframe]
    assert keys == [0, 60, 120, 180, 240]
