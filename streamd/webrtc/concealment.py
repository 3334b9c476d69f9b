"""Stand-ins for Opus packets that never came. Pure.

An Opus frame of length 0 tells the decoder that the frame was lost or not sent, and to conceal
it (RFC 6716 §3.1, §3.2.1): a packet of the TOC byte alone, with code 0. With these in the holes
the track stays continuous; a browser would otherwise stop at a hole in its buffer.
"""

from __future__ import annotations

from collections.abc import Iterator

from streamd.media.opus import SAMPLE_RATE, packet_samples

CONCEALED_SECONDS = 1.0
"""A longer hole is left as it is."""


def lost_packets(start: int, end: int, following: bytes) -> Iterator[tuple[int, bytes, int]]:
    """(time, packet, samples) for each whole frame that fits between ``start`` and ``end``.

    Times are in samples at 48 kHz; ``following`` is the packet after the hole, whose mode and
    frame size the stand-ins take.
    """
    if end - start > CONCEALED_SECONDS * SAMPLE_RATE:
        return
    packet = bytes((following[0] & 0xFC,))
    samples = packet_samples(packet)
    while start + samples <= end:
        yield start, packet, samples
        start += samples
