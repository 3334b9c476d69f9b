"""What a datagram on a peer's socket can be, by its size and first byte (RFC 7983 §7). Pure."""

from __future__ import annotations

from enum import Enum

DATAGRAM_BYTES = 1_500
"""No WebRTC stack sends more; libsrtp's caller here refuses more, and would end the peer."""


class Content(Enum):
    """The kinds of datagram that share the socket."""

    NOTHING = "empty, oversized, or of no protocol spoken here"
    STUN = "a connectivity check or its answer"
    MEDIA = "DTLS, SRTP or SRTCP"


def content_of(datagram: bytes) -> Content:
    """Sorts a datagram."""
    if not 1 <= len(datagram) <= DATAGRAM_BYTES:
        return Content.NOTHING
    first = datagram[0]
    if first < 4:
        return Content.STUN
    if 20 <= first < 64 or 128 <= first < 192:
        return Content.MEDIA
    return Content.NOTHING
