from __future__ import annotations

import array
import math
import struct
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Any

import av
import pytest

from streamd.media import fmp4, opus
from streamd.media.units import Track, Unit
from streamd.relay.opus_to_aac import FRAME_SAMPLES, LONGEST_SILENCE, RATE, OpusToAac
from tests.relay.recording import samples

CLICK_EVERY = RATE // 2
LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}


@cache
def spoken(channels: int, seconds: int = 3) -> tuple[Track, tuple[Unit, ...]]:
    """Short tones, one each half second, as Opus units whose times are those of the sound."""
    encoder: Any = av.CodecContext.create("libopus", "w")
    encoder.sample_rate = RATE
    encoder.layout = LAYOUTS[channels]
    encoder.format = "flt"
    encoder.time_base = Fraction(1, RATE)
    if channels > 2:
        encoder.options = {"mapping_family": "1"}
    encoder.open()
    packets = []
    for start in range(0, seconds * RATE, 960):
        frame = av.AudioFrame("flt", LAYOUTS[channels], 960, align=1)
        wave = array.array("f")
        for sample in range(start, start + 960):
            loud = sample % CLICK_EVERY < 2_400
            value = 0.5 * math.sin(sample * math.tau * 1_000 / RATE) if loud else 0.0
            wave.extend([value] * channels)
        frame.planes[0].update(wave.tobytes())
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        packets += encoder.encode(frame)
    head = bytes(encoder.extradata)
    units = tuple(
        Unit("a", packet.pts, packet.pts, True, bytes(packet), 960)
        for packet in packets
        if packet.pts >= 0
    )
    return opus.opus_track(channels, opus.dops_from_head(head)), units


def converted(track: Track, units: Iterator[Unit] | tuple[Unit, ...]) -> tuple[Track, list[Unit]]:
    converter = OpusToAac(track)
    out = [made for unit in units for made in converter.convert(unit)]
    return converter.track, out + converter.finish()


def file(track: Track, units: list[Unit]) -> bytes:
    durations = [FRAME_SAMPLES] * len(units)
    return fmp4.init_segment(track) + fmp4.fragment(track, 1, units, durations)


def is_steady(units: list[Unit]) -> bool:
    """From the first sound that has a time of 0 or more, without a hole."""
    assert 0 <= units[0].dts < 960
    return all(b.dts - a.dts == FRAME_SAMPLES for a, b in pairwise(units))


def onsets(track: Track, units: list[Unit]) -> list[int]:
    """Samples at which it gets loud after silence, by the stamps of the frames."""
    decoder: Any = av.CodecContext.create("aac", "r")
    decoder.extradata = track.config
    found, quiet = [], RATE
    for unit in units:
        for frame in decoder.decode(av.Packet(unit.payload)):
            plane = struct.unpack(f"<{frame.samples}f", bytes(frame.planes[0])[: frame.samples * 4])
            for number, value in enumerate(plane):
                if abs(value) > 0.1:
                    if quiet > RATE // 10:
                        found.append(unit.dts + number)
                    quiet = 0
                else:
                    quiet += 1
    return found


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_sound_stays_at_its_moment(channels: int) -> None:
    track, out = converted(*spoken(channels))
    assert track.codec == "mp4a.40.2"
    assert (track.channels, track.sample_rate, track.timescale) == (channels, RATE, RATE)
    assert is_steady(out)
    assert out[-1].dts + FRAME_SAMPLES >= spoken(channels)[1][-1].dts + 960
    heard = onsets(track, out)
    # The very first tone begins with the stream, where the encoder's priming has been cut.
    expected = [n * CLICK_EVERY for n in range(1, 6)]
    assert heard[-5:] == pytest.approx(expected, abs=RATE // 100)


def test_a_later_start_keeps_its_times() -> None:
    track, units = spoken(2)
    late = tuple(replace(unit, dts=unit.dts + 7_777, pts=unit.pts + 7_777) for unit in units)
    _, out = converted(track, late)
    assert out[0].dts == late[0].dts


def test_the_same_units_make_the_same_bytes() -> None:
    assert converted(*spoken(2)) == converted(*spoken(2))


def test_a_player_reads_it() -> None:
    track, out = converted(*spoken(2))
    read = samples(file(track, out), "audio")
    assert len(read) == len(out)


@pytest.mark.parametrize("lost", [1, 10, 45])
def test_a_hole_becomes_silence_and_shifts_nothing(lost: int) -> None:
    track, units = spoken(2)
    holed = units[:20] + units[20 + lost :]
    aac, out = converted(track, holed)
    assert is_steady(out)
    assert onsets(aac, out)[-2:] == pytest.approx([4 * CLICK_EVERY, 5 * CLICK_EVERY], abs=480)


def test_a_long_hole_stays_one() -> None:
    track, units = spoken(2)
    jump = LONGEST_SILENCE + RATE
    later = tuple(replace(u, dts=u.dts + jump, pts=u.pts + jump) for u in units[50:])
    aac, out = converted(track, units[:50] + later)
    gaps = [b.dts - a.dts for a, b in pairwise(out) if b.dts - a.dts > 1024]
    assert len(gaps) == 1
    assert gaps[0] > LONGEST_SILENCE
    assert onsets(aac, out)[-1] == pytest.approx(jump + 5 * CLICK_EVERY, abs=480)


def test_what_cannot_be_decoded_is_counted_and_silent() -> None:
    track, units = spoken(2)
    broken = [replace(u, payload=b"" if n == 30 else u.payload) for n, u in enumerate(units)]
    broken[40] = replace(broken[40], payload=b"\xff\xff\xff")
    converter = OpusToAac(track)
    out = [made for unit in broken for made in converter.convert(unit)] + converter.finish()
    assert converter.lost == 2
    assert is_steady(out)


def test_what_comes_twice_is_left_out() -> None:
    track, units = spoken(2)
    converter = OpusToAac(track)
    doubled = [one for unit in units for one in (unit, unit)]
    out = [made for unit in doubled for made in converter.convert(unit)] + converter.finish()
    assert converter.lost == len(units)
    assert is_steady(out)
