"""One recording while it is made: bounds, failures, and a storage that is slow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from streamd.media import fmp4
from streamd.media.parts import Init
from streamd.media.units import Kind
from streamd.recording.beside import MOST_CAPTIONS
from streamd.recording.counters import Counters, Trouble
from streamd.recording.disk_guard import DiskGuard
from streamd.recording.finishing import read_journal
from streamd.recording.journal import CaptionLine, Header
from streamd.recording.live_recording import MOST_WAITING, LiveRecording
from streamd.recording.storage import Shelf
from tests.recording.broadcast import card, until
from tests.recording.segments import ORIGIN, segment
from tests.recording.storages import Moody

INITS: dict[Kind, Init] = {
    track.kind: Init(track.codec, fmp4.init_segment(track)) for track in card(1)[0]
}


class Desk:
    """A live recording on a moody storage, and what it told."""

    def __init__(self, root: Path) -> None:
        self.storage = Moody(root)
        self.free = 10_000
        self.counters = Counters()
        self.told: list[Trouble | None] = []
        self.shelf = Shelf(self.storage)
        guard = DiskGuard(1_000, lambda: self.free)
        self.live = LiveRecording(
            Header("r", "mina"), self.shelf, guard, self.counters, self.told.append
        )

    def put(self, kind: Kind = "v", at: float = 0.0, *, independent: bool = True) -> None:
        self.live.put(segment(kind, at, independent=independent), INITS[kind])

    @property
    def kept(self) -> list[float]:
        return [line.begins - ORIGIN for line in self.live.journal.segments["v"]]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """Its writer runs; at the end it has ended by itself."""
    made = Desk(tmp_path)
    writer = asyncio.create_task(made.live.run())
    yield made
    made.storage.gate.set()
    made.live.end()
    await writer
    made.shelf.close()


async def test_the_journal_says_what_is_on_the_disk(desk: Desk) -> None:
    for n in range(3):
        desk.put("v", n * 2.0)
        desk.put("a", n * 2.0)
    desk.live.say(CaptionLine(1, "en", ORIGIN, ORIGIN + 1, "said"))
    desk.put("v", 6.0)
    await until(lambda: len(desk.kept) == 4)
    read = read_journal(desk.storage, "r")
    assert read.segments == desk.live.journal.segments
    assert read.maps == desk.live.journal.maps
    assert [one.text for one in read.captions] == ["said"]
    assert read.maps["v", 0].width == 384
    assert desk.counters.segments == 7
    assert desk.counters.bytes == 7 * len(b"segment")
    assert desk.told[-1] is None


async def test_a_slow_storage_loses_segments_and_never_waits(desk: Desk) -> None:
    desk.storage.gate.clear()
    for n in range(MOST_WAITING + 20):
        desk.put("v", n * 2.0)
    assert desk.live.waiting == MOST_WAITING
    assert desk.counters.missed[Trouble.SLOW_STORAGE] == 20
    assert desk.told == [Trouble.SLOW_STORAGE] * 20
    desk.storage.gate.set()
    await until(lambda: len(desk.kept) == MOST_WAITING)
    desk.put("v", 500.0, independent=False)
    desk.put("v", 502.0)
    await until(lambda: len(desk.kept) == MOST_WAITING + 1)
    assert desk.kept[-1] == 502.0
    assert desk.live.journal.segments["v"][-1].run == 1
    assert desk.told[-1] is None


async def test_a_full_disk_stops_it_and_space_lets_it_go_on(desk: Desk) -> None:
    desk.put("v", 0.0)
    await until(lambda: desk.kept == [0.0])
    desk.free = 999
    desk.put("v", 2.0)
    await until(lambda: desk.told[-1] is Trouble.DISK_FULL)
    desk.put("a", 2.0)
    desk.put("v", 4.0)
    await until(lambda: desk.counters.missed[Trouble.DISK_FULL] == 3)
    desk.free = 10_000
    desk.put("v", 6.0)
    desk.put("a", 6.0)
    await until(lambda: desk.kept == [0.0, 6.0])
    assert desk.told[-1] is None
    journal = desk.live.journal
    assert journal.segments["v"][-1].run == journal.segments["a"][-1].run == 1
    assert journal.missed_seconds == 4


async def test_a_failing_storage_is_tried_again(desk: Desk) -> None:
    desk.storage.broken = True
    desk.put("v", 0.0)
    await until(lambda: desk.counters.failures == 1)
    assert desk.told[-1] is Trouble.STORAGE_FAILED
    desk.storage.broken = False
    desk.put("v", 2.0)
    await until(lambda: desk.kept == [2.0])
    assert desk.live.journal.header is not None


async def test_what_failed_in_the_middle_of_a_batch_is_not_listed(desk: Desk) -> None:
    desk.storage.gate.clear()
    desk.put("v", 0.0)
    await until(lambda: desk.live.waiting == 1)
    desk.put("v", 2.0)
    desk.put("v", 4.0)
    desk.storage.broken = True
    desk.storage.gate.set()
    await until(lambda: desk.counters.failures == 1)
    assert desk.kept == []
    assert desk.live.waiting == 0
    assert desk.counters.missed[Trouble.STORAGE_FAILED] == 3


async def test_captions_are_bounded(desk: Desk) -> None:
    for number in range(MOST_CAPTIONS + 5):
        desk.live.say(CaptionLine(number, "en", ORIGIN, ORIGIN + 1, "said"))
    assert desk.counters.missed_captions == 5
    desk.put("v", 0.0)
    await until(lambda: len(desk.live.journal.captions) == MOST_CAPTIONS)


async def test_what_waits_at_the_end_is_still_written(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.put("v", 0.0)
    desk.put("v", 2.0)
    desk.live.end()
    await desk.live.run()
    assert desk.kept == [0.0, 2.0]
    desk.shelf.close()
