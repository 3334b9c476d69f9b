"""What can be wrong with a publisher's bytes, a class each.

RtmpError
├── ProtocolError              the connection cannot go on
│   ├── BadHandshake           the first bytes are not RTMP's
│   ├── BadChunkSize           a chunk size outside what is taken
│   ├── TooManyChunkStreams    more chunk streams than an encoder needs
│   ├── MissingHeader          a chunk builds on a header that never came
│   ├── MessageTooLarge        a message says it is longer than is taken
│   ├── MessageCutShort        a new message begins before the last one's length is full
│   ├── TooMuchUnfinished      unfinished messages hold more than is taken
│   ├── TooMuchBeforePublish   more bytes or messages than connecting needs
│   ├── BadControl             a control message shorter than its fields
│   └── OutOfOrder             a command that the session's state does not allow
├── AmfError                   a command or metadata cannot be read
│   ├── AmfTruncated           a value is longer than the message that holds it
│   ├── AmfTooDeep             objects within objects past the limit
│   ├── AmfTooLarge            more values than the limit
│   └── AmfUnknown             a type marker that AMF0 does not have, or does not use here
├── TagError                   one audio or video message cannot be read; the next one may
│   ├── TruncatedTag           the message ends within its header
│   └── AggregateLies          a tag's size does not fit the aggregate message that holds it
└── Refused                    sound bytes that streamd does not relay; ``status`` for onStatus
"""

from __future__ import annotations

from streamd.errors import StreamdError
from streamd.relay.notices import NoticeCode


class RtmpError(StreamdError):
    """Base of this package's errors."""


class ProtocolError(RtmpError):
    """The connection cannot go on."""


class BadHandshake(ProtocolError):
    """The first bytes are not RTMP's."""


class BadChunkSize(ProtocolError):
    """A chunk size outside what is taken."""


class TooManyChunkStreams(ProtocolError):
    """More chunk streams than an encoder needs."""


class MissingHeader(ProtocolError):
    """A chunk builds on a header that never came."""


class MessageTooLarge(ProtocolError):
    """A message says it is longer than is taken."""

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(f"A message of {length} bytes; {limit} are the most taken here.")
        self.length = length
        self.limit = limit


class MessageCutShort(ProtocolError):
    """A new message begins before the last one's length is full."""


class TooMuchUnfinished(ProtocolError):
    """Unfinished messages together hold more than is taken."""


class TooMuchBeforePublish(ProtocolError):
    """More bytes or messages than connecting needs."""


class BadControl(ProtocolError):
    """A control message is shorter than its fields."""


class OutOfOrder(ProtocolError):
    """A command that the session's state does not allow."""


class AmfError(RtmpError):
    """A command or metadata cannot be read."""


class AmfTruncated(AmfError):
    """A value is longer than the message that holds it."""


class AmfTooDeep(AmfError):
    """Objects within objects past the limit."""


class AmfTooLarge(AmfError):
    """More values than the limit."""


class AmfUnknown(AmfError):
    """A type marker that AMF0 does not have, or does not use here."""


class TagError(RtmpError):
    """One audio or video message cannot be read; the next one may."""


class TruncatedTag(TagError):
    """The message ends within its header."""


class AggregateLies(TagError):
    """A tag's size does not fit the aggregate message that holds it."""


class Refused(RtmpError):
    """Bytes that streamd does not relay.

    ``notice`` and ``facts`` are for the studio, the sentence for the encoder and the log.
    """

    def __init__(self, sentence: str, notice: NoticeCode, **facts: str | int | float) -> None:
        super().__init__(sentence)
        self.notice = notice
        self.facts = facts


class CodecRefused(Refused):
    """Another codec than H.264, AAC or Opus; ``medium`` is "video" or "audio"."""

    def __init__(self, codec: str, medium: str) -> None:
        takes = "H.264" if medium == "video" else "AAC"
        super().__init__(
            f"The {medium} is {codec}. streamd relays {takes} over RTMP and does not convert: "
            f"set the encoder to {takes}.",
            NoticeCode.REFUSED,
            codec=codec,
            medium=medium,
        )
