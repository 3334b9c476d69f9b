from __future__ import annotations

import re

import polling.errors as errors


def test_the_docstring_draws_the_whole_tree() -> None:
    drawn = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")
    classes = {
        name: value
        for name, value in vars(errors).items()
        if isinstance(value, type) and value is not errors.PollingError
    }
    assert sorted(drawn) == sorted(classes)
    assert all(issubclass(value, errors.PollingError) for value in classes.values())


def test_a_closed_poll_says_whether_it_is_too_early_or_too_late() -> None:
    assert "not opened yet" in str(errors.PollClosed("p", "draft"))
    assert "closed" in str(errors.PollClosed("p", "archived"))


def test_an_unknown_polls_name_is_shown_short() -> None:
    assert len(str(errors.UnknownPoll("x" * 10_000))) < 200
