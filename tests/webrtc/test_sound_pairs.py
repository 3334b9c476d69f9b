from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streamd.media.opus import packet_samples
from streamd.webrtc.sound_pairs import PAIR_BYTES, PAIR_SAMPLES, Sound, SoundPairs

FRAME = 960


def test_every_second_packet_takes_the_one_before_along() -> None:
    pairs = SoundPairs()
    assert pairs.push(b"\xfcab", 0, 1.0) == []
    assert pairs.held_since == 1.0
    assert pairs.push(b"\xfccd", FRAME, 1.02) == [Sound(b"\xfdabcd", 0)]
    assert pairs.held_since is None
    assert pairs.push(b"\xfcef", 2 * FRAME, 1.04) == []
    assert pairs.push(b"\xfcg", 3 * FRAME, 1.06) == [Sound(b"\xfe\x02efg", 2 * FRAME)]


def test_a_hole_and_another_mode_send_the_held_one_alone() -> None:
    pairs = SoundPairs()
    pairs.push(b"\xfc1", 0, 0.0)
    assert pairs.push(b"\xfc2", 4 * FRAME, 0.0) == [Sound(b"\xfc1", 0)]
    assert pairs.push(b"\x7c3", 5 * FRAME, 0.5) == [Sound(b"\xfc2", 4 * FRAME)]
    assert pairs.held_since == 0.5
    assert pairs.flush() == [Sound(b"\x7c3", 5 * FRAME)]
    assert pairs.flush() == []


def test_long_packets_and_unreadable_ones_go_as_they_came() -> None:
    pairs = SoundPairs()
    pairs.push(b"\xfc1", 0, 0.0)
    two = b"\xfd11"
    assert pairs.push(two, FRAME, 0.0) == [Sound(b"\xfc1", 0), Sound(two, FRAME)]
    forty = b"\x101"
    assert pairs.push(forty, 3 * FRAME, 0.0) == [Sound(forty, 3 * FRAME)]
    assert pairs.push(b"\xff", 5 * FRAME, 0.0) == [Sound(b"\xff", 5 * FRAME)]


def test_a_pair_fits_into_a_packet() -> None:
    pairs = SoundPairs()
    big = b"\xfc" + bytes(1_000)
    assert pairs.push(big, 0, 0.0) == []
    assert pairs.push(big, FRAME, 0.0) == [Sound(big, 0)]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"\xfc", b"\xfd", b"\xf8", b"\x18", b"\x80", b"\xff"]),
            st.binary(max_size=700),
            st.sampled_from([0, 0, 0, 1, 48, -47, 5_000]),
        ),
        max_size=40,
    )
)
def test_no_sound_is_lost_and_none_overtakes(given_: list[tuple[bytes, bytes, int]]) -> None:
    pairs, pts = SoundPairs(), 0
    sent: list[Sound] = []
    came: list[Sound] = []
    for head, body, late in given_:
        came.append(Sound(head + body, pts + late))
        sent += pairs.push(head + body, pts + late, 0.0)
        pts += FRAME + max(late, 0)
    sent += pairs.flush()
    assert [one.pts for one in sent] == sorted(one.pts for one in sent)
    whole = {(one.payload, one.pts) for one in came}
    alone = [one for one in sent if (one.payload, one.pts) in whole]
    paired = [one for one in sent if (one.payload, one.pts) not in whole]
    assert len(alone) + 2 * len(paired) == len(came)
    for one in paired:
        assert packet_samples(one.payload) <= PAIR_SAMPLES
        assert len(one.payload) <= PAIR_BYTES
