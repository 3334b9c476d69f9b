"""One viewer's sequence numbers: every packet that was sent is found under its own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streamd.webrtc.rtp_packets import Packets
from streamd.webrtc.sent_log import STRETCHES, SentLog


def unit(number: int, count: int) -> Packets:
    cut = tuple(b"x" for _ in range(count))
    return Packets("v", cut, number=number, timestamp=number, arrival=0.0)


@given(
    st.integers(0, 32_767),
    st.lists(st.tuples(st.integers(1, 40), st.booleans(), st.booleans()), max_size=120),
)
def test_each_number_leads_back_to_its_packet(
    first: int, units: list[tuple[int, bool, bool]]
) -> None:
    log, number = SentLog(first), 0
    expected: dict[int, tuple[int, int | None]] = {}
    for count, skipped, pressed in units:
        packets = unit(number, count)
        number += count
        if skipped:
            continue
        timestamp = 99 if pressed else None
        sequence = log.sent(packets, timestamp)
        for at in range(count):
            expected[(sequence + at) & 0xFFFF] = (packets.number + at, timestamp)
    for sequence, found in expected.items():
        assert log.find(sequence) == found
    assert log.find((log.next) & 0xFFFF) is None


def test_numbers_wrap() -> None:
    log = SentLog(65_530)
    assert log.sent(unit(0, 10)) == 65_530
    assert log.sent(unit(10, 1)) == 4
    assert log.find(3) == (9, None)
    assert log.find(65_529) is None


def test_only_so_many_stretches_are_remembered() -> None:
    log = SentLog(0)
    for at in range(STRETCHES + 10):
        log.sent(unit(3 * at, 2))
    assert log.find(0) is None
    assert log.find((2 * (STRETCHES + 10) - 1) & 0xFFFF) is not None
