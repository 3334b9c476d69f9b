from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np

from streamd.media import aac, opus
from streamd.media.units import Track, Unit
from streamd.webrtc.converted_sound import ConvertedSound
from tests.relay.recording import BIG_BUCK_BUNNY
from tests.webrtc.whip_server import until


def sound_of(path: Path) -> tuple[Track, list[Unit]]:
    """A clip's AAC as it is."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        track = aac.audio_track(bytes(stream.codec_context.extradata or b""))
        packets = [bytes(packet) for packet in container.demux(stream) if packet.size]
    units = [Unit("a", n * 1024, n * 1024, True, one, 1024) for n, one in enumerate(packets)]
    return track, units


def loudest(track: Track, units: list[Unit]) -> float:
    """The loudest sample, decoded."""
    decoder: Any = av.CodecContext.create("libopus", "r")
    decoder.extradata = opus.head_from_dops(track.config, pre_skip=0)
    frames = [frame for unit in units for frame in decoder.decode(av.Packet(unit.payload))]
    return max(float(np.abs(frame.to_ndarray()).max()) for frame in frames)


async def test_a_real_clips_sound_in_5_1_is_made_stereo_opus() -> None:
    source, units = sound_of(BIG_BUCK_BUNNY)
    made: list[Unit] = []
    failed: list[Track] = []
    sound = ConvertedSound(made.extend, failed.append)
    track = sound.follow(source)
    assert (source.channels, track.codec, track.channels) == (6, "opus", 2)
    for unit in units[:20]:
        sound.push(unit, watched=False)
    assert not sound.runs
    for unit in units[20:]:
        sound.push(unit, watched=True)
    assert sound.runs
    start = units[20].dts * opus.SAMPLE_RATE // source.timescale
    whole = (len(units) - 20) * 1024 * opus.SAMPLE_RATE // source.timescale // 960
    await until(lambda: len(made) > whole - 5)
    assert abs(made[0].dts - start) <= opus.SAMPLE_RATE // 25
    assert loudest(track, made) > 0.01
    sound.forget()
    assert not sound.runs
    assert not failed


async def test_opus_is_let_alone() -> None:
    sound = ConvertedSound(lambda _: None, lambda _: None)
    track = opus.opus_track()
    assert sound.follow(track) is track
    assert not sound.is_made
