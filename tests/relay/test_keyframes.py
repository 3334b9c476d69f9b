"""Wishes for a keyframe become at most one request a second; the last wish is kept."""

from __future__ import annotations

import asyncio

import pytest

from streamd.relay import keyframes
from streamd.relay.keyframes import KeyframeRequests
from tests.relay.recording import until


def requests(clock: list[float]) -> tuple[KeyframeRequests, list[float]]:
    asked: list[float] = []
    return KeyframeRequests(lambda: asked.append(clock[0]), lambda: clock[0]), asked


async def test_the_first_wish_goes_at_once_and_the_next_after_a_second() -> None:
    clock = [10.0]
    wishes, asked = requests(clock)
    wishes.want()
    clock[0] = 10.9
    wishes.want()
    wishes.want()
    assert asked == [10.0]
    clock[0] = 11.0
    await until(lambda: len(asked) > 1)
    assert asked == [10.0, 11.0], "all wishes within the second became one request at its end"
    clock[0] = 12.0
    wishes.want()
    assert asked == [10.0, 11.0, 12.0]
    wishes.close()


async def test_a_keyframe_answers_who_waited_and_a_closed_one_asks_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keyframes, "SPACING_SECONDS", 0.05)
    clock = [0.0]
    wishes, asked = requests(clock)
    wishes.want()
    wishes.want()
    wishes.came()
    await asyncio.sleep(0.1)
    assert asked == [0.0]
    wishes.want()
    wishes.close()
    await asyncio.sleep(0.1)
    assert asked == [0.0]
    wishes.want()
    assert asked == [0.0, 0.0], "the next publisher is asked at once"
    wishes.close()
