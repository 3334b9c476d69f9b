from __future__ import annotations

import json

from loadtests.screens import Screen, read_screens


def line(time: int, index: int, poll: str, seq: int) -> str:
    tally = {"poll": poll, "state": "open", "seq": seq, "total": seq, "counts": {"1": seq}}
    push = {"push": {"channel": f"poll:{poll}", "pub": {"data": tally, "offset": 2}}}
    return f"{time} {index} {json.dumps(push)}\n"


def test_a_vote_is_shown_with_the_first_tally_that_includes_it() -> None:
    screen = Screen()
    for time, seq in ((10, 3), (20, 3), (30, 8)):
        screen.take(time, "a", seq)
    assert [screen.shown_at("a", position) for position in (1, 3, 4, 8, 9)] == [
        10,
        10,
        30,
        30,
        None,
    ]
    assert screen.shown_at("b", 1) is None


def test_a_log_becomes_screens() -> None:
    lines = [
        '5 0 {"id":1,"connect":{"client":"x"}}\n',
        '6 0 {"id":2,"subscribe":{"data":{"poll":"a","seq":0}}}\n',
        line(10, 0, "a", 2),
        line(11, 50, "a", 2),
        line(20, 0, "b", 1),
        '30 0 {"push": {"chan',
    ]
    screens = read_screens(lines)
    assert sorted(screens) == [0, 50]
    assert screens[0].shown_at("a", 1) == 10
    assert screens[50].shown_at("a", 2) == 11
    assert screens[0].shown_at("b", 1) == 20
