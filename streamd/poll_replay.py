"""What recordings are told of polls: what everybody sees, at the moment of the broadcast at which
viewers at the live edge see it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from polling.model import Poll, Tally
from polling.rules import FINISHED
from polling.visibility import Audience
from streamd.errors import UnknownStream
from streamd.recording.journal import TallyLine
from streamd.recording.poll_track import PollTracks
from streamd.relay.streams import Streams


class PollReplay:
    """``known``: a poll as this process remembers it; its rules say what may be kept at all."""

    def __init__(
        self,
        streams: Streams,
        tracks: PollTracks,
        known: Callable[[str], Poll | None],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._streams = streams
        self._tracks = tracks
        self._known = known
        self._now = now

    def on_poll(self, poll: Poll) -> None:
        """A poll moved, or its text changed."""
        if poll.is_visible(Audience.PUBLIC) and not poll.late_of and self._is_there(poll.stream):
            track = self._tracks.of(poll.stream)
            track.tell(poll.id, poll.to_dict(), over=poll.state in FINISHED)

    def on_tally(self, tally: Tally) -> None:
        """A poll's numbers moved. What its rules hide does not leave here."""
        poll = self._known(tally.poll)
        if poll is None or not poll.is_visible(Audience.PUBLIC) or not self._is_there(poll.stream):
            return
        shown = poll.shown_tally(tally)
        line = TallyLine(
            tally.poll, self._seen_at(poll), shown["total"], shown["counts"], shown.get("words")
        )
        self._tracks.of(poll.stream).count(line, last=tally.state in FINISHED)

    def _is_there(self, stream: str) -> bool:
        try:
            self._streams.get(stream)
        except UnknownStream:
            return False
        return True

    def _seen_at(self, poll: Poll) -> float:
        """The picture, on the broadcast's clock, that viewers at the live edge see now."""
        stream = self._streams.get(poll.stream)
        seen = stream.cue_time()
        if seen is not None:
            return self._now() - seen.lag
        lag = stream.delay_seconds if poll.cue_lag is None else poll.cue_lag
        return self._now() - lag
