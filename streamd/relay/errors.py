"""What the relay refuses over HLS.

StreamError
└── HlsRefusal
    ├── BadDirective     a delivery directive that no client following the standard sends
    ├── NotInTime        what was asked for did not come in time
    └── TooManyWaiting   as many requests wait for this stream as may
"""

from __future__ import annotations

from streamd.errors import StreamError


class HlsRefusal(StreamError):
    """A request for a playlist or a part is refused."""


class BadDirective(HlsRefusal):
    """A delivery directive that no client following the standard sends."""


class NotInTime(HlsRefusal):
    """What was asked for did not come in time."""


class TooManyWaiting(HlsRefusal):
    """As many requests wait for this stream as may."""
