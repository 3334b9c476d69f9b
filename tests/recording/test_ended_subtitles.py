"""Whoever watches when a broadcast ends finds the subtitles as they were listed, to their end."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from streamd.recording.ended_subtitles import KEPT, EndedSubtitles
from streamd.recording.errors import NoSuchFile
from streamd.recording.journal import encode
from streamd.recording.storage import Shelf
from streamd.recording.summary import JOURNAL
from streamd.relay.captions import Captions
from tests.recording.broadcast import (
    ORIGIN,
    finished,
    frames,
    new_stream,
    publish,
    recordings,
    until,
)
from tests.recording.segments import journal, line
from tests.recording.storages import Moody


async def test_what_was_listed_is_there_after_the_end(tmp_path: Path) -> None:
    kept = recordings(tmp_path)
    stream, captions = new_stream(), Captions("mina")
    kept.watch(stream, captions)
    publish(stream, 12)
    await until(lambda: kept.catalogue.running("mina"))
    entry = kept.catalogue.running("mina")
    assert entry is not None
    assert entry.live is not None
    live = entry.live.subtitles
    await until(lambda: live.count)
    captions.say("late", "fa", at=ORIGIN + 0.5, edge=ORIGIN + 12.0)
    captions.say("in time", "fa", at=ORIGIN + 9.5, edge=ORIGIN + 12.0)
    listed = [live.segment(n) for n in range(live.count)]
    playlist = (await live.playlist(target_seconds=6, ended=False)).plain.decode()
    kept.unwatch("mina")
    (entry,) = await finished(kept)
    ended = await kept.ended_subtitles.of(entry.id)
    assert await kept.ended_subtitles.of(entry.id) is ended
    assert [ended.segment(n) for n in range(len(listed))] == listed
    whole = (await ended.playlist(target_seconds=6, ended=True)).plain.decode()
    assert whole.split("VOD\n")[1].startswith(playlist.split("EVENT\n")[1])
    folder = tmp_path / "recordings" / entry.id
    segments = re.findall(r"^v-.*m4s$", (folder / "v.m3u8").read_text(), re.M)
    assert re.findall(r"^t-.*$", whole, re.M) == [f"t-{n}.vtt" for n in range(len(segments))]
    text = "".join(ended.segment(n) for n in range(ended.count))
    begins = frames((folder / "v-0.mp4").read_bytes() + (folder / "v-0.m4s").read_bytes())[0]
    assert begins == 0
    assert "00:00:09.500 --> 00:00:11.500\nin time" in text
    assert "late" in text
    assert "late" not in "".join(listed)
    await kept.stop()


async def test_they_are_made_once_and_a_few_are_kept(tmp_path: Path) -> None:
    storage = Moody(tmp_path)
    shelf = Shelf(storage)
    made = journal(*(line("v", n) for n in range(5)))
    assert made.header is not None
    text = encode([made.header, *made.maps.values(), *made.segments["v"]])
    for name in range(KEPT + 1):
        storage.append(f"{name}/{JOURNAL}", text)
    ended = EndedSubtitles(shelf)
    both = await asyncio.gather(ended.of("0"), ended.of("0"))
    assert both[0] is both[1]
    assert both[0].count == 5
    for name in range(1, KEPT + 1):
        await ended.of(str(name))
    assert await ended.of("0") is not both[0]
    with pytest.raises(NoSuchFile):
        await ended.of("none")
    shelf.close()
