from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamd.media import testcard_picture
from streamd.media.testcard_picture import CODE_BLOCKS, Picture, code_of, read_clock

WIDTH, HEIGHT, STRIDE = 640, 360, 704
PICTURE = Picture(WIDTH, HEIGHT, (STRIDE, 352, 352))


@given(st.integers(0, 4_000_000_000_000))
def test_the_clock_code_comes_back(unix_ms: int) -> None:
    assert read_clock(PICTURE.luma(unix_ms), STRIDE, WIDTH, HEIGHT) == unix_ms


def test_one_wrong_block_is_noticed() -> None:
    luma = PICTURE.luma(1_700_000_000_123)
    block = WIDTH // CODE_BLOCKS
    left = (WIDTH - block * CODE_BLOCKS) // 2
    for index in range(CODE_BLOCKS):
        broken = bytearray(luma)
        for y in range(24):
            at = y * STRIDE + left + index * block
            broken[at : at + block] = bytes(251 - value for value in broken[at : at + block])
        assert read_clock(bytes(broken), STRIDE, WIDTH, HEIGHT) is None


def test_the_code_has_its_documented_shape() -> None:
    code = code_of(1)
    assert len(code) == CODE_BLOCKS == 48
    assert code[:2] == (1, 0)
    assert code[45] == 1
    assert sum(code[2:47]) % 2 == 0
    assert code[47] == 1


def test_the_flash_lasts_a_tenth_of_each_second() -> None:
    y, x = int(12.5 * 24), WIDTH - 24 - 24
    levels = [PICTURE.luma(1_700_000_000_000 + ms)[y * STRIDE + x] for ms in (0, 99, 100, 999)]
    assert levels == [235, 235, 16, 16]


def test_the_digits_differ_from_one_another() -> None:
    pictures = {
        PICTURE.luma(1_700_000_000_000 + ms)[8 * 24 * STRIDE : 11 * 24 * STRIDE] for ms in range(10)
    }
    assert len(pictures) == 10


def test_planes_have_the_sizes_of_their_strides() -> None:
    assert len(PICTURE.luma(0)) == STRIDE * HEIGHT
    assert [len(plane) for plane in PICTURE.chroma] == [352 * HEIGHT // 2] * 2


@pytest.mark.parametrize(("width", "height"), [(641, 360), (640, 350), (160, 90)])
def test_sizes_that_cannot_hold_the_card(width: int, height: int) -> None:
    with pytest.raises(ValueError, match="width"):
        Picture(width, height, (width, width // 2, width // 2))


def test_text_width_counts_narrow_characters() -> None:
    assert testcard_picture.text_width("0:") == 6 + 4
