"""Tiles: paths as the specification spells them, and growth that equals the tree made at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polling import merkle
from polling.merkle import HASH_BYTES
from polling.tiles import TILE_BYTES, Edge, Tile, lengths, subtrees


def leaves_of(size: int) -> list[bytes]:
    return [merkle.leaf_hash(b"%d" % number) for number in range(size)]


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "0/000"),
        (Tile(0, 1_234_067), "0/x001/x234/067"),
        (Tile(1, 999), "1/999"),
        (Tile(2, 1_000), "2/x001/000"),
        (Tile(0, 273, 112), "0/273.p/112"),
        (Tile(63, 0, 1), "63/000.p/1"),
    ],
)
def test_paths(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert Tile.parse(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "0/0",
        "00/000",
        "0/x000/001",
        "0/001/001",
        "0/000.p/0",
        "0/000.p/256",
        "0/000.p/01",
        "64/000",
        "0/000/",
        "../000",
        "0/-01",
        "0/" + "x001/" * 40 + "001",
    ],
)
def test_other_spellings_are_no_paths(path: str) -> None:
    assert Tile.parse(path) is None


def test_the_specifications_tree_of_70_000() -> None:
    assert lengths(70_000) == [70_000, 273, 1]
    assert lengths(256) == [256, 1]
    assert lengths(0) == []


@given(st.lists(st.integers(0, 900), max_size=6))
def test_growing_in_batches_equals_the_whole_tree(batches: list[int]) -> None:
    leaves, edge = leaves_of(sum(batches)), Edge()
    levels: list[bytes] = []
    at = 0
    for count in batches:
        gained = edge.append(b"".join(leaves[at : at + count]))
        at += count
        for level, hashes in enumerate(gained):
            if level == len(levels):
                levels.append(b"")
            levels[level] += hashes
        assert edge.size == at
        assert edge.root() == merkle.root_of(b"".join(leaves[:at]))
    assert [len(level) // HASH_BYTES for level in levels] == lengths(at)
    for level, hashes in enumerate(levels[1:]):
        below = levels[level]
        assert hashes == b"".join(
            merkle.root_of(below[start : start + TILE_BYTES])
            for start in range(0, len(below) - len(below) % TILE_BYTES, TILE_BYTES)
        )


def test_subtrees_of_every_height_come_from_tiles() -> None:
    leaves = leaves_of(1_500)
    levels = Edge().append(b"".join(leaves))
    hashes = subtrees(
        lambda level, start, count: levels[level][start * HASH_BYTES : (start + count) * HASH_BYTES]
    )
    for level in range(11):
        for index in {0, (1_500 >> level) - 1}:
            part = leaves[index << level : (index + 1) << level]
            assert hashes(level, index) == merkle.root_of(b"".join(part))
