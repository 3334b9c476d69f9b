"""A recording's polls: their pictures, their curves, their marks in playlists, torn journals."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streamd.recording import polls
from streamd.recording.journal import CueLine, Journal, Line, PollLine, TallyLine, decode, encode
from streamd.recording.playlists import MediaPlaylist
from streamd.relay.cues import Action, Cue
from tests.recording.segments import ORIGIN, journal, line


def row(poll: str = "p", at: float = 1.0, **more: Any) -> dict[str, Any]:
    """What is told of a poll that opens at a picture ``at`` seconds after ORIGIN."""
    cue = {"open": ORIGIN + at, "close": None, "show": None, "lag": 0.5}
    return {"id": poll, "cue": cue, "opened_at": ORIGIN + at, "closed_at": None, **more}


def tally(at: float, total: int, **more: Any) -> TallyLine:
    return TallyLine("p", ORIGIN + at, total, None, **more)


def test_every_poll_with_its_cue_and_its_curve() -> None:
    words = {"q1": [("water", 2)]}
    lines: list[Line] = [
        PollLine("late", row("late", 9.0)),
        PollLine("p", row()),
        tally(1.5, 1),
        TallyLine("p", ORIGIN + 3, 2, {"1": 2}, words),
        PollLine("p", row(state="closed", closed_at=ORIGIN + 8)),
        tally(4, 2),
    ]
    made = journal()
    for one in lines:
        made.add(one)
    document = polls.read(polls.written(made))
    first, second = document.polls
    assert first.poll["state"] == "closed"
    assert first.cue == {"open": ORIGIN + 1, "close": ORIGIN + 7.5, "show": None}
    assert first.curve == [
        (ORIGIN + 1.5, 1, None),
        (ORIGIN + 3, 2, {"1": 2}, {"q1": [["water", 2]]}),
        (ORIGIN + 4, 2, None),
    ]
    assert (second.poll["id"], second.curve, second.late) == ("late", [], None)


def test_what_had_no_cue_is_placed_by_the_wall_clock() -> None:
    plain = {"cue": None, "opened_at": 100.0, "closed_at": 160.0, "shown_at": None}
    assert polls.cue_of(plain, 4.0) == {"open": 96.0, "close": 156.0, "show": None}
    cued = {
        "cue": {"open": 90.0, "close": 150.0, "show": 170.0, "lag": 5.0},
        "opened_at": 93.0,
        "closed_at": 170.0,
        "shown_at": 160.0,
    }
    assert polls.cue_of(cued, 4.0) == {"open": 90.0, "close": 150.0, "show": 170.0}
    # Closed by hand while nothing was on air, before the picture that was planned for it.
    assert polls.cue_of({**cued, "closed_at": 120.0}, 4.0)["close"] == 115.0
    planned = {**cued, "closed_at": None}
    assert polls.cue_of(planned, 4.0)["close"] == 150.0


def test_cues_stand_where_their_picture_is_in_every_track() -> None:
    made = journal()
    opens = Cue("p", Action.OPEN, ORIGIN + 3.25)
    growing = {"v": MediaPlaylist(made, "v"), "a": MediaPlaylist(made, "a")}
    texts: dict[str, str] = {"v": "", "a": ""}
    for n in range(4):
        if n == 1:
            made.add(CueLine("p", "open", ORIGIN + 3.25))
            made.add(CueLine("p", "close", ORIGIN + 60.0))
        for kind in ("v", "a"):
            made.add(line("v" if kind == "v" else "a", n))
            text = growing[kind].text(target_seconds=6, ended=False)
            assert text.startswith(texts[kind])
            texts[kind] = text
    mark = (
        f'#EXT-X-DATERANGE:ID="{opens.id}",CLASS="streamd.poll",'
        'START-DATE="2027-01-15T08:00:03.250Z",X-POLL="p",X-ACTION="open",X-REV="0"\n'
    )
    for kind in ("v", "a"):
        before, after = texts[kind].split(mark)
        assert before.endswith(f"{kind}-0.m4s\n")
        assert f"{kind}-1.m4s" in after.splitlines()[2]
        ended = growing[kind].text(target_seconds=6, ended=True)
        assert ended == MediaPlaylist(made, "v" if kind == "v" else "a").text(
            target_seconds=6, ended=True
        )
        assert ended.count("#EXT-X-DATERANGE") == 1


def test_a_cue_that_is_told_late_changes_nothing_that_was_listed() -> None:
    made = journal(line("v", 0), line("v", 1))
    growing = MediaPlaylist(made, "v")
    first = growing.text(target_seconds=6, ended=False)
    made.add(CueLine("p", "show", ORIGIN + 0.5))
    assert growing.text(target_seconds=6, ended=False) == first
    made.add(line("v", 2))
    second = growing.text(target_seconds=6, ended=False)
    assert second.startswith(first + "#EXT-X-DATERANGE:")


def test_a_close_that_was_moved_is_listed_where_it_went() -> None:
    made = journal(line("v", 0))
    growing = MediaPlaylist(made, "v")
    growing.text(target_seconds=6, ended=False)
    made.add(CueLine("p", "close", ORIGIN + 3.0))
    made.add(CueLine("p", "close", ORIGIN + 5.0, 1))
    made.add(line("v", 1))
    made.add(line("v", 2))
    text = growing.text(target_seconds=6, ended=False)
    assert text.count("#EXT-X-DATERANGE") == 1
    assert f'ID="{Cue("p", Action.CLOSE, ORIGIN + 5.0, 1).id}"' in text
    assert text.index("v-1.m4s") < text.index("X-REV") < text.index("v-2.m4s")


LINES: list[Line] = [
    PollLine("p", row()),
    line("v", 0),
    CueLine("p", "open", ORIGIN + 1),
    tally(1.5, 1),
    tally(2.5, 2, words={"q1": [("آب", 2)]}),
    PollLine("p", row(state="closed")),
]
TEXT = encode(LINES)


@given(st.integers(0, len(TEXT)))
def test_cut_off_anywhere_the_whole_lines_are_there(length: int) -> None:
    whole = TEXT[:length].count(b"\n")
    complete = whole + (TEXT[length : length + 1] == b"\n")
    found = decode(TEXT[:length])
    expected = Journal()
    for one in LINES[:complete]:
        expected.add(one)
    assert found.polls == expected.polls
    assert polls.document(found.polls, 0.0) == polls.document(expected.polls, 0.0)
