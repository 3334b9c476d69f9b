"""Frame messages in, a stream's tracks and units out."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamd.errors import MalformedMedia, MediaError
from streamd.media import h264
from streamd.media.frame_messages import parse_message
from streamd.media.units import Kind, Unit
from streamd.relay import frame_ingest
from streamd.relay.frame_ingest import Announce, Event, FrameIngest, ReorderedPictures
from tests.media import frames
from tests.media.test_h264_active import encoded

BOTH: frozenset[Kind] = frozenset({"v", "a"})
SECOND = 1_000_000


def fed(ingest: FrameIngest, messages: Iterable[bytes], now: float = 10.0) -> list[Event]:
    return [event for one in messages for event in ingest.take(parse_message(one), now)]


def units(events: Iterable[Event], kind: Kind) -> list[Unit]:
    return [event for event in events if isinstance(event, Unit) and event.kind == kind]


def announced(events: Iterable[Event]) -> list[tuple[str, ...]]:
    return [
        tuple(track.kind for track in event.tracks)
        for event in events
        if isinstance(event, Announce)
    ]


def test_a_broadcast_comes_out_whole_and_on_media_time() -> None:
    ingest = FrameIngest(BOTH)
    events = fed(ingest, frames.broadcast(start=123 * SECOND))
    track, pictures = frames.clip()
    [announce] = [event for event in events if isinstance(event, Announce)]
    video, audio = announce.tracks
    assert (video.codec, video.width, video.height) == (track.codec, 1280, 720)
    assert (audio.codec, audio.channels) == ("opus", 2)
    assert announce.zero == 10.0
    shown, heard = units(events, "v"), units(events, "a")
    assert len(shown) == len(pictures)
    assert shown[0].key
    assert all(one.dts == one.pts for one in shown)
    assert [one.pts for one in shown] == pytest.approx([p.pts for p in pictures], abs=1)
    assert [one.dts for one in heard] == list(range(0, 960 * len(heard), 960))
    assert {one.duration for one in heard} == {960}
    assert ingest.newest == 123 * SECOND + frames.microseconds(pictures[-1])


def test_parameter_sets_within_pictures_are_taken_out_and_delimiters_too() -> None:
    nals = [b"\x09\xf0", *encoded(160, 120, 0), b"\x0c\xff\x80"]
    stream = b"".join(b"\x00\x00\x00\x01" + nal for nal in nals)
    ingest = FrameIngest(frozenset({"v"}))
    events = fed(ingest, [frames.video_description(b""), frames.picture(stream, 0, key=True)])
    assert announced(events) == [("v",)]
    [unit] = units(events, "v")
    kinds = {h264.nal_type(nal) for nal in h264.split_avcc(unit.payload)}
    assert h264.IDR in kinds
    assert not kinds & {h264.SPS, h264.PPS, h264.AUD, h264.FILLER}


def test_new_parameter_sets_come_with_their_keyframe() -> None:
    large, small = encoded(320, 240, 0), encoded(160, 120, 1)
    sps, pps = h264.parameter_sets(large)
    more_sps, more_pps = h264.parameter_sets([*large, *small])
    ingest = FrameIngest(frozenset({"v"}))
    events = fed(
        ingest,
        [
            frames.video_description(h264.build_avcc(sps, pps)),
            frames.picture(h264.to_avcc(large), 0, key=True),
            frames.picture(h264.to_avcc(large), 40_000, key=True),
            frames.video_description(h264.build_avcc(more_sps, more_pps)),
            frames.picture(h264.to_avcc(small), 80_000, key=True),
        ],
    )
    first, second, third = units(events, "v")
    assert first.track is None
    assert second.track is None
    assert third.track is not None
    assert (third.track.width, third.track.height) == (160, 120)
    assert announced(events) == [("v",)]


def test_sound_that_never_comes_is_waited_for_no_longer_than_a_second() -> None:
    ingest = FrameIngest(BOTH)
    messages = frames.broadcast(sounds=False)
    assert fed(ingest, messages[:20], now=10.0) == []
    assert fed(ingest, messages[20:21], now=10.9) == []
    events = fed(ingest, messages[21:22], now=11.0)
    assert announced(events) == [("v",)]
    assert len(units(events, "v")) == 21
    assert isinstance(events[0], Announce)
    assert events[0].zero == 10.0


def test_sound_that_comes_late_is_announced_at_the_next_keyframe() -> None:
    _, pictures = frames.clip()
    ingest = FrameIngest(BOTH)
    fed(ingest, frames.broadcast(sounds=False), now=10.0)
    fed(ingest, [frames.picture(pictures[1].payload, 2 * SECOND)], now=12.0)
    late = [frames.audio_description(), frames.sound(2_020_000)]
    assert fed(ingest, late, now=12.0) == []
    key = frames.picture(pictures[0].payload, 2_040_000, key=True)
    events = fed(ingest, [key, frames.sound(2_040_000)], now=12.1)
    assert announced(events) == [("v", "a")]
    assert units(events, "v")[0].dts == 2_040_000 * 9 // 100
    assert units(events, "a")[0].dts == 2_040_000 * 48 // 1000


def test_sound_alone_begins_where_no_picture_was_promised_or_after_a_while() -> None:
    head = [frames.audio_description(channels=1), frames.sound(5 * SECOND)]
    assert announced(fed(FrameIngest(frozenset({"a"})), head)) == [("a",)]
    ingest = FrameIngest(BOTH)
    assert fed(ingest, head, now=10.0) == []
    assert ingest.needs_key
    events = fed(ingest, [frames.sound(5 * SECOND + 20_000)], now=15.0)
    assert announced(events) == [("a",)]


def test_pictures_before_a_keyframe_and_sound_before_the_first_picture_are_left_out() -> None:
    track, pictures = frames.clip()
    ingest = FrameIngest(BOTH)
    events = fed(
        ingest,
        [
            frames.video_description(track.config),
            frames.audio_description(),
            frames.picture(pictures[1].payload, 0),
            frames.sound(0),
            frames.sound(20_000),
            frames.picture(pictures[0].payload, 20_000, key=True),
        ],
    )
    assert [unit.key for unit in units(events, "v")] == [True]
    assert [unit.dts for unit in units(events, "a")] == [0]
    assert fed(ingest, [frames.sound(19_000)]) == []


def test_sounds_follow_each_other_without_hairs_between_and_gaps_are_kept() -> None:
    ingest = FrameIngest(frozenset({"a"}))
    stamps = [0, 20_300, 39_900, 60_500, 200_000, 220_100]
    events = fed(ingest, [frames.audio_description(), *map(frames.sound, stamps)])
    assert [unit.dts for unit in units(events, "a")] == [0, 960, 1_920, 2_880, 9_600, 10_560]


def test_b_frames_are_refused_and_a_clock_that_jumps_is_not() -> None:
    track, pictures = frames.clip()
    ingest = FrameIngest(frozenset({"v"}))
    head = [
        frames.video_description(track.config),
        frames.picture(pictures[0].payload, 10 * SECOND, key=True),
    ]
    fed(ingest, head)
    assert units(fed(ingest, [frames.picture(pictures[1].payload, 1 * SECOND)]), "v")
    with pytest.raises(ReorderedPictures):
        fed(ingest, [frames.picture(pictures[1].payload, 1 * SECOND - 40_000)])


@pytest.mark.parametrize(
    "messages",
    [
        [frames.picture(b"\x00\x00\x00\x01\x65", 0)],
        [frames.sound(0)],
        [frames.audio_description(), frames.sound(0, b"\xfb")],
        [frames.video_description(b""), frames.picture(b"\x00\x00\x01\x65\x88", 0)],
        [
            frames.video_description(frames.clip()[0].config),
            frames.picture(b"\x00\x00\xff\xff\x65", 0),
        ],
    ],
)
def test_what_cannot_be_understood_is_malformed(messages: list[bytes]) -> None:
    with pytest.raises(MalformedMedia):
        fed(FrameIngest(BOTH), messages)


def test_pictures_that_come_for_long_without_a_keyframe_are_something_to_tell() -> None:
    track, pictures = frames.clip()
    ingest = FrameIngest(BOTH)
    head = [frames.video_description(track.config), frames.audio_description()]
    fed(ingest, head, now=0.0)
    for second in range(12):
        sent = [frames.picture(pictures[1].payload, second * SECOND), frames.sound(second * SECOND)]
        fed(ingest, sent, now=float(second))
        assert ingest.keyless(second) == (second >= 10), "sound alone began meanwhile"
    fed(ingest, [frames.picture(pictures[0].payload, 12 * SECOND, key=True)], now=12.0)
    assert not ingest.keyless(99.0)
    fed(ingest, [frames.picture(pictures[1].payload, 13 * SECOND)], now=13.0)
    assert not ingest.keyless(99.0)


def test_what_waits_is_bounded() -> None:
    track, pictures = frames.clip()
    ingest = FrameIngest(BOTH)
    key = frames.picture(pictures[0].payload, 0, key=True)
    fed(ingest, [frames.video_description(track.config), key], now=0.0)
    most = frame_ingest.WAITING_UNITS
    events = fed(
        ingest, [frames.picture(pictures[1].payload, 10 * n) for n in range(1, most + 1)], now=0.5
    )
    assert events == []
    assert ingest.needs_key
    fed(ingest, [frames.audio_description()])
    again = [frames.picture(pictures[0].payload, SECOND, key=True), frames.sound(SECOND)]
    assert announced(fed(ingest, again, now=0.9)) == [("v", "a")]


@given(
    st.lists(
        st.tuples(
            st.sampled_from("vaVA"), st.integers(-10 * SECOND, 60 * SECOND), st.integers(0, 49)
        ),
        max_size=60,
    )
)
def test_any_order_of_frames_is_taken_or_refused(
    given_frames: list[tuple[str, int, int]],
) -> None:
    track, pictures = frames.clip()
    ingest = FrameIngest(BOTH)
    descriptions = {"V": frames.video_description(track.config), "A": frames.audio_description()}
    events: list[Event] = []
    for now, (kind, timestamp, place) in enumerate(given_frames):
        message = descriptions.get(kind)
        if kind == "v":
            message = frames.picture(pictures[place].payload, timestamp, key=pictures[place].key)
        elif kind == "a":
            message = frames.sound(timestamp)
        assert message is not None
        try:
            events += ingest.take(parse_message(message), now / 10)
        except MediaError:
            return
    known: set[str] = set()
    for event in events:
        if isinstance(event, Announce):
            known = {track.kind for track in event.tracks}
        else:
            assert event.kind in known
    for before, event in itertools.pairwise(events):
        if isinstance(before, Announce):
            assert isinstance(event, Unit)
