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
        if poll.is_visible(Audience.PUBLIC) and not poll.late_of:
            track = self._tracks.of(poll.stream)
            track.tell(poll.id, poll.to_dict(), over=poll.state in FINISHED)

    def on_tally(self, tally: Tally) -> None:
        """A poll's numbers moved. What its rules hide does not leave here."""
        poll = self._known(tally.poll)
        if poll is None or not poll.is_visible(Audience.PUBLIC):
            return
        shown = poll.shown_tally(tally)
        line = TallyLine(
            tally.poll,
            round(self._seen_at(poll), 3),
            shown["total"],
            shown["counts"],
            shown.get("words"),
        )
        self._tracks.of(poll.stream).count(line, last=tally.state in FINISHED)

    def _seen_at(self, poll: Poll) -> float:
        """The picture, on the broadcast's clock, that viewers at the live edge see now."""
        lag = poll.cue_lag
        try:
            stream = self._streams.get(poll.stream)
        except UnknownStream:
            return self._now() - (lag or 0.0)
        seen = stream.cue_time()
        if seen is not None:
            lag = seen.lag
        return self._now() - (stream.delay_seconds if lag is None else lag)
