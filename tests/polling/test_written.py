"""What viewers write, on the real store: held until approved, once a person, nobody named."""

from __future__ import annotations

import asyncio
import secrets

import pytest
from redis import Redis

from polling import qa, store_answers
from polling.errors import (
    IllegalMove,
    InvalidBallot,
    NoIdentity,
    NotEligible,
    PollClosed,
    TooManyAsked,
    UnknownItem,
    UnknownPoll,
)
from polling.model import Ballot, Poll
from polling.poll_rules import PollRules
from polling.qa import ITEM_MOVES, ItemMove, ItemState
from polling.questions import Asked, Kind
from polling.service import PollService
from polling.store import PollStore
from polling.store_answers import AnswerState
from polling.store_qa import QaStore
from tests.polling.conftest import Told, until

pytestmark = pytest.mark.cluster_too


async def opened(service: PollService, *asked: Asked, rules: PollRules | None = None) -> Poll:
    poll = await service.create_sheet("alef", asked, "HQ", rules)
    return await service.open(poll.id)


def said(poll: Poll, text: str) -> Ballot:
    return Ballot(poll.id, (), secrets.token_hex(16), secrets.token_hex(16), text)


async def held(service: PollService, poll: Poll) -> dict[str, str]:
    answers, _, total = await service.written.answers(poll.id, AnswerState.HELD)
    assert total == len(answers)
    return {answer.ballot_id: answer.text for answer in answers}


async def test_an_open_answer_is_seen_once_it_is_approved(service: PollService, told: Told) -> None:
    poll = await opened(service, Asked("Q", Kind.TEXT))
    good, bad = said(poll, "clean water"), said(poll, "rubbish")
    for voter, ballot in (("device:1", good), ("device:2", bad), ("device:1", good)):
        await service.cast(voter, ballot)
    assert await held(service, poll) == {good.ballot_id: "clean water", bad.ballot_id: "rubbish"}
    assert (await service.tally(poll.id)).words == {"q1": []}
    await service.written.judge_answer(poll.id, good.ballot_id, "", "approve")
    await service.written.judge_answer(poll.id, bad.ballot_id, "q1", "reject")
    words = [("clean", 1), ("water", 1)]
    assert (await service.tally(poll.id)).words == {"q1": words}
    await until(lambda: told.tallies[-1].words == {"q1": words})
    assert told.tallies[-1].counts == {"answers": 2}
    # A retry neither brings it back to the queue nor changes its verdict.
    await service.cast("device:2", bad)
    assert await held(service, poll) == {}
    # A verdict can be changed, after closing too.
    await service.close(poll.id)
    await service.written.judge_answer(poll.id, good.ballot_id, "", "reject")
    assert (await service.tally(poll.id)).words == {"q1": []}
    for entry, question in ((secrets.token_hex(16), ""), (good.ballot_id, "q2")):
        with pytest.raises(UnknownItem):
            await service.written.judge_answer(poll.id, entry, question, "approve")
    assert (await service.audit(poll.id)).ok


async def test_an_answer_that_is_not_counted_is_not_held(service: PollService) -> None:
    poll = await opened(service, Asked("Q", Kind.TEXT))
    await service.cast("device:1", said(poll, "first"))
    with pytest.raises(Exception, match="already voted"):
        await service.cast("device:1", said(poll, "second"))
    assert list((await held(service, poll)).values()) == ["first"]


@pytest.mark.one_server
async def test_held_answers_come_in_pages(
    service: PollService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_answers, "PAGE", 100)
    poll = await opened(service, Asked("Q", Kind.TEXT))
    await asyncio.gather(
        *(service.cast(f"device:{n}", said(poll, f"answer {n} " + "x" * 70)) for n in range(700))
    )
    seen: dict[str, str] = {}
    cursor, pages = 0, 0
    while True:
        answers, cursor, total = await service.written.answers(poll.id, AnswerState.HELD, cursor)
        seen |= {answer.ballot_id: answer.text for answer in answers}
        pages += 1
        if not cursor:
            break
    assert (len(seen), total) == (700, 700)
    assert pages > 1


async def test_the_order_of_answers_tells_nothing_of_when_they_came(service: PollService) -> None:
    poll = await opened(service, Asked("Q", Kind.TEXT))
    ids = [f"{number:032x}" for number in (7, 2, 9, 4)]
    for ballot_id in ids:
        await service.cast(
            f"device:{ballot_id}", Ballot(poll.id, (), ballot_id, secrets.token_hex(16), "x")
        )
    answers, _, _ = await service.written.answers(poll.id, AnswerState.HELD)
    assert [answer.ballot_id for answer in answers] == sorted(ids)


QA = Asked("Ask the candidate", Kind.QA)


async def asked(service: PollService, poll: Poll, voter: str, text: str = "Why?") -> str:
    item = qa.new_id()
    await service.written.ask(voter, poll.id, item, text, "device", "")
    return item


async def test_a_question_is_held_then_shown_then_answered(
    service: PollService, told: Told
) -> None:
    poll = await opened(service, QA)
    first = await asked(service, poll, "device:1", "  Why   now? ")
    second = await asked(service, poll, "device:2", "How?")
    assert [item.text for item in await service.written.items(poll.id)].count("Why now?") == 1
    assert (await service.tally(poll.id)).items == []
    for item in (first, second):
        shown = await service.written.judge_item(poll.id, item, "approve")
        assert shown.state is ItemState.SHOWN
    upvote = service.written.upvote
    assert await upvote("device:3", poll.id, second, "device", "") == 1
    assert await upvote("device:3", poll.id, second, "device", "") == 1
    assert await upvote("device:1", poll.id, second, "device", "") == 2
    tally = await service.tally(poll.id)
    assert [(item["id"], item["upvotes"]) for item in tally.items or ()] == [
        (second, 2),
        (first, 0),
    ]
    await until(lambda: told.tallies[-1].items == tally.items)
    await service.written.judge_item(poll.id, second, "answer")
    await service.written.judge_item(poll.id, first, "hide")
    items = (await service.tally(poll.id)).items or ()
    assert [(item["id"], item["state"]) for item in items] == [(second, "answered")]


@pytest.mark.one_server
async def test_every_move_of_an_item_does_what_the_table_says(service: PollService) -> None:
    poll = await opened(service, QA)
    ways: dict[ItemState, tuple[ItemMove, ...]] = {
        ItemState.HELD: (),
        ItemState.SHOWN: ("approve",),
        ItemState.ANSWERED: ("approve", "answer"),
        ItemState.HIDDEN: ("approve", "hide"),
    }
    moves: tuple[ItemMove, ...] = ("approve", "reject", "answer", "hide")
    for number, (state, way) in enumerate(ways.items()):
        for move in moves:
            item = await asked(service, poll, f"device:{number}{move}")
            for step in way:
                await service.written.judge_item(poll.id, item, step)
            if move in ITEM_MOVES[state]:
                moved = await service.written.judge_item(poll.id, item, move)
                assert moved.state is ITEM_MOVES[state][move]
            else:
                with pytest.raises(IllegalMove):
                    await service.written.judge_item(poll.id, item, move)
    with pytest.raises(UnknownItem):
        await service.written.judge_item(poll.id, qa.new_id(), "approve")


async def test_one_voter_puts_so_many_questions(service: PollService) -> None:
    poll = await opened(service, QA)
    item = await asked(service, poll, "device:1")
    # The same one, sent again, is the same one.
    await service.written.ask("device:1", poll.id, item, "Why?", "device", "")
    for _ in range(qa.ASKED_AT_MOST - 1):
        await asked(service, poll, "device:1")
    with pytest.raises(TooManyAsked):
        await asked(service, poll, "device:1")
    await asked(service, poll, "device:2")
    assert len(await service.written.items(poll.id)) == qa.ASKED_AT_MOST + 1


async def test_a_full_poll_takes_no_more_until_some_are_rejected(
    service: PollService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qa, "ITEMS_AT_MOST", 3)
    poll = await opened(service, QA)
    items = [await asked(service, poll, f"device:{n}") for n in range(3)]
    with pytest.raises(TooManyAsked):
        await asked(service, poll, "device:9")
    await service.written.judge_item(poll.id, items[0], "reject")
    await asked(service, poll, "device:9")


async def test_nothing_is_taken_past_the_deadline(service: PollService, polls: PollStore) -> None:
    poll = await opened(service, QA, rules=PollRules(duration_seconds=600))
    item = await asked(service, poll, "device:1")
    await service.written.judge_item(poll.id, item, "approve")
    deadline = poll.closes_at or 0.0
    # The poll is open until its clock has closed it.
    late = QaStore(polls.server, lambda: deadline + 0.5)
    with pytest.raises(PollClosed):
        await late.ask(poll.id, b"n" * 16, qa.new_id(), "Too late?")
    with pytest.raises(PollClosed):
        await late.upvote(poll.id, b"n" * 16, item)
    [only] = await service.written.items(poll.id)
    assert (only.id, only.upvotes) == (item, 0)
    assert await QaStore(polls.server, lambda: deadline).upvote(poll.id, b"n" * 16, item) == 1


async def test_what_viewers_may_not_do(service: PollService) -> None:
    poll = await opened(service, QA, rules=PollRules(who=("code",)))
    ordinary = await opened(service, Asked("Q", choices=("a", "b")))
    draft = await service.create_sheet("alef", [QA], "HQ")
    item = qa.new_id()
    ask, upvote = service.written.ask, service.written.upvote
    with pytest.raises(NoIdentity):
        await ask(None, poll.id, item, "Why?", "device", "")
    with pytest.raises(NotEligible):
        await ask("device:1", poll.id, item, "Why?", "device", "")
    with pytest.raises(InvalidBallot):
        await ask("device:1", ordinary.id, item, "Why?", "device", "")
    with pytest.raises(InvalidBallot):
        await service.cast("device:1", said(poll, "Why?"), "code")
    for text in ("", " ", "x" * 301, "a\u202eb"):
        with pytest.raises(InvalidBallot):
            await ask("code:1", poll.id, item, text, "code", "")
    with pytest.raises(InvalidBallot):
        await ask("code:1", poll.id, "x", "Why?", "code", "")
    with pytest.raises(UnknownPoll):
        await ask("code:1", "abcdefghij", item, "Why?", "code", "")
    with pytest.raises(PollClosed):
        await ask("device:1", draft.id, item, "Why?", "device", "")
    await ask("code:1", poll.id, item, "Why?", "code", "")
    with pytest.raises(UnknownItem):
        # It is held: nobody can know of it yet.
        await upvote("code:2", poll.id, item, "code", "")
    await service.written.judge_item(poll.id, item, "approve")
    await service.close(poll.id)
    with pytest.raises(PollClosed):
        await upvote("code:2", poll.id, item, "code", "")


async def test_the_store_names_nobody_who_asked(service: PollService, client: Redis) -> None:
    poll = await opened(service, QA)
    item = await asked(service, poll, "device:secretname")
    await service.written.judge_item(poll.id, item, "approve")
    await service.written.upvote("device:othername", poll.id, item, "device", "")
    for key in client.keys("*"):
        dumped = client.dump(key) or b""
        assert b"secretname" not in dumped
        assert b"othername" not in dumped
    (asker,) = client.hkeys(f"{{{poll.id}:0}}:asked")
    (voter,) = client.smembers(f"{{{poll.id}:0}}:upvoters")
    assert len(asker) == len(voter) == 16
    assert client.hgetall(f"{{{poll.id}:0}}:items") == {item.encode(): b"Why?"}
