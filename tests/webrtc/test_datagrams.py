from __future__ import annotations

import pytest

from streamd.webrtc.datagrams import DATAGRAM_BYTES, Content, content_of


@pytest.mark.parametrize(
    ("datagram", "content"),
    [
        (b"", Content.NOTHING),
        (b"\x80" * (DATAGRAM_BYTES + 1), Content.NOTHING),
        (b"\x80" * DATAGRAM_BYTES, Content.MEDIA),
        (b"\x00\x01", Content.STUN),
        (b"\x03", Content.STUN),
        (b"\x04", Content.NOTHING),
        (b"\x13", Content.NOTHING),
        (b"\x14", Content.MEDIA),
        (b"\x3f", Content.MEDIA),
        (b"\x40", Content.NOTHING),
        (b"\x7f", Content.NOTHING),
        (b"\xbf", Content.MEDIA),
        (b"\xc0", Content.NOTHING),
    ],
)
def test_a_datagram_is_sorted_by_size_and_first_byte(datagram: bytes, content: Content) -> None:
    assert content_of(datagram) is content
