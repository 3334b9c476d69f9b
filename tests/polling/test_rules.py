from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polling import rules
from polling.errors import IllegalMove, InvalidBallot, InvalidPoll
from polling.rules import MOVES, Move, PollState


@pytest.mark.parametrize(
    ("state", "move", "to"),
    [
        (PollState.DRAFT, "schedule", PollState.SCHEDULED),
        (PollState.DRAFT, "open", PollState.OPEN),
        (PollState.DRAFT, "archive", PollState.ARCHIVED),
        (PollState.SCHEDULED, "schedule", PollState.SCHEDULED),
        (PollState.SCHEDULED, "open", PollState.OPEN),
        (PollState.SCHEDULED, "archive", PollState.ARCHIVED),
        (PollState.OPEN, "close", PollState.CLOSED),
        (PollState.CLOSED, "archive", PollState.ARCHIVED),
    ],
)
def test_legal_moves(state: PollState, move: Move, to: PollState) -> None:
    assert rules.after("p", state, move) is to


def test_every_other_move_is_refused_with_its_facts() -> None:
    moves: tuple[Move, ...] = ("schedule", "open", "close", "archive")
    refused = 0
    for state in PollState:
        for move in moves:
            if move not in MOVES[state]:
                with pytest.raises(IllegalMove) as caught:
                    rules.after("p", state, move)
                assert (caught.value.state, caught.value.move) == (state, move)
                refused += 1
    assert refused == 20 - 8


def test_no_state_leads_back() -> None:
    order = list(PollState)
    for state, moves in MOVES.items():
        onward = [to for to in moves.values() if to is not state]
        assert all(order.index(to) > order.index(state) for to in onward)
        assert all(rules.is_before(state, to) for to in onward)
        assert not rules.is_before(state, state)


@given(st.text())
def test_an_accepted_question_is_short_plain_and_stable(text: str) -> None:
    try:
        question = rules.check_question(text)
    except InvalidPoll:
        return
    assert 1 <= len(question) <= rules.QUESTION_CHARACTERS
    assert rules.check_question(question) == question
    question.encode()


def test_a_question_may_hold_persian_with_its_joiners() -> None:
    assert rules.check_question("  کدام‌یک اول؟ ") == "کدام‌یک اول؟"


@pytest.mark.parametrize("text", ["", "   ", "a\nb", "a\x00", "\ud800", "\u202eabc", "x" * 301])
def test_a_bad_question_is_refused(text: str) -> None:
    with pytest.raises(InvalidPoll):
        rules.check_question(text)


@pytest.mark.parametrize(
    "labels",
    [[], ["one"], [str(n) for n in range(11)], ["Yes", "yes "], ["a", ""], ["a", "b" * 101], "ab"],
)
def test_labels_are_two_to_ten_and_different(labels: list[str]) -> None:
    with pytest.raises(InvalidPoll) as caught:
        rules.check_labels(labels)
    assert caught.value.field == "choices"


def test_the_label_at_fault_is_named() -> None:
    with pytest.raises(InvalidPoll, match="Choice 2"):
        rules.check_labels(["a", "b\tc"])


def test_ten_labels_are_taken() -> None:
    assert len(rules.check_labels([f"choice {n}" for n in range(10)])) == 10


def test_a_label_that_is_not_text_is_refused() -> None:
    with pytest.raises(InvalidPoll, match="must be text"):
        rules.check_labels(["a", 2])  # type: ignore[list-item]


@pytest.mark.parametrize("seconds", [0, -1, True, 604_801])
def test_a_bad_duration_is_refused(seconds: int) -> None:
    with pytest.raises(InvalidPoll):
        rules.check_duration(seconds)


@pytest.mark.parametrize("seconds", [None, 1, 604_800])
def test_durations(seconds: int | None) -> None:
    assert rules.check_duration(seconds) == seconds


@pytest.mark.parametrize("stream", ["", "a b", "{a}", "a:b", "-a", "x" * 65])
def test_a_streams_id_cannot_break_a_key(stream: str) -> None:
    with pytest.raises(InvalidPoll):
        rules.check_stream(stream)


@pytest.mark.parametrize("name", ["", "abc", "ABCDEFGHIJ", "abcdefghi0", "{abcdefgh}"])
def test_what_is_no_polls_id(name: str) -> None:
    assert not rules.is_poll_id(name)


ID = "0123456789abcdef" * 2


def test_128_bits_are_read() -> None:
    assert rules.random_128(ID, "nonce") == bytes.fromhex(ID)


@pytest.mark.parametrize(
    "bad",
    ["", ID[:-1], ID + "0", ID.upper(), "g" * 32, " " * 32, ID + " ", ID[:30] + " ab", "é" * 32],
)
def test_ids_are_32_lower_case_hexadecimal_characters(bad: str) -> None:
    with pytest.raises(InvalidBallot, match="nonce"):
        rules.random_128(bad, "nonce")


@given(st.text())
def test_what_is_written_is_short_plain_and_stable(text: str) -> None:
    try:
        written = rules.check_written(text, "text", 200)
    except InvalidBallot:
        return
    assert 1 <= len(written) <= 200
    assert rules.check_written(written, "text", 200) == written
    written.encode()


@pytest.mark.parametrize("at", [999.0, 1e12, True, float("nan")])
def test_a_bad_opening_time_is_refused(at: float) -> None:
    with pytest.raises(InvalidPoll):
        rules.check_opens_at(at, 1_000.0)
    assert rules.check_opens_at(1_000.0, 1_000.0) == 1_000.0
