"""Mutated media through the ingest and a whole stream: refused or left out, never a crash."""

from __future__ import annotations

import contextlib
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from streamd import config
from streamd.errors import UnsupportedMedia
from streamd.media.units import Kind
from streamd.relay.stream import Stream
from streamd.rtmp.errors import Refused
from streamd.rtmp.ingest import WAITING_BYTES, Announce, Ingest, Tell
from tests.rtmp.media import encoded_audio, encoded_video, legacy, sound

VIDEO, AUDIO = encoded_video(), encoded_audio()
OPUS_HEAD = b"OpusHead\x01\x02\x38\x01\x80\xbb\0\0\0\0\0"
BODIES: tuple[tuple[Kind, bytes], ...] = (
    ("v", VIDEO.header),
    ("a", AUDIO.header),
    ("v", legacy(VIDEO.pictures[0])),
    ("a", sound(AUDIO.frames[2])),
    ("v", legacy(VIDEO.pictures[1])),
    ("v", b"\x90avc1" + VIDEO.config),
    ("v", b"\x91avc1\0\0\x28" + VIDEO.pictures[0].avcc),
    ("v", b"\xa7\x02\x07\xa1\x20\x03avc1" + VIDEO.pictures[1].avcc),
    ("v", b"\x96\x01avc1\x00\0\0\0" + VIDEO.pictures[0].avcc),
    ("a", b"\x90Opus" + OPUS_HEAD),
    ("a", b"\x91Opus\xfc" + bytes(30)),
    ("a", b"\x2f" + bytes(40)),
)


def mutated(body: bytes, chance: random.Random) -> bytes:
    changed = bytearray(body)
    for _ in range(chance.choice((0, 0, 0, 1, 1, 3))):
        # Most lies are worth telling in the first bytes: headers, lengths, configurations.
        at = chance.randrange(min(len(changed), 60)) if changed else 0
        match chance.randrange(3):
            case 0 if changed:
                changed[at] = chance.randrange(256)
            case 1:
                del changed[at : at + chance.randint(1, 30)]
            case _:
                changed[at:at] = chance.randbytes(chance.randint(1, 8))
    return bytes(changed)


async def test_nothing_else_than_refusals() -> None:
    """Many short broadcasts, each from its own seed."""
    for seed in range(100):
        chance = random.Random(seed)
        stream, ingest = Stream("fuzz", config.Relay()), Ingest()
        publisher = stream.publish("rtmp")
        stamp = 0
        try:
            for _ in range(40):
                kind, body = chance.choice(BODIES)
                stamp += chance.choice((0, 20, 40, 40, 40, -5_000, 3_600_000, 1 << 31))
                events = ingest.take(kind, stamp & 0xFFFFFFFF, mutated(body, chance), stamp / 1000)
                for event in events:
                    if isinstance(event, Announce):
                        publisher.announce(event.tracks)
                    elif not isinstance(event, Tell):
                        publisher.write(event)
                assert ingest._held_bytes <= WAITING_BYTES
        except (Refused, UnsupportedMedia):
            pass
        publisher.close()
        stream.close()


@settings(max_examples=300)
@given(st.lists(st.tuples(st.sampled_from(("v", "a")), st.binary(max_size=80)), max_size=12))
def test_any_bodies(bodies: list[tuple[Kind, bytes]]) -> None:
    ingest = Ingest()
    with contextlib.suppress(Refused):
        for number, (kind, body) in enumerate(bodies):
            ingest.take(kind, number * 40, body, number / 25)
