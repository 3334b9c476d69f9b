"""Every kind of question on the real store: what is counted, once, and what of it is seen."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from typing import Any

import pytest

from polling.answers import written_in
from polling.errors import (
    AlreadyVoted,
    BallotConflict,
    InvalidBallot,
    NotEligible,
    PollChanged,
    UnknownChoice,
)
from polling.model import Ballot, Poll
from polling.poll_rules import PollRules
from polling.questions import Asked, Kind, Scale
from polling.results import regions, summary
from polling.service import PollService
from polling.store import PollStore
from polling.visibility import Audience
from tests.polling.conftest import Serving, Told, until

pytestmark = pytest.mark.cluster_too

LABELS = ("a", "b", "c", "d")


async def opened(service: PollService, *asked: Asked, rules: PollRules | None = None) -> Poll:
    poll = await service.create_sheet("alef", asked, "HQ", rules)
    return await service.open(poll.id)


def ballot(poll: Poll, **answer: Any) -> Ballot:
    return Ballot(
        poll=poll.id, ballot_id=secrets.token_hex(16), nonce=secrets.token_hex(16), **answer
    )


async def cast_all(service: PollService, poll: Poll, sheets: Sequence[Sequence[str]]) -> None:
    await asyncio.gather(
        *(
            service.cast(f"device:{n}", ballot(poll, choices=tuple(choices)))
            for n, choices in enumerate(sheets)
        )
    )


async def test_multiple_choices_count_each_and_the_voter_once(service: PollService) -> None:
    poll = await opened(service, Asked("Q", Kind.MULTIPLE, LABELS, maximum=2))
    await cast_all(service, poll, [["1", "3"], ["3"], ["4", "3"]])
    tally = await service.tally(poll.id)
    assert (tally.total, tally.seq) == (3, 3)
    assert tally.counts == {"1": 1, "2": 0, "3": 3, "4": 1}
    with pytest.raises(InvalidBallot):
        await service.cast("device:9", ballot(poll, choices=("1", "2", "3")))
    assert (await service.audit(poll.id)).ok


async def test_the_order_of_several_choices_is_no_other_answer(service: PollService) -> None:
    poll = await opened(service, Asked("Q", Kind.MULTIPLE, LABELS))
    one = ballot(poll, choices=("1", "2"))
    turned = Ballot(poll.id, ("2", "1"), one.ballot_id, one.nonce)
    assert await service.cast("device:1", one) == await service.cast("device:1", turned)
    with pytest.raises(BallotConflict):
        await service.cast("device:1", Ballot(poll.id, ("2",), one.ballot_id, one.nonce))


async def test_a_rating_has_a_histogram_and_a_mean(service: PollService) -> None:
    poll = await opened(service, Asked("Q", Kind.RATING, scale=Scale(0, 10, "no", "yes")))
    await cast_all(service, poll, [["10"], ["0"], ["8"], ["10"]])
    tally = await service.tally(poll.id)
    assert [tally.counts[str(value)] for value in (0, 8, 10)] == [1, 1, 2]
    assert summary(poll, tally) == {"q1": {"answers": 4, "mean": 7.0}}
    with pytest.raises(UnknownChoice):
        await service.cast("device:9", ballot(poll, choices=("11",)))


async def test_a_ranking_is_counted_by_borda(service: PollService) -> None:
    poll = await opened(service, Asked("Q", Kind.RANKING, LABELS[:3]))
    await cast_all(service, poll, [["2", "1", "3"], ["2", "3", "1"], ["1", "2", "3"]])
    tally = await service.tally(poll.id)
    assert tally.counts == {"1": 3, "2": 5, "3": 1}
    assert tally.total == 3
    assert summary(poll, tally) == {"q1": {"answers": 3, "order": ["2", "1", "3"]}}


async def test_a_quiz_keeps_its_answer_while_votes_count(service: PollService, told: Told) -> None:
    poll = await opened(service, Asked("Q", Kind.QUIZ, LABELS, right=("3",)))
    await cast_all(service, poll, [["3"], ["1"]])
    before = await service.get(poll.id)
    assert before.to_dict()["questions"][0]["right"] is None
    assert "right" not in summary(before, await service.tally(poll.id))["q1"]
    shown = await service.moves.show(poll.id)
    assert told.polls[-1] == shown
    assert shown.to_dict()["questions"][0]["right"] is None
    assert "right" not in summary(shown, await service.tally(poll.id))["q1"]
    assert (await service.cast("device:5", ballot(poll, choices=("3",)))).seq == 3
    closed = await service.close(poll.id)
    assert closed.to_dict()["questions"][0]["right"] == ["3"]
    assert summary(closed, await service.tally(poll.id))["q1"] == {"answers": 3, "right": 2}


SURVEY = (
    Asked("A", choices=LABELS),
    Asked("B", Kind.MULTIPLE, LABELS, required=False),
    Asked("C", Kind.RATING),
    Asked("D", Kind.TEXT, required=False),
)


async def test_a_survey_is_answered_at_once_or_not_at_all(
    service: PollService, polls: PollStore
) -> None:
    poll = await opened(service, *SURVEY)
    for answers, refused in (
        ({"q1": ("1",)}, InvalidBallot),
        ({"q1": ("1",), "q3": ("9",)}, UnknownChoice),
        ({"q1": ("1",), "q3": ("5",), "q4": "x" * 201}, InvalidBallot),
    ):
        with pytest.raises(refused):
            await service.cast("device:1", ballot(poll, answers=answers))
    assert set((await service.tally(poll.id)).counts.values()) == {0}
    whole = ballot(poll, answers={"q1": ("2",), "q2": ("4", "1"), "q3": ("5",), "q4": "a  b"})
    receipt = await service.cast("device:1", whole)
    assert await service.cast("device:1", whole) == receipt
    tally = await service.tally(poll.id)
    counted = {name: number for name, number in tally.counts.items() if number}
    assert counted == {
        "q1.2": 1,
        "q2.1": 1,
        "q2.4": 1,
        "q2.answers": 1,
        "q3.5": 1,
        "q4.answers": 1,
    }
    assert (tally.total, tally.seq) == (1, 1)
    (entry,) = [entry async for entry in polls.ledger(poll.id, 0, 1)]
    assert written_in(poll, entry.answer) == {"q4": "a b"}
    with pytest.raises(AlreadyVoted):
        await service.cast("device:1", ballot(poll, answers={"q1": ("1",), "q3": ("1",)}))
    assert (await service.audit(poll.id)).ok


async def test_the_last_vote_counts_where_the_rules_say_so(service: PollService) -> None:
    poll = await opened(service, Asked("Q", Kind.MULTIPLE, LABELS), rules=PollRules(revote="last"))
    first = await service.cast("device:1", ballot(poll, choices=("1", "2")))
    second = await service.cast("device:1", ballot(poll, choices=("2", "3")))
    assert second.seq > first.seq
    tally = await service.tally(poll.id)
    assert tally.counts == {"1": 0, "2": 1, "3": 1, "4": 0}
    assert tally.total == 1
    assert tally.groups["@tier.device"] == 1
    assert (await service.audit(poll.id)).ok


async def test_a_poll_of_many_shards_is_exact_and_pushed_whole(
    service: PollService, told: Told
) -> None:
    poll = await opened(service, Asked("Q", Kind.MULTIPLE, LABELS), rules=PollRules(shards=7))
    sheets = [["1", "2"] if n % 3 else ["3"] for n in range(60)]
    await cast_all(service, poll, sheets)
    await until(lambda: bool(told.tallies) and told.tallies[-1].total == 60)
    closed = await service.close(poll.id)
    assert closed.shards == 7
    last = told.tallies[-1]
    assert (last.state, last.total) == ("closed", 60)
    assert last.counts == {"1": 40, "2": 40, "3": 20, "4": 0}
    assert (await service.audit(poll.id)).ok


async def test_only_those_who_may_vote_do(service: PollService) -> None:
    rules = PollRules(who=("platform", "code"), regions=("tehran",))
    poll = await opened(service, Asked("Q", choices=LABELS), rules=rules)
    for tier, region, why in (
        ("device", "tehran", "tier"),
        ("code", "qom", "region"),
        ("code", "", "region"),
    ):
        with pytest.raises(NotEligible) as caught:
            await service.cast("x:1", ballot(poll, choices=("1",)), tier, region)
        assert caught.value.why == why
    assert (await service.cast("x:1", ballot(poll, choices=("1",)), "code", "tehran")).seq == 1


async def test_groups_under_ten_are_withheld_and_wait_for_the_end(
    service: PollService,
) -> None:
    poll = await opened(service, Asked("Q", choices=LABELS[:2]))
    voters = [("device", "tehran", "12"[n < 12]) for n in range(24)]
    voters += [("code", "qom", "12"[n < 11]) for n in range(22)]
    voters += [("platform", "yazd", "1")] * 3
    await asyncio.gather(
        *(
            service.cast(f"{tier}:{n}", ballot(poll, choices=(choice,)), tier, region)
            for n, (tier, region, choice) in enumerate(voters)
        )
    )
    tally = await service.tally(poll.id)
    assert poll.to_dict(tally, Audience.ORGANISER)["tier_results"] == {}
    assert regions(poll, tally, Audience.ORGANISER) == {}
    closed = await service.close(poll.id)
    last = await service.tally(poll.id)
    assert closed.to_dict(last)["tier_results"] == {"device": 24, "platform": None, "code": None}
    assert regions(closed, last) == {
        "qom": {"total": None, "counts": {"1": None, "2": None}},
        "tehran": {"total": 24, "counts": {"1": 12, "2": 12}},
        "yazd": {"total": None, "counts": {"1": None, "2": None}},
    }


async def test_who_voted_sees_what_voters_see(service: PollService) -> None:
    poll = await opened(service, Asked("Q", choices=LABELS), rules=PollRules(results="after_vote"))
    mine = ballot(poll, choices=("2",))
    assert (await service.seen_tally(poll.id, mine.ballot_id))["counts"] is None
    await service.cast("device:1", mine)
    everyone = await service.seen_tally(poll.id)
    assert (everyone["counts"], everyone["total"]) == (None, 1)
    seen = await service.seen_tally(poll.id, mine.ballot_id)
    assert seen["counts"] == {"1": 0, "2": 1, "3": 0, "4": 0}
    assert (await service.seen_tally(poll.id, secrets.token_hex(16)))["counts"] is None
    await service.close(poll.id)
    assert (await service.seen_tally(poll.id))["counts"] == seen["counts"]


async def test_a_ballot_for_an_earlier_version_is_refused(service: PollService) -> None:
    poll = await opened(service, Asked("Q", choices=LABELS))
    changed = await service.moves.edit(poll.id, [Asked("R", choices=("x", "y"))])
    with pytest.raises(PollChanged):
        await service.cast("device:1", ballot(poll, choices=("1",), version=1))
    assert (await service.cast("device:1", ballot(changed, choices=("1",), version=2))).seq == 1


async def test_another_process_learns_of_an_edit_by_the_vote(serving: Serving) -> None:
    async with serving() as first, serving() as second:
        poll = await opened(first, Asked("Q", choices=LABELS))
        with pytest.raises(UnknownChoice):
            await second.cast("device:1", ballot(poll, choices=("9",)))
        await first.moves.edit(poll.id, [Asked("R", choices=("x", "y"))])
        with pytest.raises(UnknownChoice):
            await second.cast("device:1", ballot(poll, choices=("4",)))
        await second.cast("device:1", ballot(poll, choices=("2",)))
        assert (await first.tally(poll.id)).counts == {"1": 0, "2": 1}
