"""A crowd that asks for the same, and lists of polls that cost the store little."""

from __future__ import annotations

import asyncio

import pytest

from streamd.web.shared_answers import KEPT, SharedAnswers
from tests.server import Server
from tests.web.client import Client, ballot


async def test_a_crowd_has_one_answer_made(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, state, made = [10.0], [0], [0]
    monkeypatch.setattr("streamd.web.shared_answers.time.monotonic", lambda: clock[0])
    answers: SharedAnswers[int] = SharedAnswers()

    async def make() -> int:
        await asyncio.sleep(0)
        made[0] += 1
        return made[0]

    async def asking(asked: str) -> int:
        return await answers.of(asked, make, lambda: state[0])

    assert await asyncio.gather(*[asking("a") for _ in range(100)]) == [1] * 100
    clock[0] += 0.99
    assert await asking("a") == 1
    clock[0] += 0.01
    assert await asking("a") == 2
    state[0] += 1
    assert await asking("a") == 3
    for other in range(KEPT):
        await asking(str(other))
    assert await asking("a") == KEPT + 4


async def test_what_failed_is_made_anew() -> None:
    answers: SharedAnswers[str] = SharedAnswers()

    async def fail() -> str:
        raise OSError("away")

    async def make() -> str:
        return "here"

    with pytest.raises(OSError, match="away"):
        await answers.of("a", fail)
    assert await answers.of("a", make) == "here"


def test_lists_for_everybody_are_shared_and_follow_every_move(
    server: Server, stream_key: str, visitor: Client
) -> None:
    asked = {"question": "Which?", "choices": ["One", "Two"], "open": True}
    desk = Client(server)
    row = desk.ask("POST", "/api/v1/streams/alef/polls", asked, key=stream_key).json
    path = f"/api/v1/polls/{row['id']}"

    def listed(key: str | None = None) -> dict[str, object]:
        rows = visitor.ask("GET", "/api/v1/polls?stream=alef", key=key).json["polls"]
        found: dict[str, object] = next(one for one in rows if one["id"] == row["id"])
        return found

    assert listed()["state"] == "open"
    assert visitor.ask("POST", f"{path}/votes", ballot("1")).status == 200
    # The organiser's own list is read each time.
    mine = listed(stream_key)["tally"]
    assert isinstance(mine, dict)
    assert mine["total"] == 1
    assert desk.ask("POST", f"{path}/close", {}, key=stream_key).status == 200
    assert listed()["state"] == "closed"
