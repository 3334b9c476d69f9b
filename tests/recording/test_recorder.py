"""Which broadcast goes into which recording."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from streamd.media.parts import Init
from streamd.recording.beside import MOST_NOTES, Beside
from streamd.recording.counters import Counters
from streamd.recording.journal import CaptionLine, PollLine, TallyLine, decode
from streamd.recording.poll_track import PollTrack
from streamd.recording.recorder import Recorder
from streamd.recording.recordings import Recordings
from streamd.relay.captions import Captions
from streamd.relay.cues import Action, Cue
from streamd.relay.notices import NoticeCode
from streamd.relay.segmenter import Segment
from tests.recording.broadcast import (
    ORIGIN,
    card,
    finished,
    new_stream,
    publish,
    recordings,
    until,
    watched,
)
from tests.recording.storages import Moody


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Recordings]:
    """Recordings in a folder, looked after by nobody."""
    made = recordings(tmp_path)
    yield made
    await made.stop()


async def test_a_publication_is_a_recording(kept: Recordings) -> None:
    stream = watched(kept)
    publish(stream, 3).close()
    await finished(kept)
    publish(stream, 4, origin=ORIGIN + 60).close()
    first, second = await finished(kept, 2)
    assert (first.kept.seconds, second.kept.seconds) == (3, 4)
    assert first.id.startswith("mina-20270115-080000-")
    assert first.kept.header.candidate is not None
    assert first.kept.header.candidate.name["en"] == "Mina Darvand"


async def test_who_comes_back_goes_on_in_the_same_one(kept: Recordings) -> None:
    stream = watched(kept)
    publisher = publish(stream, 3)
    publisher.lose()
    again = publish(stream, 3, origin=ORIGIN + 10)
    again.close()
    (entry,) = await finished(kept)
    assert entry.kept.seconds == 6
    assert entry.kept.missed_seconds == pytest.approx(7, abs=0.1)
    journal = decode(kept.shelf.storage.read_log(f"{entry.id}/journal.jsonl"))
    for kind in journal.kinds:
        assert {line.run for line in journal.segments[kind]} == {0, 1}


async def test_a_changed_set_of_tracks_is_a_new_recording(kept: Recordings) -> None:
    stream = watched(kept)
    tracks, units = card(3)
    publisher = publish(stream, 3)
    publisher.announce([track for track in tracks if track.kind == "v"], float(ORIGIN + 3))
    for unit in units:
        if unit.kind == "v":
            publisher.write(unit)
    publisher.close()
    both, picture = await finished(kept, 2)
    assert (both.kept.seconds, picture.kept.seconds) == (3, 3)
    journal = decode(kept.shelf.storage.read_log(f"{picture.id}/journal.jsonl"))
    assert journal.kinds == ("v",)


async def test_a_long_one_goes_on_in_a_new_recording(kept: Recordings) -> None:
    stream = new_stream()
    recorder = Recorder(stream, Captions("mina"), PollTrack(), kept._begin, longest_seconds=4.0)
    publish(stream, 10).close()
    first, second, third = await finished(kept, 3)
    assert [one.kept.seconds for one in (first, second, third)] == [5, 4, 1]
    assert second.kept.started_at == pytest.approx(first.kept.ended_at, abs=0.05)
    for entry in (first, second, third):
        journal = decode(kept.shelf.storage.read_log(f"{entry.id}/journal.jsonl"))
        assert len(journal.segments["v"]) == len(journal.segments["a"])
    recorder.close()


async def test_late_sound_of_the_last_pictures_stays_with_them(kept: Recordings) -> None:
    source, stream = new_stream(), new_stream()
    cut: list[tuple[Segment, Init]] = []
    source.window.follow(lambda segment, init: cut.append((segment, init)), lambda: None)
    publish(source, 10).close()
    # Each sound comes after the pictures that follow its own.
    late = [one for one in cut if one[0].kind == "v"]
    for place, one in enumerate([one for one in cut if one[0].kind == "a"]):
        late.insert(min(2 * place + 2, len(late)), one)
    recorder = Recorder(stream, Captions("mina"), PollTrack(), kept._begin, longest_seconds=4.0)
    for segment, init in late:
        recorder._on_segment(segment, init)
    recorder.close()
    for entry in await finished(kept, 3):
        journal = decode(kept.shelf.storage.read_log(f"{entry.id}/journal.jsonl"))
        video, audio = journal.segments["v"], journal.segments["a"]
        assert len(video) == len(audio)
        assert abs(video[0].begins - audio[0].begins) < 0.1


async def test_a_new_size_is_a_new_map_in_the_same_recording(kept: Recordings) -> None:
    stream = watched(kept)
    publisher = publish(stream, 3)
    tracks, units = card(3, 480, 270)
    publisher.announce(tracks, float(ORIGIN + 3))
    for unit in units:
        publisher.write(unit)
    publisher.close()
    (entry,) = await finished(kept)
    assert [(one.width, one.height) for one in entry.kept.chapters] == [(384, 210), (480, 270)]


async def test_captions_go_into_the_recording_that_is_made(kept: Recordings) -> None:
    stream, captions = new_stream(), Captions("mina")
    kept.watch(stream, captions)
    captions.say("before anything", "en", at=ORIGIN, edge=ORIGIN)
    publisher = publish(stream, 4)
    captions.say("سلام", "fa", at=ORIGIN + 1.0, edge=ORIGIN + 3.0)
    publisher.close()
    (entry,) = await finished(kept)
    assert entry.kept.captions == "fa"
    text = kept.shelf.storage.read(f"{entry.id}/captions.vtt").decode()
    assert "00:00:01.000 --> 00:00:03.000\nسلام" in text
    assert "before" not in text


async def test_trouble_is_told_once_and_taken_back(tmp_path: Path) -> None:
    storage = Moody(tmp_path)
    kept = recordings(tmp_path, storage=storage)
    stream = watched(kept)
    tracks, units = card(20)
    publisher = stream.publish("test")
    publisher.announce(tracks, float(ORIGIN))

    def codes() -> list[NoticeCode]:
        return [notice.code for notice in stream.notices]

    storage.broken = True
    half = len(units) // 2
    for unit in units[:half]:
        publisher.write(unit)
        await asyncio.sleep(0)
    await until(lambda: NoticeCode.RECORDING_STOPPED in codes())
    (notice,) = [one for one in stream.notices if one.code is NoticeCode.RECORDING_STOPPED]
    assert notice.facts == {"reason": "storage_failed"}
    storage.broken = False
    for unit in units[half:]:
        publisher.write(unit)
        await asyncio.sleep(0)
    await until(lambda: NoticeCode.RECORDING_STOPPED not in codes())
    publisher.close()
    (entry,) = await finished(kept)
    assert 0 < entry.kept.seconds < 20
    await kept.stop()


async def test_an_error_of_ours_never_reaches_the_broadcast(
    kept: Recordings, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = watched(kept)
    seen = []
    stream.window.follow(lambda segment, _: seen.append(segment))
    monkeypatch.setattr("streamd.recording.recorder.Recorder._record", None)
    publish(stream, 4).close()
    assert len(seen) > 4


async def test_nobody_is_recorded_where_it_is_off(tmp_path: Path) -> None:
    kept = recordings(tmp_path, enabled=False)
    publish(watched(kept), 2).close()
    assert list(kept.catalogue) == []
    await kept.run()
    await kept.stop()


def _row(poll: str, state: str = "open") -> dict[str, object]:
    return {"id": poll, "state": state, "opened_at": float(ORIGIN), "cue": None}


async def test_polls_stand_in_every_recording_in_which_viewers_see_them(kept: Recordings) -> None:
    stream = new_stream()
    track = PollTrack()
    recorder = Recorder(stream, Captions("mina"), track, kept._begin, longest_seconds=4.0)
    track.tell("before", _row("before"), over=False)
    track.tell("before", _row("before", "closed"), over=True)
    track.tell("open", _row("open"), over=False)
    track.count(TallyLine("open", ORIGIN - 1.0, 7, None), last=False)
    stream.cues.put(Cue("open", Action.OPEN, ORIGIN + 6.5))
    publish(stream, 10).close()
    entries = await finished(kept, 3)
    documents = [await kept.ended_polls.of(entry.id) for entry in entries]
    for document in documents:
        (recorded,) = document.polls
        assert recorded.poll["id"] == "open"
        assert recorded.curve == [(ORIGIN - 1.0, 7, None)]
    storage = kept.shelf.storage
    marked = [b"X-POLL" in storage.read(f"{entry.id}/v.m3u8") for entry in entries]
    assert marked == [False, True, False]
    recorder.close()


async def test_a_recording_without_polls_has_none(kept: Recordings) -> None:
    publish(watched(kept), 2).close()
    (entry,) = await finished(kept)
    assert (await kept.ended_polls.of(entry.id)).polls == []


async def test_what_waits_beside_the_pictures_is_bounded() -> None:
    counters = Counters()
    beside = Beside(counters)
    beside.note(PollLine("p", {}))
    for n in range(MOST_NOTES):
        beside.note(TallyLine("p", float(n), n, None))
    assert (len(beside.lines), counters.missed_notes) == (MOST_NOTES, 1)
    assert beside.lines[:2] == (PollLine("p", {}), TallyLine("p", 1.0, 1, None))
    beside.drop(beside.lines[1:])
    for _ in range(MOST_NOTES):
        beside.note(PollLine("p", {}))
    assert (len(beside.lines), counters.missed_notes) == (MOST_NOTES, 2)
    beside.say(CaptionLine(1, "en", 0.0, 1.0, "Still heard."))
    assert len(beside.lines) == MOST_NOTES + 1
