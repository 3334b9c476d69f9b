from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from functools import partial
from operator import itemgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st

import streamd.webrtc.ingest
from streamd.media.h264 import split_avcc
from streamd.media.units import Kind, Unit
from streamd.webrtc.ingest import (
    AUDIO_WAIT_SECONDS,
    VIDEO_WAIT_SECONDS,
    Announce,
    Event,
    Ingest,
)
from streamd.webrtc.parameter_sets import picture_only
from tests.webrtc.rtp_source import RtpPart, coded_pictures, coded_sounds, packetized

Moment = tuple[float, Callable[[], list[Event]]]


def pictures(
    ingest: Ingest, *, start: float = 0.0, count: int = 60, skip: int = 0
) -> Iterator[Moment]:
    """Real pictures, 30 a second, from ``start`` on: when, and what to do then."""
    packets = packetized(coded_pictures(), sequence=65_500, timestamp=2**32 - 9_000)

    def arrive(picture: list[RtpPart], now: float) -> list[Event]:
        came: list[Event] = []
        for part in picture:
            came += ingest.video(part.sequence, part.timestamp, part.marker, part.payload, now)
        return came

    for index in range(skip, count):
        now = start + (index - skip) / 30
        yield now, partial(arrive, packets[index], now)


def sounds(ingest: Ingest, *, start: float = 0.0, count: int = 100) -> Iterator[Moment]:
    """Real sounds, 50 a second: when, and what to do then."""
    for index, payload in enumerate(coded_sounds()[:count]):
        now = start + index / 50
        sequence, timestamp = (65_530 + index) & 0xFFFF, (2**32 - 4_000 + index * 960) & 0xFFFFFFFF
        yield now, partial(ingest.audio, sequence, timestamp, payload, now)


def merged(*sources: Iterator[Moment]) -> list[Event]:
    """Plays the sources in the order of their times."""
    moments = sorted((moment for source in sources for moment in source), key=itemgetter(0))
    return [event for _, arrive in moments for event in arrive()]


def units(events: list[Event], kind: Kind) -> list[Unit]:
    return [event for event in events if isinstance(event, Unit) and event.kind == kind]


def announced(events: list[Event]) -> list[tuple[str, ...]]:
    return [
        tuple(track.kind for track in event.tracks)
        for event in events
        if isinstance(event, Announce)
    ]


def test_both_tracks_start_together_with_a_keyframe() -> None:
    ingest = Ingest(sound=True)
    # The sound begins first: what is older than the first keyframe is left.
    events = merged(sounds(ingest), pictures(ingest, start=0.31))
    assert isinstance(events[0], Announce)
    assert announced(events) == [("v", "a")]
    video, audio = units(events, "v"), units(events, "a")
    assert [unit.dts for unit in video] == [index * 3_000 for index in range(60)]
    assert [unit.key for unit in video] == [index % 20 == 0 for index in range(60)]
    assert [split_avcc(unit.payload) for unit in video] == [
        picture_only(nals) for nals in coded_pictures()
    ]
    assert 0 <= audio[0].dts < 960
    assert {unit.duration for unit in audio} == {960}
    assert {b.dts - a.dts for a, b in itertools.pairwise(audio)} == {960}
    assert all(unit.track is None for unit in (*video, *audio))
    assert events[0].zero < 0.32


def test_sounds_from_before_the_first_keyframe_are_left_even_when_they_come_after_it() -> None:
    ingest = Ingest(sound=True)
    events: list[Event] = []
    for index, payload in enumerate(coded_sounds()[:40]):
        if index == 10:
            events += merged(pictures(ingest, start=0.2, count=1))
        # From the tenth on, sounds are 100 ms late.
        now = index / 50 + (0.1 if index >= 10 else 0.0)
        events += ingest.audio(index, index * 960, payload, now)
    audio = units(events, "a")
    assert 0 <= audio[0].dts < 960
    assert {b.dts - a.dts for a, b in itertools.pairwise(audio)} == {960}


def test_without_sound_the_pictures_wait_a_second_at_most() -> None:
    ingest = Ingest(sound=True)
    seen = [(now, arrive()) for now, arrive in pictures(ingest)]
    began = next(now for now, events in seen if events)
    assert began == pytest.approx(AUDIO_WAIT_SECONDS, abs=1 / 30)
    first = next(unit for _, events in seen for unit in units(events, "v"))
    assert first.key
    silent = Ingest(sound=False)
    assert announced(merged(pictures(silent, count=1))) == [("v",)]


def test_sound_that_comes_later_joins_at_the_next_keyframe() -> None:
    ingest = Ingest(sound=True)
    early = merged(pictures(ingest, count=1))
    early += ingest.tick(AUDIO_WAIT_SECONDS + 0.01)
    assert announced(early) == [("v",)]
    later = merged(pictures(ingest, start=1.5, skip=1), sounds(ingest, start=1.6))
    assert announced(later) == [("v", "a")]
    place = later.index(next(event for event in later if isinstance(event, Announce)))
    following = later[place + 1]
    assert isinstance(following, Unit)
    assert following.key
    assert following.kind == "v"
    assert not units(later[:place], "a")
    assert units(later[place:], "a")[0].dts > 48_000


def test_sound_alone_starts_after_a_while_and_the_picture_joins() -> None:
    ingest = Ingest(sound=True)
    first = merged(sounds(ingest, count=10))
    first += ingest.tick(VIDEO_WAIT_SECONDS + 0.01)
    assert announced(first) == [("a",)]
    assert len(units(first, "a")) == 10
    later = merged(pictures(ingest, start=6.0, count=5))
    assert announced(later) == [("v", "a")]
    assert units(later, "v")[0].dts > 5 * 90_000


def test_new_parameter_sets_come_with_their_keyframe() -> None:
    ingest = Ingest(sound=False)
    both = [*coded_pictures()[:20], *coded_pictures(20, 640, 360)]
    events: list[Event] = []
    for index, picture in enumerate(packetized(both)):
        for part in picture:
            events += ingest.video(
                part.sequence, part.timestamp, part.marker, part.payload, index / 30
            )
    changed = [unit for unit in units(events, "v") if unit.track is not None]
    assert len(changed) == 1
    assert changed[0].key
    assert changed[0].dts == 20 * 3_000
    assert changed[0].track is not None
    assert changed[0].track.width == 640


def test_lost_sounds_are_concealed_and_late_ones_dropped() -> None:
    ingest = Ingest(sound=True)
    merged(pictures(ingest, count=1))
    packets = list(enumerate(coded_sounds()[:50]))
    del packets[10:14]
    packets.insert(30, packets[25])
    events: list[Event] = []
    for index, payload in packets:
        events += ingest.audio(index, index * 960, payload, 0.1 + index / 50)
    audio = units(events, "a")
    assert len(audio) == 50
    assert {b.dts - a.dts for a, b in itertools.pairwise(audio)} == {960}
    assert [len(unit.payload) for unit in audio[10:14]] == [1, 1, 1, 1]
    assert ingest.concealed_sounds == 4
    assert ingest.late_sounds == 1


def test_sound_that_numbers_anew_goes_on() -> None:
    ingest = Ingest(sound=True)
    merged(pictures(ingest, count=1))
    events: list[Event] = []
    for index, payload in enumerate(coded_sounds()[:60]):
        sequence = 60_000 + index if index < 30 else index
        events += ingest.audio(sequence, index * 960, payload, 0.1 + index / 50)
    audio = units(events, "a")
    assert len(audio) == 60
    assert ingest.concealed_sounds == 1
    assert {b.dts - a.dts for a, b in itertools.pairwise(audio)} == {960}


def test_what_waits_for_the_other_track_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamd.webrtc.ingest, "WAITING_BYTES", 10_000)
    ingest = Ingest(sound=True)
    for _, arrive in pictures(ingest, count=25):
        arrive()
        assert sum(len(kept.payload) for kept in ingest._pictures) <= 10_000
    assert not ingest._pictures or ingest._pictures[0].key


def test_a_source_that_is_replaced_goes_on_in_media_time() -> None:
    ingest = Ingest(sound=False)
    events = merged(pictures(ingest, count=20))
    ingest.new_source("v")
    assert ingest.needs_key
    for index, picture in enumerate(packetized(coded_pictures()[:20], timestamp=77)):
        for part in picture:
            events += ingest.video(
                part.sequence, part.timestamp, part.marker, part.payload, 3.0 + index / 30
            )
    video = units(events, "v")
    assert len(video) == 40
    assert video[20].key
    assert abs(video[20].dts / 90_000 - 3.0) < 0.1
    assert all(a.dts < b.dts for a, b in itertools.pairwise(video))


def test_a_keyframe_without_parameter_sets_is_not_shown() -> None:
    ingest = Ingest(sound=False)
    bare = [[nal for nal in nals if nal[0] & 31 in (1, 5)] for nals in coded_pictures()[:20]]
    events: list[Event] = []
    packets = packetized([*coded_pictures()[19:20], *bare])
    for part in (part for picture in packets for part in picture):
        events += ingest.video(part.sequence, part.timestamp, part.marker, part.payload, 0.0)
    assert events == []
    assert ingest.needs_key


@given(st.integers(0, 2**32 - 1))
def test_any_packets_are_survived_and_memory_is_bounded(seed: int) -> None:
    noise = random.Random(seed)
    ingest = Ingest(sound=True, parameter_sets=(b"\x67", b"\x68\x01"))
    now = 0.0
    last: dict[Kind, int] = {"v": -1, "a": -1}
    for _ in range(300):
        now += noise.choice((0.0, 0.01, 0.4))
        events = ingest.tick(now)
        sequence, timestamp = noise.randrange(65_536), noise.randrange(2**32)
        payload = noise.randbytes(noise.choice((0, 1, 3, 60)))
        if noise.random() < 0.1:
            payload = b"".join(coded_pictures()[0][-1:])
        match noise.randrange(4):
            case 0:
                events += ingest.audio(sequence, timestamp, payload, now)
            case 1:
                ingest.report("va"[noise.randrange(2)], noise.randrange(2**64), timestamp)  # type: ignore[arg-type]
            case 2 if noise.random() < 0.1:
                ingest.new_source("v")
            case _:
                events += ingest.video(
                    sequence & 0xFF, timestamp, noise.random() < 0.5, payload, now
                )
        for event in events:
            if isinstance(event, Unit):
                assert event.dts > last[event.kind]
                last[event.kind] = event.dts
        ingest.missing()
