from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamd.errors import MalformedOffer
from streamd.webrtc.sdp_sections import read_sections


def test_attributes_belong_to_the_section_above_them() -> None:
    session, sections = read_sections(
        "v=0\r\na=group:BUNDLE 0\r\na=x: 1 \r\nm=audio 9 A/B 1 2\r\na=x:2\r\na=x:3\r\na=flag\r\n"
    )
    assert session.attributes == {"group": ["BUNDLE 0"], "x": ["1"]}
    (audio,) = sections
    assert (audio.kind, audio.port, audio.protocol, audio.formats) == (
        "audio",
        "9",
        "A/B",
        ["1", "2"],
    )
    assert audio.attributes == {"x": ["2", "3"], "flag": [""]}
    assert audio.first("x", session) == "2"
    assert audio.first("group", session) == "BUNDLE 0"
    assert audio.first("group") is None


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        _, sections = read_sections("v=0\n" + text)
    except MalformedOffer:
        return
    assert len(sections) == sum(line.startswith("m=") for line in text.split("\n"))


def test_it_begins_with_its_version() -> None:
    with pytest.raises(MalformedOffer, match="v=0"):
        read_sections("v=1\r\n")
