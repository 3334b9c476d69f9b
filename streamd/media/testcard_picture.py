"""The test card's picture, painted into the planes of a YUV 4:2:0 frame with byte slices.

From top to bottom, in fifteenths of the height: one row of clock code, six of colour bars, four
with the wall clock to be read by people, three with the name, a grey ramp and the flash, one with
a bar that crosses the picture once a second.

The clock code is for machines (``read_clock`` here, a canvas in a browser). It is CODE_BLOCKS
blocks side by side, each ``width // CODE_BLOCKS`` pixels wide, centred in the width, height // 15
high. White is 1, black is 0. Blocks 0 and 1 are white and black (synchronisation); blocks 2 to 45
hold the capture moment in Unix milliseconds, 44 bits, most significant first; block 46 makes the
number of white blocks from 2 to 46 even; block 47 is white. Sample each block at its centre.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

CODE_BITS = 44
CODE_BLOCKS = CODE_BITS + 4
ROWS = 15
"""The layout's grid: everything stands on multiples of height // ROWS."""

BLACK, WHITE = 16, 235
_BAND, _INK, _DIM = 24, 225, 110
FLASH_SECONDS = 0.1
"""The flash is lit for the first tenth of each whole second, with the tone."""

_BARS = (
    (180, 128, 128),
    (162, 44, 142),
    (131, 156, 44),
    (112, 72, 58),
    (84, 184, 198),
    (65, 100, 212),
    (35, 212, 114),
)
"""White, yellow, cyan, green, magenta, red, blue at 75 % (Y, Cb, Cr; BT.601, limited range)."""

# Seven rows of five pixels a character, most significant bit left; "." and ":" are narrower.
_GLYPHS = {
    "0": (0x0E, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0E),
    "1": (0x04, 0x0C, 0x04, 0x04, 0x04, 0x04, 0x0E),
    "2": (0x0E, 0x11, 0x01, 0x06, 0x08, 0x10, 0x1F),
    "3": (0x1F, 0x02, 0x04, 0x06, 0x01, 0x11, 0x0E),
    "4": (0x02, 0x06, 0x0A, 0x12, 0x1F, 0x02, 0x02),
    "5": (0x1F, 0x10, 0x1E, 0x01, 0x01, 0x11, 0x0E),
    "6": (0x06, 0x08, 0x10, 0x1E, 0x11, 0x11, 0x0E),
    "7": (0x1F, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08),
    "8": (0x0E, 0x11, 0x11, 0x0E, 0x11, 0x11, 0x0E),
    "9": (0x0E, 0x11, 0x11, 0x0F, 0x01, 0x02, 0x0C),
    "T": (0x1F, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04),
    "E": (0x1F, 0x10, 0x10, 0x1E, 0x10, 0x10, 0x1F),
    "S": (0x0F, 0x10, 0x10, 0x0E, 0x01, 0x01, 0x1E),
    "C": (0x0E, 0x11, 0x10, 0x10, 0x10, 0x11, 0x0E),
    "A": (0x0E, 0x11, 0x11, 0x1F, 0x11, 0x11, 0x11),
    "R": (0x1E, 0x11, 0x11, 0x1E, 0x14, 0x12, 0x11),
    "D": (0x1E, 0x11, 0x11, 0x11, 0x11, 0x11, 0x1E),
    "U": (0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0E),
    " ": (0, 0, 0, 0, 0, 0, 0),
    ":": (0, 2, 2, 0, 2, 2, 0),
    ".": (0, 0, 0, 0, 0, 2, 2),
}
_NARROW = ":."


class Picture:
    """Paints frames of one size. ``strides`` are the bytes a line of the Y, Cb and Cr planes."""

    def __init__(self, width: int, height: int, strides: Sequence[int]) -> None:
        if width % 2 or height % (2 * ROWS) or width < 8 * CODE_BLOCKS:
            raise ValueError(
                f"{width} × {height}: the width must be even and at least {8 * CODE_BLOCKS}, "
                f"the height a multiple of {2 * ROWS}"
            )
        self._width, self._height = width, height
        self._stride = strides[0]
        self._row = height // ROWS
        self._still = self._paint_still()
        self.chroma = tuple(self._paint_chroma(plane, strides[plane]) for plane in (1, 2))
        """The Cb and the Cr plane; they never change."""

    def luma(self, unix_ms: int) -> bytes:
        """The Y plane of the picture captured at ``unix_ms``."""
        plane = bytearray(self._still)
        self._paint_code(plane, unix_ms)
        moment = datetime.fromtimestamp(unix_ms // 1000, UTC)
        scale = self._width // 75
        clock = f"{moment:%H:%M:%S}.{unix_ms % 1000:03}"
        left = (self._width - text_width(clock) * scale) // 2
        self._paint_text(plane, clock, left, 7 * self._row + self._row, scale, _INK)
        lit = unix_ms % 1000 < FLASH_SECONDS * 1000
        side = 2 * self._row
        self._fill(
            plane,
            self._width - side - self._row,
            11 * self._row + self._row // 2,
            side,
            side,
            WHITE if lit else BLACK,
        )
        bar = self._row
        at = (self._width - bar) * (unix_ms % 1000) // 1000
        self._fill(plane, at, 14 * self._row, bar, self._row, _INK)
        return bytes(plane)

    def _paint_still(self) -> bytes:
        plane = bytearray(bytes((BLACK,)) * (self._stride * self._height))
        row, width = self._row, self._width
        for index, (luma, _, _) in enumerate(_BARS):
            left, right = width * index // len(_BARS), width * (index + 1) // len(_BARS)
            self._fill(plane, left, row, right - left, 6 * row, luma)
        self._fill(plane, 0, 7 * row, width, 7 * row, _BAND)
        scale = max(width // 160, 1)
        top = 11 * row + (3 * row - 7 * scale) // 2
        self._paint_text(plane, "TEST CARD", row, top, scale, _INK)
        self._paint_text(plane, "UTC", row * 2 + text_width("TEST CARD") * scale, top, scale, _DIM)
        left, right = width * 9 // 16, width - 4 * row
        steps = 8
        for step in range(steps):
            at = left + (right - left) * step // steps
            until = left + (right - left) * (step + 1) // steps
            level = BLACK + (WHITE - BLACK) * step // (steps - 1)
            self._fill(plane, at, 11 * row + row // 2, until - at, 2 * row, level)
        return bytes(plane)

    def _paint_chroma(self, component: int, stride: int) -> bytes:
        line = bytearray(bytes((128,)) * stride)
        half = self._width // 2
        for index, bar in enumerate(_BARS):
            left, right = half * index // len(_BARS), half * (index + 1) // len(_BARS)
            line[left:right] = bytes((bar[component],)) * (right - left)
        neutral = bytes((128,)) * stride
        rows = self._row // 2
        return neutral * rows + bytes(line) * (6 * rows) + neutral * (8 * rows)

    def _paint_code(self, plane: bytearray, unix_ms: int) -> None:
        block = self._width // CODE_BLOCKS
        left = (self._width - block * CODE_BLOCKS) // 2
        line = b"".join(bytes((WHITE if bit else BLACK,)) * block for bit in code_of(unix_ms))
        for y in range(self._row):
            at = y * self._stride + left
            plane[at : at + len(line)] = line

    def _paint_text(
        self, plane: bytearray, text: str, left: int, top: int, scale: int, ink: int
    ) -> None:
        paper = bytes((_BAND,)) * scale
        pen = bytes((ink,)) * scale
        for y in range(7):
            line = b"".join(
                pen if bit >= 0 and _GLYPHS[character][y] >> bit & 1 else paper
                for character in text
                for bit in range(_columns(character) - 1, -2, -1)  # -1: the gap
            )
            for repeat in range(scale):
                at = (top + y * scale + repeat) * self._stride + left
                plane[at : at + len(line)] = line

    def _fill(
        self, plane: bytearray, left: int, top: int, width: int, height: int, level: int
    ) -> None:
        line = bytes((level,)) * width
        for y in range(top, top + height):
            at = y * self._stride + left
            plane[at : at + width] = line


def code_of(unix_ms: int) -> tuple[int, ...]:
    """The clock code's blocks, left to right."""
    bits = [unix_ms >> shift & 1 for shift in range(CODE_BITS - 1, -1, -1)]
    return (1, 0, *bits, sum(bits) % 2, 1)


def read_clock(luma: bytes, stride: int, width: int, height: int) -> int | None:
    """The Unix milliseconds in a decoded picture's clock code; None where it holds none."""
    block = width // CODE_BLOCKS
    left = (width - block * CODE_BLOCKS) // 2
    line = height // ROWS // 2 * stride
    bits = [
        int(luma[line + left + index * block + block // 2] >= 128) for index in range(CODE_BLOCKS)
    ]
    value = int("".join(map(str, bits[2 : 2 + CODE_BITS])), 2)
    return value if tuple(bits) == code_of(value) else None


def text_width(text: str) -> int:
    """Columns a text takes at scale 1, the gap after each character included."""
    return sum(_columns(character) + 1 for character in text)


def _columns(character: str) -> int:
    return 3 if character in _NARROW else 5
