"""What is sent: a file in batches to its end, the card at the pace of its clock."""

from __future__ import annotations

import time
from contextlib import aclosing
from pathlib import Path

import pytest

from streamd.errors import MalformedMedia
from streamd.publish_sources import CARD_FPS, CardSource, FileSource
from tests.relay.recording import BIG_BUCK_BUNNY, samples


async def test_a_file_is_all_its_units_and_ends() -> None:
    source = FileSource(BIG_BUCK_BUNNY, loop=False)
    async with aclosing(source.units()) as batches:
        units = [unit async for batch in batches for unit in batch]
    assert [track.kind for track in source.tracks] == ["v", "a"]
    expected = [sample.payload for sample in samples(BIG_BUCK_BUNNY, "video")]
    assert [unit.payload for unit in units if unit.kind == "v"] == expected


async def test_a_loop_goes_on() -> None:
    source = FileSource(BIG_BUCK_BUNNY, loop=True)
    pictures = 0
    async with aclosing(source.units()) as batches:
        async for batch in batches:
            pictures += sum(unit.kind == "v" for unit in batch)
            if pictures > 300:
                break
    assert pictures > 2 * 132


def test_a_file_that_is_none() -> None:
    with pytest.raises(MalformedMedia, match="nowhere"):
        FileSource(Path("nowhere.mp4"), loop=False)


@pytest.mark.parametrize(("whip", "codec"), [(True, "opus"), (False, "mp4a.40.2")])
async def test_the_card_keeps_to_its_clock(whip: bool, codec: str) -> None:
    source = CardSource(whip)
    assert [track.codec for track in source.tracks][1] == codec
    began, pictures = time.monotonic(), 0
    async with aclosing(source.units()) as batches:
        async for batch in batches:
            pictures += sum(unit.kind == "v" for unit in batch)
            newest = max(unit.dts for unit in batch if unit.kind == "v")
            if newest >= 90_000:
                break
    passed = time.monotonic() - began
    assert passed > 0.95, "it is not made ahead of its time"
    assert pictures <= CARD_FPS + 1
