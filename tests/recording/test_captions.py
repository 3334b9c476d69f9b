"""A recording's captions stand where its player shows the picture they were said to."""

from __future__ import annotations

import time
from pathlib import Path

from streamd.media import webvtt
from streamd.recording.captions import PlacedCaptions, PlayingTime, document, language
from streamd.recording.journal import CaptionLine
from streamd.relay.captions import Captions
from tests.recording.broadcast import finished, frames, new_stream, publish, recordings
from tests.recording.segments import ORIGIN, journal, line


def test_times_are_the_player_s() -> None:
    made = journal(line("v", 0), line("v", 1), line("v", 2, run=1, at=60.0))
    for number, at in enumerate((1.0, 30.0, 61.0), 1):
        made.add(CaptionLine(number, "en", ORIGIN + at, ORIGIN + at + 2, f"said at {at}"))
    text = document(made)
    assert "00:00:01.000 --> 00:00:03.000\nsaid at 1.0" in text
    assert "said at 30.0" not in text
    assert "00:00:05.000 --> 00:00:07.000\nsaid at 61.0" in text
    assert language(made) == "en"
    assert language(journal()) == ""


def test_outside_there_is_no_time() -> None:
    played = PlayingTime()
    played.take(journal(line("v", 0)).lead)
    assert played.at(ORIGIN - 1) is None
    assert played.at(ORIGIN + 2) is None
    assert played.at(ORIGIN + 1.5) == 1.5


def said(number: int, at: float) -> CaptionLine:
    return CaptionLine(number, "en", ORIGIN + at, ORIGIN + at + 1, f"line {number}")


def test_a_caption_ahead_of_its_picture_waits_for_it() -> None:
    made = journal(line("v", 0))
    placed = PlacedCaptions(made)
    made.add(said(1, 2.5))
    assert placed.cues == []
    made.add(line("v", 1))
    assert [cue.start for cue in placed.cues] == [2.5]
    assert [cue.start for cue in placed.cues] == [2.5]
    made.add(said(2, 5.0))
    made.add(line("v", 2, at=6.0))
    assert [cue.start for cue in placed.cues] == [2.5]


def test_pictures_after_sound_alone_count_anew() -> None:
    made = journal(line("a", 0), line("a", 1))
    made.add(said(1, 3.0))
    placed = PlacedCaptions(made)
    assert [cue.start for cue in placed.cues] == [3.0]
    made.add(line("v", 0, at=2.0))
    assert [cue.start for cue in placed.cues] == [1.0]


def test_six_hours_are_placed_at_once() -> None:
    made = journal(*(line("v", n) for n in range(10_800)))
    for number in range(7_200):
        made.add(said(number, number * 3.0))
    begun = time.process_time()
    assert len(PlacedCaptions(made).cues) == 7_200
    assert time.process_time() - begun < 1.0


async def test_a_vod_s_subtitles_stand_in_each_run_s_own_media_time(tmp_path: Path) -> None:
    kept = recordings(tmp_path)
    stream, captions = new_stream(), Captions("mina")
    kept.watch(stream, captions)
    publish(stream, 3).lose()
    captions.say("first", "fa", at=ORIGIN + 1.0, edge=ORIGIN + 2.0)
    publisher = publish(stream, 3, origin=int(ORIGIN) + 12)
    captions.say("second", "fa", at=ORIGIN + 13.0, edge=ORIGIN + 14.0)
    publisher.close()
    (entry,) = await finished(kept)
    folder = tmp_path / "recordings" / entry.id
    index = (folder / "index.m3u8").read_text()
    assert "TYPE=SUBTITLES" in index
    assert 'LANGUAGE="fa"' in index
    listed = (folder / "captions.m3u8").read_text()
    video = (folder / "v.m3u8").read_text()
    assert listed.count("#EXT-X-DISCONTINUITY\n") == video.count("#EXT-X-DISCONTINUITY\n") == 1
    assert listed.splitlines()[-1] == "#EXT-X-ENDLIST"
    names = [one for one in listed.split() if one.endswith(".vtt")]
    segments = {"first": 0, "second": 3}
    for name, (words, first) in zip(names, segments.items(), strict=True):
        text = (folder / name).read_text()
        assert "X-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000" in text
        assert [one for one in segments if one in text] == [words]
        body = (folder / "v-0.mp4").read_bytes() + (folder / f"v-{first}.m4s").read_bytes()
        at = frames(body)[0] + 1.0
        assert f"{webvtt.timestamp(at)} -->" in text
    await kept.stop()
