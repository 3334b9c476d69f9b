from __future__ import annotations

import av
import pytest

from streamd.media.opus import SAMPLE_RATE, build_dops
from streamd.webrtc.concealment import CONCEALED_SECONDS, lost_packets
from tests.webrtc.rtp_source import coded_sounds


@pytest.mark.parametrize(("hole", "packets"), [(0, 0), (959, 0), (960, 1), (961, 1), (4_800, 5)])
def test_whole_frames_fill_the_hole(hole: int, packets: int) -> None:
    made = list(lost_packets(1_000, 1_000 + hole, coded_sounds()[0]))
    assert [(at, size) for at, _, size in made] == [
        (1_000 + 960 * index, 960) for index in range(packets)
    ]


def test_a_long_hole_is_left() -> None:
    hole = int(CONCEALED_SECONDS * SAMPLE_RATE)
    assert len(list(lost_packets(0, hole, coded_sounds()[0]))) == 50
    assert not list(lost_packets(0, hole + 1, coded_sounds()[0]))


def test_a_decoder_conceals_them() -> None:
    sounds = coded_sounds()
    (_, stand_in, _) = next(iter(lost_packets(0, 960, sounds[20])))
    codec = av.CodecContext.create("libopus", "r")
    assert isinstance(codec, av.AudioCodecContext)
    codec.sample_rate = SAMPLE_RATE
    codec.extradata = b"OpusHead" + b"\x01" + build_dops(2)[1:]
    samples = 0
    for packet in (*sounds[:20], stand_in, stand_in, *sounds[22:40]):
        samples += sum(frame.samples for frame in codec.decode(av.Packet(packet)))
    assert samples == 40 * 960
