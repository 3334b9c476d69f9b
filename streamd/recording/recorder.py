"""One stream's recorder: which broadcast goes into which recording."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from streamd.errors import StreamError
from streamd.media.parts import Init
from streamd.media.units import Kind
from streamd.recording.counters import Trouble
from streamd.recording.journal import CaptionLine, CueLine, PollLine, PollNote
from streamd.recording.live_recording import LiveRecording
from streamd.recording.poll_track import PollTrack
from streamd.relay.captions import Caption, Captions
from streamd.relay.cues import Cue
from streamd.relay.notices import NoticeCode
from streamd.relay.segmenter import Segment
from streamd.relay.stream import Stream

log = structlog.get_logger(__name__)

_AUDIO_ALONE: frozenset[Kind] = frozenset({"a"})

OnTrouble = Callable[[Trouble | None], None]
Begin = Callable[[Stream, float, OnTrouble], LiveRecording]


class Recorder:
    """Follows a stream's segments from the moment it is made until ``close``.

    A publication is one recording, however often its publisher comes back within the relay's
    patience. It goes on in a new one where it is longer than ``longest_seconds``, or where its set
    of tracks changes: a track cannot begin in the middle of a playlist.
    """

    def __init__(
        self,
        stream: Stream,
        captions: Captions,
        polls: PollTrack,
        begin: Begin,
        longest_seconds: float,
    ) -> None:
        self._stream = stream
        self._captions = captions
        self._polls = polls
        self._begin = begin
        self._longest = longest_seconds
        self._recording: LiveRecording | None = None
        self._previous: LiveRecording | None = None
        """Was long enough, and may still get the sound of its last pictures."""
        self._recorded_polls: set[str] = set()
        """Those that the recording has lines of."""
        self._started_at = 0.0
        self._gen = 0
        self._tracks: frozenset[Kind] | None = None
        self._trouble: Trouble | None = None
        self._unfollow = stream.window.follow(self._on_segment, self._on_end)
        self._unlisten = (
            captions.listen(self._on_caption),
            polls.listen(self._on_poll),
            stream.cues.listen(self._on_cue),
        )

    def close(self) -> None:
        """Follows no longer; what is being recorded ends here."""
        for unlisten in self._unlisten:
            unlisten()
        self._unfollow()
        self._on_end()

    def _on_segment(self, segment: Segment, init: Init) -> None:
        try:
            self._record(segment, init)
        except Exception:
            # We are called from within the relay: the broadcast goes on whatever happens here.
            log.exception("a segment was not recorded", stream=self._stream.id)

    def _record(self, segment: Segment, init: Init) -> None:
        if self._recording is not None:
            if self._has_other_tracks(segment):
                self._on_end()
            elif self._is_long(segment):
                self._end_previous()
                self._previous, self._recording = self._recording, None
        if self._recording is not None and self._previous is not None:
            if segment.kind == "a" and segment.begins + segment.seconds / 2 < self._started_at:
                self._previous.put(segment, init)
                return
            self._end_previous()
        if self._recording is None:
            self._started_at = segment.begins
            self._gen, self._tracks = segment.gen, self._tracks_of(segment)
            self._recording = self._begin(self._stream, segment.begins, self._on_trouble)
            self._recall(segment.begins)
        self._polls.flush(segment.begins + segment.seconds)
        self._recording.put(segment, init)

    def _recall(self, begins: float) -> None:
        """What a recording that begins at ``begins`` has to know of polls."""
        self._recorded_polls.clear()
        for line in self._polls.standing():
            self._on_poll(line, True)
        for cue in self._stream.cues:
            if cue.at >= begins and self._stream.cues.is_told(cue):
                self._on_cue(cue)

    def _on_caption(self, caption: Caption) -> None:
        if self._recording is not None:
            said = CaptionLine(
                caption.number, self._captions.language, caption.start, caption.end, caption.text
            )
            self._recording.say(said)

    def _on_poll(self, line: PollNote, joins: bool) -> None:
        if self._recording is None:
            return
        poll = line.id if isinstance(line, PollLine) else line.poll
        if joins:
            self._recorded_polls.add(poll)
        if poll in self._recorded_polls:
            self._recording.note(line)

    def _on_cue(self, cue: Cue) -> None:
        if self._recording is not None:
            self._recording.note(CueLine(cue.poll, cue.action.value, cue.at, cue.rev))

    def _on_end(self) -> None:
        if self._recording is not None:
            self._polls.flush()
            self._recording.end()
            self._recording = None
            self._tracks = None
        self._end_previous()

    def _end_previous(self) -> None:
        if self._previous is not None:
            self._previous.end()
            self._previous = None

    def _has_other_tracks(self, segment: Segment) -> bool:
        if segment.gen == self._gen:
            return False
        self._gen = segment.gen
        before, self._tracks = self._tracks, self._tracks_of(segment)
        return before is not None and self._tracks is not None and before != self._tracks

    def _is_long(self, segment: Segment) -> bool:
        is_long = segment.begins - self._started_at >= self._longest
        leads = segment.kind == "v" or self._tracks == _AUDIO_ALONE
        return is_long and leads and segment.independent

    def _tracks_of(self, segment: Segment) -> frozenset[Kind] | None:
        """The set of tracks of the segment's generation; None where that is over already."""
        try:
            join = self._stream.window.join("aac")
        except StreamError:
            return None
        return frozenset(join.tracks) if join.gen == segment.gen else None

    def _on_trouble(self, trouble: Trouble | None) -> None:
        if trouble is self._trouble:
            return
        self._trouble = trouble
        if trouble is None:
            self._stream.notices.drop(NoticeCode.RECORDING_STOPPED)
            log.info("recording goes on", stream=self._stream.id)
        else:
            # The notice writes the line to the log too.
            self._stream.notices.add(NoticeCode.RECORDING_STOPPED, reason=trouble.value)
