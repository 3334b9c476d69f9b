"""What the relay refuses over HLS.

StreamError
├── HandoverBroken       a message is missing or unreadable: the state has to be sent anew
├── StateRefused         another process's window would go on with other bytes here
└── HlsRefusal
    ├── BadDirective     a delivery directive that no client following the standard sends
    ├── NotInTime        what was asked for did not come in time
    └── TooManyWaiting   as many requests wait for this stream as may
"""

from __future__ import annotations

from streamd.errors import StreamError


class HandoverBroken(StreamError):
    """A message is missing or unreadable: the state has to be sent anew."""


class StateRefused(StreamError):
    """Another process's window would go on with other bytes here."""


class HlsRefusal(StreamError):
    """A request for a playlist or a part is refused."""


class BadDirective(HlsRefusal):
    """A delivery directive that no client following the standard sends."""


class NotInTime(HlsRefusal):
    """What was asked for did not come in time."""


class TooManyWaiting(HlsRefusal):
    """As many requests wait for this stream as may."""
