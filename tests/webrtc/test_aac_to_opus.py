"""AAC made Opus: frames of 20 ms without a gap, in time with what went in."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import av
import numpy as np
import pytest

from streamd.errors import MalformedMedia
from streamd.media.aac import audio_track
from streamd.media.units import Track, Unit
from streamd.webrtc.aac_to_opus import FRAME_SAMPLES, AacToOpus


def tone(rate: int, layout: str, seconds: float) -> tuple[Track, list[Unit]]:
    """Silence up to half a second, then a tone, as AAC units."""
    encoder: Any = av.CodecContext.create("aac", "w")
    encoder.sample_rate, encoder.layout, encoder.format = rate, layout, "fltp"
    encoder.flags |= av.codec.context.Flags.global_header
    encoder.open()
    units = []
    for start in range(0, int(seconds * rate), 1024):
        frame = av.AudioFrame("fltp", layout, 1024)
        wave = np.array(
            [
                0.5 * math.sin(2 * math.pi * 440 * n / rate) if n >= rate // 2 else 0.0
                for n in range(start, start + 1024)
            ],
            dtype=np.float32,
        ).tobytes()
        for plane in frame.planes:
            plane.update(wave)
        frame.sample_rate, frame.pts = rate, start
        units += [
            Unit("a", packet.pts, packet.pts, True, bytes(packet), 1024)
            for packet in encoder.encode(frame)
            if packet.pts >= 0
        ]
    return audio_track(bytes(encoder.extradata)), units


@pytest.mark.parametrize(
    ("rate", "layout"), [(48_000, "stereo"), (44_100, "mono"), (48_000, "5.1")]
)
def test_sound_stays_in_time(rate: int, layout: str) -> None:
    track, units = tone(rate, layout, 2.0)
    converter = AacToOpus(track)
    made = [one for unit in units for one in converter.convert(unit)]
    assert made[0].dts <= FRAME_SAMPLES
    assert {b.dts - a.dts for a, b in pairwise(made)} == {FRAME_SAMPLES}
    assert made[-1].dts / 48_000 == pytest.approx(units[-1].dts / rate, abs=0.1)
    decoder: Any = av.CodecContext.create("libopus", "r")
    decoder.open()
    began = None
    for unit in made:
        for frame in decoder.decode(av.Packet(unit.payload)):
            loud = np.abs(frame.to_ndarray().astype(np.float64)).max() / (
                32_768 if frame.format.name.startswith("s16") else 1
            )
            if began is None and loud > 0.1:
                began = unit.dts / 48_000
    assert began == pytest.approx(0.5, abs=0.05)


def moved(unit: Unit, by: int) -> Unit:
    return Unit("a", unit.dts + by, unit.pts + by, True, unit.payload)


def test_silence_stands_for_a_lost_unit() -> None:
    track, units = tone(48_000, "stereo", 2.0)
    whole, broken = AacToOpus(track), AacToOpus(track)
    made = [one for unit in units for one in whole.convert(unit)]
    rest = [one for unit in units[:50] + units[51:] for one in broken.convert(unit)]
    assert [one.dts for one in rest] == [one.dts for one in made]


def test_a_step_back_repeats_no_moment() -> None:
    track, units = tone(48_000, "stereo", 2.0)
    converter = AacToOpus(track)
    stepped = units[:50] + [moved(one, -4_800) for one in units[50:]]
    made = [one for unit in stepped for one in converter.convert(unit)]
    assert {b.dts - a.dts for a, b in pairwise(made)} == {FRAME_SAMPLES}


def test_a_gap_stays_a_gap() -> None:
    track, units = tone(48_000, "stereo", 1.0)
    converter = AacToOpus(track)
    for unit in units[:20]:
        converter.convert(unit)
    later = [moved(one, 144_000) for one in units[20:]]
    made = [one for unit in later for one in converter.convert(unit)]
    assert made[0].dts >= later[0].dts
    assert made[0].dts - later[0].dts <= 2 * FRAME_SAMPLES


def test_bytes_that_are_no_aac() -> None:
    track, _ = tone(48_000, "stereo", 0.1)
    with pytest.raises(MalformedMedia):
        AacToOpus(track).convert(Unit("a", 0, 0, True, b"\xff" * 40))
