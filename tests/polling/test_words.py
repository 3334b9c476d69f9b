from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from polling.words import SHOWN, cloud


def test_an_answer_counts_a_word_once() -> None:
    assert cloud(["Water, water and WATER!", "clean water", "Jobs"]) == [
        ("water", 2),
        ("clean", 1),
        ("jobs", 1),
    ]


def test_persian_words_are_one_however_they_are_typed() -> None:
    # Arabic yeh and kaf beside the Persian ones; a non-joiner stays inside its word.
    assert cloud(["كتاب خوبي", "کتاب", "می\u200cخواهیم"])[0] == ("کتاب", 2)
    assert ("می\u200cخواهیم", 1) in cloud(["می\u200cخواهیم"])


def test_what_says_nothing_is_left_out() -> None:
    assert cloud(["the a و از", "x", "…", ""]) == []


@given(st.lists(st.text(max_size=50), max_size=30))
def test_a_cloud_is_bounded_and_ordered(answers: list[str]) -> None:
    words = cloud(answers)
    assert len(words) <= SHOWN
    assert all(1 <= count <= len(answers) for _, count in words)
    assert [count for _, count in words] == sorted((count for _, count in words), reverse=True)
    assert cloud(reversed(answers)) == words


def test_only_the_most_frequent_are_shown() -> None:
    answers = [f"word{number:03}" for number in range(100)] + ["often often", "often"]
    assert len(cloud(answers)) == SHOWN
    assert cloud(answers)[0] == ("often", 2)
