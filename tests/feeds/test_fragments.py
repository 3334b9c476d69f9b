"""Fragments read back, against the writer they come from."""

from __future__ import annotations

import pytest

from streamd.errors import MalformedMedia
from streamd.feeds import fragments
from streamd.media import fmp4
from streamd.media.units import Unit
from tests.relay.units import AAC, VIDEO, picture, sound


def written(units: list[Unit], sequence: int = 1) -> bytes:
    """The units as a packager writes them."""
    track = VIDEO if units[0].kind == "v" else AAC
    return fmp4.fragment(track, sequence, units, [unit.duration or 0 for unit in units])


def test_units_come_back_as_they_went_in() -> None:
    pictures = [picture(0, key=True), picture(1), picture(2)]
    assert fragments.units(written(pictures), "v") == pictures
    reordered = Unit("v", 3_600, 10_800, False, b"abc", 3_600)
    assert fragments.units(written([reordered]), "v") == [reordered]


def test_boxes_of_other_kinds_are_passed_over() -> None:
    emsg = fmp4.full_box(b"emsg", 1, 0, bytes(24))
    assert fragments.units(emsg + written([sound(4)]), "a") == [sound(4)]


def test_what_follows_without_a_gap_is_joined_into_one() -> None:
    parts = b"".join(written([sound(n)], n + 1) for n in range(6))
    units = fragments.units(parts, "a")
    joined = fragments.joined(units, 1)
    assert joined == written([sound(n) for n in range(6)])
    assert len(joined) < len(parts) / 2


def test_a_gap_starts_a_fragment_of_its_own_and_a_tick_does_not() -> None:
    near = Unit("a", 1_025, 1_025, True, b"near", 1_024)
    far = Unit("a", 9_000, 9_000, True, b"far", 1_024)
    joined = fragments.joined([sound(0), near, far], 5)
    assert joined.count(b"moof") == 2
    assert [unit.dts for unit in fragments.units(joined, "a")] == [0, 1_025, 9_000]
    assert fragments.units(joined, "a")[0].duration == 1_025


def test_the_timescale_of_an_init() -> None:
    assert fragments.timescale(fmp4.init_segment(AAC)) == 48_000
    assert fragments.timescale(fmp4.init_segment(VIDEO)) == 90_000


@pytest.mark.parametrize("cut", [4, 40, 100, 130])
def test_what_is_cut_off_is_refused(cut: int) -> None:
    with pytest.raises(MalformedMedia):
        fragments.units(written([picture(0, key=True)])[:cut], "v")


def test_what_has_no_header_is_refused() -> None:
    with pytest.raises(MalformedMedia):
        fragments.timescale(fmp4.box(b"free"))
