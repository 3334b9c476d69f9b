"""One process's HLS window in another one, which may join at any time.

The process that has the publisher hands its window over: its state as of now, then all that
happens to it, in order, as numbered messages. Whoever takes them from the first on answers every
request with the same bytes. Sound is in them as HLS has it: an encoder's inner state cannot be
taken over, so AAC is made once a stream, where the publisher is. Pure: messages are bytes, and
whoever carries them is not known here.

A window's state is as large as the media it can be asked for: about a minute and a half of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import msgspec

from streamd.relay import hls_state
from streamd.relay.errors import HandoverBroken
from streamd.relay.hls import Hls
from streamd.relay.hls_state import (
    AnnounceCaptions,
    DropAudio,
    End,
    Happening,
    HlsState,
    Message,
    Push,
    PutCaption,
    PutDateRange,
    Reset,
)


def hand_over(hls: Hls, send: Callable[[bytes], None]) -> Callable[[], None]:
    """Calls ``send`` with each message, the first time at once. Returns the function that ends it;
    it may be called within ``send`` and twice.
    """
    numbers = itertools.count()

    def tell(what: HlsState | Happening) -> None:
        send(hls_state.encode(Message(next(numbers), what)))

    tell(hls.state)
    return hls.tell(tell)


class Heir:
    """The other end: ``hls`` becomes what the window is that hands itself over.

    Nothing else may be put into ``hls`` meanwhile.
    """

    def __init__(self, stream_id: str, hls: Hls) -> None:
        self._id = stream_id
        self._hls = hls
        self._next: int | None = None

    def take(self, data: bytes) -> None:
        """Takes the next message. A state begins anew, whatever was before.

        Raises StateRefused, and HandoverBroken where a message is missing or unreadable: then
        nothing was done, and nothing will be until a state comes. The window still answers with
        what it had.
        """
        try:
            message = hls_state.decode(data)
        except msgspec.DecodeError as error:
            self._next = None
            raise HandoverBroken(f"A message cannot be read: {error}.", self._id) from error
        if isinstance(message.what, HlsState):
            self._next = None
            self._hls.restore(message.what)
        elif message.n != self._next:
            expected, self._next = self._next, None
            raise HandoverBroken(f"Message {message.n} came, not {expected}.", self._id)
        else:
            _do(self._hls, message.what)
        self._next = message.n + 1


def _do(hls: Hls, what: Happening) -> None:
    match what:
        case Push(unit):
            hls.push(unit)
        case Reset(gen, tracks, origin):
            hls.reset(gen, tracks, origin)
        case End():
            hls.end()
        case DropAudio():
            hls.drop_audio()
        case PutDateRange(date_range):
            hls.put_date_range(date_range.date_range())
        case AnnounceCaptions(language):
            hls.announce_captions(language)
        case PutCaption(cue):
            hls.put_caption(cue)
