"""A growing recording's subtitles: what was listed stays as it is, also after the end."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec
import pytest

from streamd.recording.journal import CaptionLine, Line, SegmentLine, encode
from streamd.recording.live_subtitles import LATE_SECONDS, LiveSubtitles, replayed
from tests.recording.segments import ORIGIN, journal, line

TIMES = re.compile(r"(\S+) --> (\S+)\n(.*)\n")


def pictures(n: int, *, run: int = 0, at: float | None = None) -> SegmentLine:
    """Two seconds; media time counts from 100 s in the first run, from 0 in the second."""
    media = 100.0 + 2 * n if run == 0 else 0.0
    return msgspec.structs.replace(line("v", n, run=run, at=at), media=media)


def said(number: int, at: float, lasts: float = 2.0) -> CaptionLine:
    return CaptionLine(number, "en", ORIGIN + at, ORIGIN + at + lasts, f"line {number}")


def taken(lines: Iterable[Line]) -> LiveSubtitles:
    made = LiveSubtitles()
    for one in lines:
        made.take(one)
    return made


def shown(made: LiveSubtitles) -> list[list[tuple[str, str, str]]]:
    """Each listed segment's cues: from, to, words."""
    return [TIMES.findall(made.segment(n)) for n in range(made.count)]


async def playlist(made: LiveSubtitles, *, ended: bool = False) -> str:
    return (await made.playlist(target_seconds=6, ended=ended)).plain.decode()


async def test_a_segment_beside_each_of_the_recording_s_some_seconds_later() -> None:
    made = LiveSubtitles()
    with pytest.raises(KeyError):
        await made.playlist(target_seconds=6, ended=False)
    for n in range(4):
        assert made.count == 0
        made.take(pictures(n))
    assert made.count == 1
    first = await playlist(made)
    assert "#EXT-X-PLAYLIST-TYPE:EVENT\n" in first
    assert "#EXT-X-TARGETDURATION:6\n" in first
    assert first.endswith(
        "#EXT-X-PROGRAM-DATE-TIME:2027-01-15T08:00:00.000Z\n#EXTINF:2.00000,\nt-0.vtt\n"
    )
    made.take(pictures(4))
    assert (await playlist(made)).startswith(first)
    made.end()
    whole = await playlist(made, ended=True)
    assert re.findall(r"^t-.*", whole, re.M) == [f"t-{n}.vtt" for n in range(5)]
    assert whole.endswith("#EXT-X-ENDLIST\n")


def test_a_caption_stands_in_each_segment_that_shows_it_in_media_time() -> None:
    made = taken([*(pictures(n) for n in range(3)), said(1, 1.0, 4.0), pictures(3), pictures(4)])
    made.end()
    cue = ("00:01:41.000", "00:01:45.000", "line 1")
    assert shown(made) == [[cue], [cue], [cue], [], []]
    assert made.segment(3) == "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n"
    for n in (-1, 5):
        with pytest.raises(KeyError):
            made.segment(n)


def test_a_caption_that_is_too_late_begins_with_what_is_not_listed_yet() -> None:
    made = taken(pictures(n) for n in range(5))
    before = shown(made)
    assert len(before) == 2
    made.take(said(1, 0.5))
    made.take(said(2, 5.0))
    made.take(pictures(5))
    made.end()
    after = shown(made)
    assert after[:2] == before == [[], []]
    late = ("00:01:44.000", "00:01:46.000", "line 1")
    in_time = ("00:01:45.000", "00:01:47.000", "line 2")
    assert after[2:] == [[late, in_time], [in_time], [], []]


def test_each_run_has_its_own_media_time_and_captions() -> None:
    runs: list[Line] = [*(pictures(n) for n in range(2)), said(1, 3.0), pictures(2, run=1, at=60.0)]
    made = taken([*runs, said(2, 60.5), said(3, 99.0)])
    made.end()
    first, second = ("00:01:43.000", "00:01:45.000", "line 1"), ("00:00:00.500", "00:00:02.500")
    assert shown(made) == [[], [first], [(*second, "line 2")]]


async def test_discontinuities_are_the_pictures() -> None:
    made = taken([line("v", 0, run=1), line("v", 1, run=3, at=60.0)])
    made.end()
    text = await playlist(made)
    assert "#EXT-X-DISCONTINUITY-SEQUENCE:1\n" in text
    assert text.count("#EXT-X-DISCONTINUITY\n") == 2


@pytest.mark.parametrize(("sound_first", "beside"), [(2, "v"), (6, "a")])
def test_beside_the_sound_only_where_that_was_listed_first(sound_first: int, beside: str) -> None:
    sound = [line("a", n) for n in range(sound_first)]
    made = taken([*sound, said(1, 1.0), *(line("v", n, at=2.0 * n + 1) for n in range(6))])
    made.end()
    assert made.count == (6 if beside == "v" else sound_first)
    assert "line 1" in "".join(made.segment(n) for n in range(made.count))


async def test_after_the_end_the_same_is_made_of_the_journal() -> None:
    empty = journal()
    assert empty.header is not None
    lines: list[Line] = [empty.header, *empty.maps.values()]
    listed: dict[int, str] = {}
    live = LiveSubtitles()
    for n in range(40):
        batch: list[Line] = [line("a", n), pictures(n)]
        if n % 3 == 0:
            batch.insert(0, said(n, max(0.0, 2 * n - 5.5 * (n % 5)), 5.0))
        for one in batch:
            live.take(one)
            for place in range(live.count):
                text = live.segment(place)
                assert listed.setdefault(place, text) == text
        lines += batch
    growing = await playlist(live)
    again = replayed(encode(lines))
    assert again.count == 40
    assert [again.segment(n) for n in listed] == list(listed.values())
    entries = growing.split("EVENT\n")[1]
    assert (await playlist(again, ended=True)).split("VOD\n")[1].startswith(entries)
    assert len(listed) == 40 - LATE_SECONDS // 2
