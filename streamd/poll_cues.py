"""Polls on the broadcast's clock: what polls ask of streams, and what streams are told of polls."""

from __future__ import annotations

from collections.abc import Collection

from polling.model import Poll
from polling.stage import Moment
from streamd.errors import UnknownStream
from streamd.relay.cues import Action, Cue
from streamd.relay.stream import Stream
from streamd.relay.streams import Streams
from streamd.webrtc.whep import WhepSessions

_WRAP = 1 << 32


class PollCues:
    """``moment`` is polling's stage; ``follow`` hears of every poll that moved."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    def moment(self, stream: str, at: float | None) -> Moment | None:
        """See ``polling.stage.Stage``. A stalled stream shows nothing new: it counts as off air."""
        try:
            time = self._streams.get(stream).cue_time(at)
        except UnknownStream:
            return None
        return None if time is None else Moment(time.at, time.lag)

    def follow(self, poll: Poll) -> None:
        """Puts the poll's cues on its stream, each once, however often it is called."""
        pictures = (
            (Action.OPEN, poll.cue_open),
            (Action.CLOSE, poll.cue_close),
            (Action.SHOW, poll.cue_show),
        )
        try:
            cues = self._streams.get(poll.stream).cues
        except UnknownStream:
            return
        for action, at in pictures:
            if at is not None:
                rev = len(poll.deadlines) if action is Action.CLOSE else 0
                cues.put(Cue(poll.id, action, at, rev))


def cue_rows(
    stream: Stream, polls: Collection[str], whep: WhepSessions | None
) -> list[dict[str, object]]:
    """The cues of ``polls`` as ``stream:{id}`` carries them.

    ``{id, gen, t, at, rtp, poll, action, rev}``: ``t`` is media time in 90,000ths of a second,
    ``rtp`` the same as the RTP timestamp (32 bits) that WHEP's pictures have; null where nobody
    watches by WHEP.
    """
    egress = whep.egress(stream) if whep is not None else None
    zero = None
    if egress is not None and egress.on_air and egress.clock.gen == stream.gen:
        zero = egress.clock.zero("v")
    return [
        {**row, "rtp": None if zero is None else (zero + _ticks(row)) % _WRAP}
        for row in stream.cues.rows()
        if row["poll"] in polls
    ]


def _ticks(row: dict[str, object]) -> int:
    ticks = row["t"]
    assert isinstance(ticks, int)
    return ticks
