from __future__ import annotations

import pytest

from streamd.relay.hls_directives import Directives, Unreadable, parse


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, Directives()),
        ({"_HLS_msn": "12"}, Directives(msn=12)),
        ({"_HLS_msn": "12", "_HLS_part": "0"}, Directives(msn=12, part=0)),
        ({"_HLS_skip": "YES"}, Directives(skip=True)),
        ({"_HLS_skip": "v2"}, Directives(skip=True)),
        ({"_HLS_skip": "no", "token": "x"}, Directives()),
    ],
)
def test_what_a_player_asks(query: dict[str, str], expected: Directives) -> None:
    assert parse(query) == expected


@pytest.mark.parametrize(
    "query",
    [
        {"_HLS_part": "1"},
        {"_HLS_msn": ""},
        {"_HLS_msn": "-1"},
        {"_HLS_msn": "1.5"},
        {"_HLS_msn": "٣"},
        {"_HLS_msn": "9" * 30},
        {"_HLS_msn": "1", "_HLS_part": "x"},
    ],
)
def test_what_no_player_asks(query: dict[str, str]) -> None:
    """Bis section 6.2.5.2 for the first; the others are no decimal-integers (section 4.2)."""
    with pytest.raises(Unreadable):
        parse(query)
