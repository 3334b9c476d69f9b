"""The demo event: three invented candidates, two of them live, and simulated voters.

Everything runs on the real path: the clip is a real H.264 file played in a loop, the test card is
generated and encoded here as a broadcaster would, and simulated voters cast real ballots that are
counted once, on disk. What is simulated is marked so on every page (``event.simulated``).
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
import uuid
from pathlib import Path

import msgspec
import structlog

from polling.asker import Asker
from polling.errors import AlreadyVoted, PollClosed, PollingError
from polling.model import Ballot, Poll
from polling.rules import PollState
from polling.service import PollService
from streamd.app import App
from streamd.clips import BIG_BUCK_BUNNY
from streamd.config import Candidate, Config, Event
from streamd.relay.file_ingest import play as play_file
from streamd.relay.testcard import play as play_testcard

log = structlog.get_logger(__name__)

ELECTORATE = 4_000
POLL_SECONDS = 300
PAUSE_SECONDS = 15.0
LABEL = "demo"

CANDIDATES = (
    Candidate(
        stream="mina",
        number=12,
        name={"en": "Mina Darvand", "fa": "مینا داروند"},
        about={"en": "Teacher, invented for this demo", "fa": "آموزگار، ساختگی برای این نمایش"},
    ),
    Candidate(
        stream="kaveh",
        number=27,
        name={"en": "Kaveh Arastan", "fa": "کاوه آراستان"},
        about={"en": "Engineer, invented for this demo", "fa": "مهندس، ساختگی برای این نمایش"},
    ),
    Candidate(
        stream="sara",
        number=41,
        name={"en": "Sara Nikbin", "fa": "سارا نیک‌بین"},
        about={"en": "Physician, invented for this demo", "fa": "پزشک، ساختگی برای این نمایش"},
    ),
)
QUESTIONS = {
    "mina": (
        (
            "Which matter should the next debate begin with?",
            ("Work and wages", "Housing", "Water and climate", "Schools"),
        ),
        ("How clear was the last answer?", ("Very clear", "Mostly clear", "Unclear")),
        ("Should the debate be longer than an hour?", ("Yes", "No", "Just as it is")),
    ),
    "kaveh": (
        (
            "گفت‌وگوی بعدی با کدام موضوع آغاز شود؟",
            ("کار و دستمزد", "مسکن", "آب و اقلیم", "مدرسه‌ها"),
        ),
        ("پاسخ آخر چه‌قدر روشن بود؟", ("بسیار روشن", "کم‌وبیش روشن", "ناروشن")),
    ),
}


SPOKEN = {"mina": "en", "kaveh": "fa"}
"""The language in which each of the two asks."""


def demo_config(config: Config) -> Config:
    """``config`` with the demo's event, and a store of its own beside the real one."""
    event = Event(
        id="demo",
        title={"en": "Demo event: three candidates", "fa": "رویداد نمایشی: سه نامزد"},
        asker={"en": "Demo headquarters", "fa": "ستاد نمایشی"},
        candidates=CANDIDATES,
        simulated=True,
        delay_seconds=config.event.delay_seconds,
    )
    store = config.store
    if not store.url:
        store = msgspec.structs.replace(store, dir=str(Path(store.dir) / "demo"))
    # It loops for ever: of each stream the current recording and the one before are kept, ten
    # minutes in all, so that a demo never fills a disk.
    recording = msgspec.structs.replace(config.recording, longest_minutes=5, keep_newest=1)
    return msgspec.structs.replace(config, event=event, store=store, recording=recording)


class Demo:
    """Owns the two broadcasts and the simulated voters, for as long as ``run`` runs."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def issue_keys(self) -> dict[str, str]:
        """A fresh key for each candidate; those of an earlier demo stop working."""
        keys = self._app.keys
        for record in await keys.list():
            if record.label == LABEL:
                await keys.revoke(record.id)
        return {one.stream: (await keys.add(one.stream, LABEL))[0] for one in CANDIDATES}

    async def run(self) -> None:
        """Broadcasts and votes until cancelled."""
        streams = self._app.streams
        async with asyncio.TaskGroup() as group:
            group.create_task(play_file(BIG_BUCK_BUNNY, streams.get("mina")), name="demo clip")
            group.create_task(play_testcard(streams.get("kaveh")), name="demo test card")
            for stream in QUESTIONS:
                group.create_task(self._ask(stream), name=f"demo polls {stream}")

    async def _ask(self, stream: str) -> None:
        """One poll after the other, each with its own simulated electorate."""
        polls = self._app.polls
        for old in await polls.list(stream):
            if old.state is PollState.OPEN:
                await polls.close(old.id)
        name = self._app.config.event.asker
        for question, choices in itertools.cycle(QUESTIONS[stream]):
            poll = await polls.create(
                stream,
                question,
                choices,
                name[SPOKEN[stream]],
                duration_seconds=POLL_SECONDS,
                simulated=True,
                asked_by=Asker("headquarters", name),
            )
            poll = await polls.open(poll.id)
            await self._vote(poll)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _vote(self, poll: Poll) -> None:
        """Simulated voters come in waves until the poll closes."""
        chance = random.Random(poll.id)  # noqa: S311 (a simulation, not a secret)
        leaning = [chance.uniform(0.4, 1.6) for _ in poll.choices]
        voters = list(range(ELECTORATE))
        chance.shuffle(voters)
        while voters:
            wave = [voters.pop() for _ in range(min(len(voters), chance.randint(1, 8)))]
            outcomes = await asyncio.gather(
                *(self._cast(self._app.polls, poll, voter, chance, leaning) for voter in wave)
            )
            if not all(outcomes):
                return
            await asyncio.sleep(chance.uniform(0.1, 0.5))
        left = (poll.closes_at or 0) - time.time()
        await asyncio.sleep(max(left, 0))

    @staticmethod
    async def _cast(
        polls: PollService, poll: Poll, voter: int, chance: random.Random, leaning: list[float]
    ) -> bool:
        """False where the poll has closed; a store that is down is waited for."""
        choice = chance.choices(poll.choices, leaning)[0].id
        ballot = Ballot(poll.id, (choice,), uuid.uuid4().hex, uuid.uuid4().hex)
        while True:
            try:
                await polls.cast(f"simulated:{voter}", ballot)
            except PollClosed:
                return False
            except AlreadyVoted:
                return True
            except PollingError as error:
                log.debug("a simulated vote waits", reason=str(error))
                await asyncio.sleep(1)
            else:
                return True
