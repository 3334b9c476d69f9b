from __future__ import annotations

from loadtests import votes
from loadtests.report import Report
from loadtests.screens import Screen
from loadtests.votes import Plan, Round, Vote
from tests.loadtests.marks import needs_compiler

SMALL = Plan(
    voters=20,
    votes=60,
    subscribers=10,
    screens=5,
    rate=100,
    seconds=0.4,
    runs=1,
    processes=2,
    by_itself=4_000,
)


def ignore(_: str) -> None:
    return


def units(report: Report) -> dict[str, float]:
    return {figure.name: figure.median for figure in report.figures if figure.unit}


@needs_compiler
def test_a_small_run_counts_every_vote_and_audits() -> None:
    report = votes.run(SMALL, ignore)
    assert report.broken == []
    assert [one.name for one in report.figures if not one.unit] == [
        "paced: 100 votes/s into 2 polls in turn",
        "full speed, with 10 screens",
        "full speed, no screens",
        "the function by itself: no gateway, every batch on disk",
    ]
    measured = units(report)
    for name in ("vote → screens, p50", "vote → screens, p99", "vote → receipt, p99"):
        assert 0 < measured[name] < 60_000
    assert measured["acknowledged votes"] > 0
    assert measured["500 votes a call: one after another"] > 0
    assert 0 < measured["a voter, ledger drained"] < 400
    assert any(
        "tally = ledger = voters = 160; acknowledged 160, without an answer 0" in note
        for note in report.notes
    )


@needs_compiler
def test_a_killed_store_loses_no_acknowledged_vote() -> None:
    plan = Plan(voters=40, votes=2_000, subscribers=5, screens=2, kill_store=True)
    report = votes.run(plan, ignore)
    assert report.broken == []
    measured = units(report)
    assert measured["kill -9 → next receipt"] > 0
    assert measured["votes sent again meanwhile"] > 0
    assert any("voters = 2,000; acknowledged 2,000" in note for note in report.notes)


def test_a_round_is_read_from_its_votes_and_screens() -> None:
    ms = 1_000_000
    played = Round(
        votes=[
            Vote("a", 0, 10 * ms, 1, 0, 0),
            Vote("a", 5 * ms, 20 * ms, 2, 0, 0),
            Vote("a", 6 * ms, 0, 0, 0, 3),
        ],
        screens=[Screen(), Screen()],
        server_cpu=0,
        store_cpu=0,
        log_cpu=0,
        late_ms=0,
        killed_at=11 * ms,
    )
    for screen, time in zip(played.screens, (100, 130), strict=True):
        screen.take(time * ms, "a", 2)
    assert played.per_second == 2 / 0.020
    assert (played.ack_ms(0.5), played.ack_ms(1)) == (10, 15)
    assert (played.screen_ms(0.5), played.screen_ms(1)) == (125, 130)
    assert played.silent_seconds == 0.009
    played.screens.append(Screen())
    assert played.screen_ms(0.5) == float("inf")
