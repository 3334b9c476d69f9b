"""Packets laid out for all viewers at once: what stands where, and what the kernel can batch."""

from __future__ import annotations

from aiortc.rtp import RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from streamd.media.units import Kind
from streamd.webrtc.rtp_packets import RUN_BYTES, RUN_PACKETS, Form, Packets

FORM = Form(102, 0xDEADBEEF, 16)


def unit(sizes: list[int], kind: Kind = "v") -> Packets:
    cut = tuple(bytes((at % 256,)) * size for at, size in enumerate(sizes))
    return Packets(kind, cut, number=7, timestamp=(1 << 32) + 5, arrival=0.0)


@given(st.lists(st.sampled_from((1, 90, 700, 1_200)), min_size=1, max_size=200))
def test_every_packet_is_whole_and_every_run_can_be_sent_at_once(sizes: list[int]) -> None:
    packets = unit(sizes)
    found: list[RtpPacket] = []
    for run in packets.laid_out(FORM):
        assert len(run.packets) <= RUN_PACKETS
        assert len(run.image) <= RUN_BYTES
        lengths = [length + FORM.tag for _, length in run.packets]
        assert lengths[:-1] == [run.segment] * (len(lengths) - 1)
        assert lengths[-1] <= run.segment
        assert sum(lengths) == len(run.image)
        for offset, length in run.packets:
            found.append(RtpPacket.parse(run.image[offset : offset + length]))
            assert run.image[offset + length : offset + length + FORM.tag] == bytes(FORM.tag)
    assert [packet.payload for packet in found] == list(packets.payloads)
    assert {packet.timestamp for packet in found} == {5}
    assert {packet.ssrc for packet in found} == {0xDEADBEEF}
    assert [packet.marker for packet in found] == [0] * (len(found) - 1) + [1]


def test_equal_packets_are_one_run() -> None:
    assert len(unit([1_190] * 9 + [400]).laid_out(FORM)) == 1
    assert len(unit([60, 1_190, 1_190, 400]).laid_out(FORM)) == 2


def test_a_form_is_laid_out_once() -> None:
    packets = unit([100])
    assert packets.laid_out(FORM) is packets.laid_out(Form(102, 0xDEADBEEF, 16))
    assert packets.laid_out(Form(96, 1, 10)) is not packets.laid_out(FORM)


def test_sound_carries_no_marker() -> None:
    (run,) = unit([100], "a").laid_out(FORM)
    assert RtpPacket.parse(run.image[:112]).marker == 0


def test_another_timestamp_changes_nothing_else() -> None:
    packets = unit([100, 60])
    (run,) = packets.under(FORM, 1_234)
    whole = [run.image[at : at + length] for at, length in run.packets]
    assert whole == [packets.packet(at, FORM, 0, 1_234) for at in range(2)]
    assert RtpPacket.parse(whole[1]).timestamp == 1_234
