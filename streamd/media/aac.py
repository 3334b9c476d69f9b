"""AAC: the AudioSpecificConfig and ADTS framing (ISO/IEC 14496-3 clauses 1.6.2 and 1.A.2)."""

from __future__ import annotations

from dataclasses import dataclass

from streamd.errors import MalformedMedia
from streamd.media.bits import BitReader
from streamd.media.units import Track

SAMPLE_RATES = (
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000,
    22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
)  # fmt: skip
"""samplingFrequencyIndex 0–12 (table 1.18), in hertz."""

CHANNELS = (0, 1, 2, 3, 4, 5, 6, 8)
"""channelConfiguration 0–7 (table 1.19); 0: told by a program config element."""

_SBR, _PS, _ESCAPE = 5, 29, 31
_WITH_GA_CONFIG = frozenset({1, 2, 3, 4, 6, 7, 17, 19, 20, 21, 22, 23})


@dataclass(frozen=True, slots=True)
class AudioConfig:
    """What streamd reads from an AudioSpecificConfig.

    ``object_type`` is the audio object type as signalled first (2 for AAC-LC, 5 for HE-AAC).
    ``sample_rate`` is the core's, in hertz. ``frame_samples`` is one access unit's length at that
    rate.
    """

    object_type: int
    sample_rate: int
    channels: int
    frame_samples: int = 1024


@dataclass(frozen=True, slots=True)
class AdtsFrame:
    """One ADTS frame: the raw access unit and the AudioSpecificConfig its header implies."""

    payload: bytes
    config: bytes


def parse_config(config: bytes) -> AudioConfig:
    """Reads an AudioSpecificConfig. Raises MalformedMedia."""
    reader = BitReader(config)
    object_type = first = _object_type(reader)
    rate = _sample_rate(reader)
    channel_configuration = reader.bits(4)
    if first in (_SBR, _PS):
        _sample_rate(reader)  # the extension's rate; timestamps count the core's
        object_type = _object_type(reader)
    if channel_configuration >= len(CHANNELS):
        raise MalformedMedia(f"AAC channel configuration {channel_configuration} is reserved.")
    samples = 1024
    if object_type in _WITH_GA_CONFIG and reader.flag():  # frameLengthFlag
        samples = 960
    return AudioConfig(first, rate, CHANNELS[channel_configuration], samples)


def audio_track(config: bytes, channels: int = 0) -> Track:
    """An AAC track; ``channels`` is used where the configuration leaves the number open.

    Raises MalformedMedia.
    """
    parsed = parse_config(config)
    return Track(
        kind="a",
        codec=f"mp4a.40.{parsed.object_type}",
        timescale=parsed.sample_rate,
        config=config,
        sample_rate=parsed.sample_rate,
        channels=parsed.channels or channels or 2,
    )


def split_adts(data: bytes) -> list[AdtsFrame]:
    """The frames of an ADTS stream (clause 1.A.2.2). Raises MalformedMedia."""
    frames = []
    position = 0
    while position < len(data):
        header = data[position : position + 7]
        if len(header) < 7 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
            raise MalformedMedia("This is not an ADTS frame.")
        length = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
        start = position + (7 if header[1] & 1 else 9)  # protection_absent: no CRC
        end = position + length
        if end > len(data) or end < start:
            raise MalformedMedia("An ADTS frame's length does not fit its bytes.")
        if header[6] & 3:
            raise MalformedMedia("An ADTS frame holds several access units.")
        frames.append(AdtsFrame(data[start:end], _config_of(header)))
        position = end
    return frames


def _config_of(header: bytes) -> bytes:
    """AudioSpecificConfig from an ADTS header: object type, frequency index, channels."""
    object_type = (header[2] >> 6) + 1
    rate_index = header[2] >> 2 & 0xF
    if rate_index >= len(SAMPLE_RATES):
        raise MalformedMedia(f"ADTS sampling frequency index {rate_index} is reserved.")
    channels = (header[2] & 1) << 2 | header[3] >> 6
    return (object_type << 11 | rate_index << 7 | channels << 3).to_bytes(2, "big")


def _object_type(reader: BitReader) -> int:
    object_type = reader.bits(5)
    return 32 + reader.bits(6) if object_type == _ESCAPE else object_type


def _sample_rate(reader: BitReader) -> int:
    index = reader.bits(4)
    if index == 0xF:
        rate = reader.bits(24)
        if rate:
            return rate
    elif index < len(SAMPLE_RATES):
        return SAMPLE_RATES[index]
    raise MalformedMedia("The AAC sampling frequency is reserved or 0.")
