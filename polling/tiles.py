"""Tiles of a Merkle tree, after https://c2sp.org/tlog-tiles: paths, widths, and growth. Pure.

Level L keeps the roots of perfect subtrees of 256**L leaves. A tile is 256 of them, or fewer at
the right edge; 256 hashes of one level make one hash of the next.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from polling.merkle import HASH_BYTES, Hashes, folded, root_of

WIDTH = 256
HEIGHT = 8
TILE_BYTES = WIDTH * HASH_BYTES

_PATH = re.compile(r"(0|[1-9]\d?)/((?:x\d{3}/)*\d{3})(?:\.p/([1-9]\d{0,2}))?")
_MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Tile:
    """Tile ``number`` of ``level``: its first ``width`` hashes, 1 to 256."""

    level: int
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """``{L}/{N}[.p/{W}]``: N in groups of three digits, all but the last after an x."""
        digits = str(self.number)
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        number = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        partial = f".p/{self.width}" if self.width < WIDTH else ""
        return f"{self.level}/{number}{partial}"

    @classmethod
    def parse(cls, path: str) -> Tile | None:
        """The tile of that path; None where it is not one in its only spelling."""
        match = _PATH.fullmatch(path)
        if match is None or len(match[2]) > _MOST_DIGITS * 2:
            return None
        tile = cls(int(match[1]), int(re.sub(r"\D", "", match[2])), int(match[3] or WIDTH))
        return tile if tile.path == path and tile.level < 64 else None


def lengths(size: int) -> list[int]:
    """How many hashes each level keeps for a tree of ``size`` leaves, level 0 first."""
    found = []
    while size:
        found.append(size)
        size >>= HEIGHT
    return found


def subtrees(read: Callable[[int, int, int], bytes]) -> Hashes:
    """Every perfect subtree from the levels' hashes.

    ``read(level, start, count)`` gives so many hashes of a level of tiles, one after the other.
    """

    def root(level: int, index: int) -> bytes:
        tile_level, above = divmod(level, HEIGHT)
        return root_of(read(tile_level, index << above, 1 << above))

    return root


@dataclass(slots=True)
class Edge:
    """A tree's right edge, its partial tiles: all that appending and the root need."""

    size: int = 0
    tails: list[bytes] = field(default_factory=list)

    def append(self, leaves: bytes) -> list[bytes]:
        """Appends leaf hashes, 32 bytes each; the hashes that each level gained, level 0 first."""
        gained: list[bytes] = []
        self.size += len(leaves) // HASH_BYTES
        row, level = leaves, 0
        while row:
            if level == len(self.tails):
                self.tails.append(b"")
            gained.append(row)
            whole = self.tails[level] + row
            full = len(whole) - len(whole) % TILE_BYTES
            self.tails[level] = whole[full:]
            row = whole[:full]
            # Full tiles fold evenly, so all of them go up together.
            for _ in range(HEIGHT if row else 0):
                row = folded(row)
            level += 1
        return gained

    def root(self) -> bytes:
        """The root of the tree."""
        rest = b""
        for tail in self.tails:
            # The part below is the last, incomplete subtree of this level.
            if row := tail + rest:
                rest = root_of(row)
        return rest or root_of(b"")
