"""Captions: when they begin and end, what is refused, who is told."""

from __future__ import annotations

import pytest

from streamd.errors import CaptionRefused
from streamd.relay import captions
from streamd.relay.captions import Caption, Captions, CaptionTracks


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def spoken(clock: Clock) -> Captions:
    return Captions("one", clock)


def test_a_caption_begins_with_the_picture_that_was_seen(spoken: Captions) -> None:
    caption = spoken.say("Good evening.", "en", at=995.5, edge=1_000.0)
    assert (caption.number, caption.start, caption.end) == (1, 995.5, 997.5)
    assert spoken.language == "en"


@pytest.mark.parametrize(("at", "start"), [(None, 1_000.0), (1_500.0, 1_000.0), (3.0, 970.0)])
def test_a_caption_begins_within_what_viewers_can_still_see(
    spoken: Captions, at: float | None, start: float
) -> None:
    assert spoken.say("hello", "en", at=at, edge=1_000.0).start == start


def test_long_lines_stay_longer_up_to_a_bound(spoken: Captions) -> None:
    line = spoken.say("x" * 100, "en", at=None, edge=1_000.0)
    assert line.end - line.start == pytest.approx(6.5)
    line = spoken.say("x" * captions.TEXT_LENGTH, "en", at=None, edge=1_000.0)
    assert line.end - line.start == captions.LONGEST_SECONDS


@pytest.mark.parametrize("text", ["", " \n ", "x" * (captions.TEXT_LENGTH + 1), "a\nb\nc\nd"])
def test_what_is_no_caption_is_refused(spoken: Captions, text: str) -> None:
    with pytest.raises(CaptionRefused):
        spoken.say(text, "en", at=None, edge=1_000.0)
    assert not spoken.kept


def test_a_flood_is_refused_and_the_next_second_is_not(spoken: Captions, clock: Clock) -> None:
    for _ in range(captions.A_SECOND):
        spoken.say("quick", "en", at=None, edge=clock.now)
    with pytest.raises(CaptionRefused):
        spoken.say("quicker", "en", at=None, edge=clock.now)
    clock.now += 1.0
    assert spoken.say("calm", "en", at=None, edge=clock.now).number == captions.A_SECOND + 1


def test_the_oldest_go_first(spoken: Captions, clock: Clock) -> None:
    for _ in range(captions.KEPT + 5):
        clock.now += 1.0
        spoken.say("line", "en", at=None, edge=clock.now)
    assert len(spoken.kept) == captions.KEPT
    assert spoken.kept[0].number == 6
    assert [one.number for one in spoken.newest(2)] == [captions.KEPT + 4, captions.KEPT + 5]


def test_what_is_shown_between_two_times(spoken: Captions, clock: Clock) -> None:
    for at in (990.0, 994.0, 999.0):
        clock.now += 1.0
        spoken.say("line", "en", at=at, edge=1_000.0)
    assert [one.number for one in spoken.between(995.0, 999.0)] == [2]
    assert [one.number for one in spoken.between(995.0, 999.5)] == [2, 3]
    assert not spoken.between(992.0, 994.0)


def test_each_listener_is_told_until_it_ends() -> None:
    heard: list[tuple[str, int]] = []
    tracks = CaptionTracks(lambda track, caption: heard.append((track.stream_id, caption.number)))
    assert tracks.of("one") is tracks.of("one")
    own: list[Caption] = []
    unlisten = tracks.of("one").listen(own.append)
    tracks.of("one").say("a", "en", at=None, edge=1.0)
    unlisten()
    unlisten()
    tracks.of("one").say("b", "en", at=None, edge=1.0)
    tracks.of("two").say("c", "en", at=None, edge=1.0)
    assert heard == [("one", 1), ("one", 2), ("two", 1)]
    assert [one.text for one in own] == ["a"]
