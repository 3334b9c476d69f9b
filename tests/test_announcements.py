"""Announcements over a real store: which polls viewers are shown, when, and to whom."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from polling.model import Ballot, Tally
from polling.poll_keys import PollKeys
from polling.poll_rules import PollRules
from polling.questions import Asked, Kind
from polling.rules import PollState
from polling.service import PollService
from polling.store import PollStore
from streamd import config
from streamd.announcements import Announcements
from streamd.feeds.codes import UnknownChannel
from streamd.feeds.hub import Hub
from streamd.relay.streams import Streams
from streamd.store import Store

PATIENCE_SECONDS = 20


class HeardHub(Hub):
    """A hub that keeps what was published."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[str, Mapping[str, object]]] = []
        self.amended: list[tuple[str, Mapping[str, object]]] = []

    def publish(self, channel: str, payload: Mapping[str, object]) -> None:
        """Keeps ``payload``, then publishes it."""
        self.heard.append((channel, payload))
        super().publish(channel, payload)

    def amend(self, channel: str, payload: Mapping[str, object]) -> None:
        """Keeps ``payload`` as what subscribers might have been sent, and amends."""
        self.amended.append((channel, payload))
        super().amend(channel, payload)

    def newest(self, channel: str) -> Mapping[str, object] | None:
        """What was last published on ``channel``."""
        return next((row for name, row in reversed(self.heard) if name == channel), None)


class Stage:
    """Streams, polls and announcements wired as in app.py."""

    def __init__(self, store: Store, home: Path) -> None:
        self.hub = HeardHub()
        self.streams = Streams(config.Relay())
        self.streams.add("alef")
        self.polls = PollService(
            PollStore.at(store.address),
            PollKeys(home / "keys"),
            config.Polls(),
            on_tally=lambda tally: self.announcements.on_tally(tally),
            on_waiting_tally=lambda tally: self.announcements.on_waiting_tally(tally),
            on_poll=lambda poll: self.announcements.on_poll(poll),
        )
        event = config.Event(id="test")
        self.announcements = Announcements(self.hub, self.streams, self.polls, event)
        self.announcements.provide()

    async def ask(self, question: str) -> str:
        """A new draft's id."""
        return (await self.polls.create("alef", question, ["Yes", "No"], "Me")).id

    async def shown(self, *expected: str) -> None:
        """Waits until ``stream:alef`` shows these polls in this order."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self._shown() != list(expected):
                await asyncio.sleep(0.02)

    def _shown(self) -> list[str]:
        row = self.hub.newest("stream:alef")
        polls = row["polls"] if row else None
        return [poll["id"] for poll in polls] if isinstance(polls, list) else ["nothing yet"]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage whose announcements run."""
    store = Store(config.Store(dir=str(tmp_path)))
    await store.start()
    stage = Stage(store, tmp_path)
    await stage.polls.start()
    running = asyncio.create_task(stage.announcements.run())
    yield stage
    running.cancel()
    await asyncio.wait([running])
    await stage.polls.stop()
    await stage.streams.close()
    await store.stop()


async def test_an_open_poll_comes_first_whenever_it_was_drafted(stage: Stage) -> None:
    draft = await stage.ask("Drafted first?")
    later = await stage.ask("Asked at once?")
    await stage.shown()
    await stage.polls.open(later)
    await stage.shown(later)
    await stage.polls.close(later)
    await stage.polls.open(draft)
    await stage.shown(draft, later)
    for number in range(4):
        other = await stage.ask(f"Number {number}?")
        await stage.polls.open(other)
        await stage.polls.close(other)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (row := stage.hub.newest("stream:alef")) is None or other not in str(row):
            await asyncio.sleep(0.02)
    polls = row["polls"]
    assert isinstance(polls, list)
    assert polls[0]["id"] == draft
    assert len(polls) == 3


async def test_the_event_tells_of_every_stream(stage: Stage) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (row := stage.hub.newest("event:test")) is None:
            await asyncio.sleep(0.02)
    assert row == {
        "id": "test",
        "streams": [
            {
                "id": "alef",
                "state": "idle",
                "viewers": 0,
                "started_at": None,
                "delay_seconds": 0.0,
            }
        ],
    }


@pytest.mark.parametrize("channel", ["stream:nobody", "poll:nothing", "event:other"])
async def test_there_is_no_channel_for_what_there_is_not(stage: Stage, channel: str) -> None:
    with pytest.raises(UnknownChannel):
        await stage.hub.provider(channel).prepare(channel)


async def test_what_a_polls_rules_hide_is_never_published(stage: Stage) -> None:
    asked = [Asked("Which?", Kind.QUIZ, ("Yes", "No"), right=("2",))]
    sheet = await stage.polls.create_sheet("alef", asked, "Me", PollRules(results="after_close"))
    channel = f"poll:{sheet.id}"
    with pytest.raises(UnknownChannel):
        await stage.hub.provider(channel).prepare(channel)
    await stage.polls.open(sheet.id)
    ballot = Ballot(sheet.id, ("1",), secrets.token_hex(16), secrets.token_hex(16))
    await stage.polls.cast("device:1", ballot)
    waiting = Tally(sheet.id, PollState.OPEN, 1, 1, {"1": 1, "2": 0})
    stage.announcements.on_waiting_tally(waiting)
    name, amended = stage.hub.amended[-1]
    assert (name, amended["total"], amended["counts"]) == (channel, 1, None)

    async def published(state: str) -> Mapping[str, object]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                row = stage.hub.newest(channel)
                if row is not None and row["state"] == state and row["total"] == 1:
                    return row
                await asyncio.sleep(0.02)

    assert (await published("open"))["counts"] is None
    assert (await stage.polls.seen_tally(sheet.id))["counts"] is None
    await stage.shown(sheet.id)
    (row,) = _polls(stage)
    assert row["tally"]["counts"] is None
    assert row["questions"][0]["right"] is None
    heard = stage.hub.heard + stage.hub.amended
    told = [str(payload) for name, payload in heard if name != "event:test"]
    assert not [text for text in told if "'1': 1" in text or "'right': ['2']" in text]
    await stage.polls.close(sheet.id)
    assert (await published("closed"))["counts"] == {"1": 1, "2": 0}
    async with asyncio.timeout(PATIENCE_SECONDS):
        while _polls(stage)[0]["questions"][0]["right"] != ["2"]:
            await asyncio.sleep(0.02)


def _polls(stage: Stage) -> list[dict[str, Any]]:
    row = stage.hub.newest("stream:alef")
    assert row is not None
    polls: Any = row["polls"]
    return list(polls)
