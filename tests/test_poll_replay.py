"""What goes into recordings of polls: at the moment that viewers see, and never what is hidden."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from polling.model import Poll, Tally
from polling.poll_rules import PollRules, Results
from polling.questions import Asked, Kind, check_questions
from polling.rules import PollState
from streamd import config
from streamd.poll_replay import PollReplay
from streamd.recording.journal import PollLine, PollNote, TallyLine
from streamd.recording.poll_track import PollTracks
from streamd.relay.streams import Streams

NOW = 1_800_000_000.0
QUIZ = check_questions([Asked("Which?", Kind.QUIZ, ("a", "b"), right=("2",))])


class Told:
    """Polls told of to a recording of stream ``alef``, which viewers see 4 s late."""

    def __init__(self) -> None:
        self.polls: dict[str, Poll] = {}
        self.tracks = PollTracks()
        self.lines: list[PollNote] = []
        self.tracks.of("alef").listen(lambda line, _: self.lines.append(line))
        streams = Streams(config.Relay(), delay_seconds=4.0)
        streams.add("alef")
        self.replay = PollReplay(streams, self.tracks, self.polls.get, lambda: NOW)

    def poll(self, **fields: Any) -> Poll:
        poll = Poll("p", "alef", QUIZ, "HQ", 1.0, **{"state": PollState.OPEN, **fields})
        if poll.state is not PollState.DRAFT:
            poll = msgspec.structs.replace(poll, opened_at=2.0)
        self.polls[poll.id] = poll
        self.replay.on_poll(poll)
        return poll

    def tally(self, total: int, state: PollState = PollState.OPEN, **more: Any) -> TallyLine:
        """Tells the numbers; the line that came of it."""
        counts = {"1": total, "2": 0}
        self.replay.on_tally(Tally("p", state, total, total, counts, **more))
        self.tracks.of("alef").flush()
        line = self.lines[-1]
        assert isinstance(line, TallyLine)
        return line


@pytest.fixture
def told() -> Told:
    return Told()


def test_what_everybody_sees_of_a_poll(told: Told) -> None:
    told.poll(state=PollState.DRAFT)
    assert told.lines == []
    told.poll()
    (line,) = told.lines
    assert isinstance(line, PollLine)
    assert line.row["state"] == "open"
    assert line.row["questions"][0]["right"] is None
    assert line.row["tally"] is None


@pytest.mark.parametrize("results", ["after_vote", "after_close", "organiser"])
def test_what_the_rules_hide_is_not_written(told: Told, results: Results) -> None:
    told.poll(rules=PollRules(results=results))
    words = {"q1": [("secret", 1)]}
    line = told.tally(3, words=words, groups={"@tier.device": 3})
    assert (line.total, line.counts, line.words) == (3, None, None)
    last = told.tally(4, PollState.CLOSED, words=words)
    assert (last.counts is None) is (results == "organiser")
    assert (last.words is None) is (results == "organiser")


def test_live_results_and_words_are_written(told: Told) -> None:
    told.poll()
    line = told.tally(3, words={"q1": [("water", 2)]})
    assert line.counts == {"1": 3, "2": 0}
    assert line.words is not None
    assert [tuple(pair) for pair in line.words["q1"]] == [("water", 2)]


def test_a_poll_whose_rules_are_not_known_is_not_written(told: Told) -> None:
    told.poll()
    told.polls.clear()
    told.replay.on_tally(Tally("p", PollState.OPEN, 1, 1, {"1": 1}))
    assert len(told.lines) == 1


def test_late_answers_are_no_part_of_the_broadcast(told: Told) -> None:
    told.poll(late_of="another")
    told.replay.on_tally(Tally("p", PollState.OPEN, 1, 1, {"1": 1}))
    assert told.lines == []


def test_numbers_stand_at_the_picture_that_viewers_see(told: Told) -> None:
    told.poll()
    assert told.tally(1).at == NOW - 4.0
    told.poll(cue_lag=4.75)
    # A curve goes forward alone.
    assert told.tally(2).at == NOW - 4.0
    other = Told()
    other.poll(cue_lag=4.75)
    assert other.tally(2).at == NOW - 4.75


def test_a_stream_that_is_not_there_yet(told: Told) -> None:
    other = msgspec.structs.replace(told.poll(), id="q", stream="unmade")
    told.polls["q"] = other
    told.replay.on_poll(other)
    told.replay.on_tally(Tally("q", PollState.OPEN, 1, 1, {"1": 1}))
    poll, tally = told.tracks.of("unmade").standing()
    assert isinstance(poll, PollLine)
    assert isinstance(tally, TallyLine)
    assert tally.at == NOW
