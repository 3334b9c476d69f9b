"""Votes: real ballots over WebSockets into a real streamd and its durable store, before screens.

A *voter* has a connection and an identity of its own and votes once in each poll. A *screen*
is a subscriber of every poll. Three rounds, each on fresh polls:

- paced: votes at a steady rate, sent when due whatever became of those before (open loop)
- full: every voter's next vote follows the last one's receipt (closed loop), with screens
- alone: the same without screens, which leaves the cost of a vote by itself

Then the function that counts is measured by itself, which is what a store core can do.

Afterwards a sample of acknowledged votes is sent again, which must give the same receipts, and
every poll is audited: tally = ledger = voters = acknowledged votes.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from loadtests import machine, native, votes_store
from loadtests.fanout import CONNECT, listeners, settled
from loadtests.processes import Worker, cpu_seconds, pin, split_cores
from loadtests.report import Goal, Report, percentile
from loadtests.screens import Screen, read_screens
from loadtests.served import STREAM, Served, streamd
from streamd.config import Polls

ANSWER_SECONDS = 120.0
MOST_POLLS = 60
"""One screen subscribes to all polls of a round, and a connection may have 64 channels."""
AGAIN = 2_000
_LATE_MS = 20.0
_CROWD = Polls().crowd
"""Past so many connections streamd pushes tallies less often."""


@dataclass(frozen=True)
class Plan:
    """How much. ``votes`` are those of one full round; ``rate`` and ``seconds`` of a paced one."""

    voters: int = 900
    votes: int = 40_000
    subscribers: int = 1_000
    screens: int = 20
    rate: float = 2_000.0
    seconds: float = 10.0
    runs: int = 3
    processes: int = 1
    kill_store: bool = False
    by_itself: int = votes_store.VOTERS
    """Ballots for the function by itself."""

    @property
    def full_polls(self) -> int:
        """Polls in which each voter votes, in a full round."""
        return min(MOST_POLLS, max(1, round(self.votes / self.voters)))

    @property
    def paced_polls(self) -> int:
        """The same in a paced round."""
        return min(MOST_POLLS, max(1, round(self.rate * self.seconds / self.voters)))


@dataclass(frozen=True)
class Vote:
    """One vote as the generator saw it; times in ns, 0: not."""

    poll: str
    sent: int
    acknowledged: int
    position: int
    refused: int
    retries: int


@dataclass
class Round:
    """What one round gave. Times in ms, CPU in microseconds a vote."""

    votes: list[Vote]
    screens: list[Screen]
    server_cpu: float
    store_cpu: float
    log_cpu: float
    late_ms: float
    killed_at: int = 0
    again: tuple[int, int] = (0, 0)
    polls: list[str] = field(default_factory=list)

    @property
    def acknowledged(self) -> list[Vote]:
        """The votes that have a receipt."""
        return [vote for vote in self.votes if vote.acknowledged]

    @property
    def per_second(self) -> float:
        """Acknowledged votes a second, from the first vote sent to the last receipt."""
        known = self.acknowledged
        if not known:
            return 0.0
        span = max(vote.acknowledged for vote in known) - min(vote.sent for vote in known)
        return len(known) / span * 1e9

    def ack_ms(self, share: float) -> float:
        """Vote sent → receipt received."""
        return percentile([(v.acknowledged - v.sent) / 1e6 for v in self.acknowledged], share)

    def screen_ms(self, share: float) -> float:
        """Vote sent → shown on the last of the sampled screens."""
        shown = []
        for vote in self.acknowledged:
            seen = [screen.shown_at(vote.poll, vote.position) for screen in self.screens]
            times = [at for at in seen if at is not None]
            shown.append(
                (max(times) - vote.sent) / 1e6 if len(times) == len(seen) else float("inf")
            )
        return percentile(shown, share)

    @property
    def silent_seconds(self) -> float:
        """The longest time without a receipt after the store was killed."""
        after = sorted(v.acknowledged for v in self.acknowledged if v.acknowledged > self.killed_at)
        gaps = [later - earlier for earlier, later in itertools.pairwise([self.killed_at, *after])]
        return max(gaps, default=0) / 1e9


def run(plan: Plan, say: Callable[[str], None]) -> Report:
    """Measures, audits and reports."""
    title = f"votes: {plan.voters:,} voters, {plan.subscribers:,} screens, durable store"
    report = Report(title, machine.description())
    rounds: dict[str, list[Round]] = {}
    with tempfile.TemporaryDirectory(prefix="lt") as name, ExitStack() as stack:
        folder = Path(name)
        listener = native.build("listener", folder)
        served = stack.enter_context(streamd(folder / "var", STREAMD_POLLS_LOG_PROCESS="true"))
        voters = [
            stack.enter_context(Worker([sys.executable, "-m", "loadtests.voters"]))
            for _ in range(plan.processes)
        ]
        _connect(plan, served, voters)
        stage = _Stage(plan, served, voters, listener, folder)
        kinds = ["full"] if plan.kill_store else ["paced", "full", "alone"]
        for number in range(1 if plan.kill_store else plan.runs):
            for kind in kinds:
                say(f"run {number + 1}: {kind}")
                rounds.setdefault(kind, []).append(stage.play(kind))
        say("audit")
        _audit(report, served, [one for several in rounds.values() for one in several])
    _add_figures(report, plan, rounds)
    if not plan.kill_store:
        say("the function by itself")
        votes_store.add_figures(
            report,
            [
                [votes_store.count(size, plan.by_itself) for _ in range(plan.runs)]
                for size in votes_store.BATCHES
            ],
        )
    return report


def _connect(plan: Plan, served: Served, voters: Sequence[Worker]) -> None:
    for index, worker in enumerate(voters):
        first, end = (plan.voters * at // len(voters) for at in (index, index + 1))
        order = {"do": "connect", "port": served.feed_port, "secret": str(served.secret)}
        worker.tell(json.dumps(order | {"first": first, "count": end - first}))
    for worker in voters:
        worker.read(ANSWER_SECONDS)


@dataclass
class _Stage:
    plan: Plan
    served: Served
    voters: Sequence[Worker]
    listener: Path
    folder: Path

    def play(self, kind: str) -> Round:
        """One round on polls of its own."""
        plan = self.plan
        self._share_cores(kind)
        count = plan.paced_polls if kind == "paced" else plan.full_polls
        polls = [self._open_poll(number) for number in range(count)]
        for worker in self.voters:
            worker.ask(json.dumps({"do": "prepare", "polls": polls}), ANSWER_SECONDS)
        log = self.folder / "screens"
        with ExitStack() as stack:
            watching = None
            if kind != "alone":
                channels = (
                    {"id": n, "subscribe": {"channel": f"poll:{poll}"}}
                    for n, poll in enumerate(polls, 2)
                )
                messages = [CONNECT, *(json.dumps(one).encode() for one in channels)]
                watching = stack.enter_context(
                    listeners(
                        self.listener,
                        self.served.feed_port,
                        plan.subscribers,
                        messages,
                        samples=plan.screens,
                        log=log,
                    )
                )
                settled(watching)
            played = self._vote(plan.rate if kind == "paced" else None)
            if watching is not None:
                settled(watching)
                with log.open(encoding="utf-8") as lines:
                    played.screens = list(read_screens(lines).values())
        played.polls = polls
        played.again = self._again()
        for poll in polls:
            self.served.post(f"/api/v1/polls/{poll}/close", {})
        return played

    def _share_cores(self, kind: str) -> None:
        """At full speed the server has a core of its own; a paced round is as in real life."""
        server, others = split_cores()
        if kind == "paced":
            server = others = set(os.sched_getaffinity(0))
        pin(self.served.process.pid, server)
        for pid in (*self._beside, *(one.pid for one in self.voters)):
            pin(pid, others)

    @property
    def _beside(self) -> tuple[int, int]:
        """The processes that streamd has started: its store's, its logs'."""
        return self.served.store_pid, self.served.log_pid

    def _open_poll(self, number: int) -> str:
        question = {"question": f"Load test {number}?", "choices": ["One", "Two", "Three"]}
        answer = self.served.post(f"/api/v1/streams/{STREAM}/polls", question | {"open": True})
        return str(answer["id"])

    def _vote(self, rate: float | None) -> Round:
        measured = self.served.process.pid, *self._beside
        before = [cpu_seconds(pid) for pid in measured]
        results = [self.folder / f"votes-{index}" for index in range(len(self.voters))]
        for worker, path in zip(self.voters, results, strict=True):
            order = {
                "do": "vote",
                "rate": rate / len(self.voters) if rate else None,
                "seconds": ANSWER_SECONDS - 10,
                "results": str(path),
            }
            worker.tell(json.dumps(order))
        killed_at = 0
        late = 0.0
        for worker in self.voters:
            while "half" in (said := json.loads(worker.read(ANSWER_SECONDS))):
                if self.plan.kill_store and not killed_at:
                    killed_at = time.monotonic_ns()
                    self.served.kill_store()
            late = max(late, said["late_ms"])
        used = [cpu_seconds(pid) - at for pid, at in zip(measured, before, strict=True)]
        votes = [Vote(*row) for path in results for row in json.loads(path.read_text())]
        each = 1e6 / max(1, sum(1 for vote in votes if vote.acknowledged))
        server, store, logs = (seconds * each for seconds in used)
        return Round(votes, [], server, store, logs, late, killed_at)

    def _again(self) -> tuple[int, int]:
        order = {"do": "again", "count": AGAIN // len(self.voters), "seconds": 30}
        answers = [json.loads(one.ask(json.dumps(order), ANSWER_SECONDS)) for one in self.voters]
        return sum(one["asked"] for one in answers), sum(one["same"] for one in answers)


def _audit(report: Report, served: Served, rounds: Sequence[Round]) -> None:
    acknowledged: Counter[str] = Counter()
    unanswered: Counter[str] = Counter()
    for one in rounds:
        for vote in one.votes:
            (acknowledged if vote.acknowledged else unanswered)[vote.poll] += 1
            if vote.refused:
                report.broken.append(f"a vote in {vote.poll} was refused with {vote.refused}")
        asked, same = one.again
        if asked != same:
            report.broken.append(f"{asked - same} of {asked} receipts changed when asked again")
    polls = [poll for one in rounds for poll in one.polls]
    total = 0
    for audit in served.audit(polls):
        poll, counted = audit["poll"], audit["total"]
        total += counted
        report.broken += [f"{poll}: {difference}" for difference in audit["differences"]]
        least, most = acknowledged[poll], acknowledged[poll] + unanswered[poll]
        if not least <= counted <= most:
            report.broken.append(f"{poll}: {least} acknowledged, the tally says {counted}")
    asked = sum(one.again[0] for one in rounds)
    if not report.broken:
        waiting = sum(unanswered.values())
        report.notes.append(
            f"Audit of {len(polls)} polls: tally = ledger = voters = {total:,}; acknowledged "
            f"{sum(acknowledged.values()):,}, without an answer {waiting:,}. "
            f"{asked:,} votes sent again got the receipt that they had."
        )


def _add_figures(report: Report, plan: Plan, rounds: dict[str, list[Round]]) -> None:
    paced, full, alone = (rounds.get(kind, []) for kind in ("paced", "full", "alone"))
    if paced:
        report.section(f"paced: {plan.rate:,.0f} votes/s into {plan.paced_polls} polls in turn")
        report.add("vote → screens, p50", [r.screen_ms(0.5) for r in paced], "ms")
        goal = Goal("≤", 200.0 if plan.voters + plan.subscribers <= _CROWD else 400.0)
        report.add("vote → screens, p99", [r.screen_ms(0.99) for r in paced], "ms", goal)
        report.add("vote → receipt, p50", [r.ack_ms(0.5) for r in paced], "ms")
        report.add("vote → receipt, p99", [r.ack_ms(0.99) for r in paced], "ms")
        worst = max(one.late_ms for one in paced)
        if worst > _LATE_MS:
            report.notes.append(f"The generator itself was up to {worst:.0f} ms late (p99).")
    if full:
        report.section(f"full speed, with {plan.subscribers:,} screens")
        report.add("acknowledged votes", [r.per_second for r in full], "votes/s")
        report.add("vote → receipt, p50", [r.ack_ms(0.5) for r in full], "ms")
        report.add("vote → receipt, p99", [r.ack_ms(0.99) for r in full], "ms")
        report.add("vote → screens, p99", [r.screen_ms(0.99) for r in full], "ms")
        report.add("server CPU", [r.server_cpu for r in full], "µs/vote")
    if alone:
        report.section("full speed, no screens")
        report.add("acknowledged votes", [r.per_second for r in alone], "votes/s")
        report.add("server CPU", [r.server_cpu for r in alone], "µs/vote")
        server = [1e6 / r.server_cpu for r in alone]
        report.add("votes a server core", server, "votes/s", Goal("≥", 40_000))
        report.add("the logs' own process, CPU", [r.log_cpu for r in alone], "µs/vote")
        report.add("store CPU", [r.store_cpu for r in alone], "µs/vote")
        store = [1e6 / r.store_cpu for r in alone]
        report.add("votes a store core, as batched here", store, "votes/s")
    if plan.kill_store:
        report.add("kill -9 → next receipt", [r.silent_seconds for r in full], "s")
        retries = [float(sum(vote.retries for vote in one.votes)) for one in full]
        report.add("votes sent again meanwhile", retries, "votes")
    pace = Polls().pushes if plan.voters + plan.subscribers <= _CROWD else Polls().pushes_crowded
    report.notes.append(
        "At full speed the server has a core of its own; store and voters share the others. "
        f"With this many connections tallies are pushed {pace} times a second at most."
    )
    report.notes.append(
        f"vote → screens: from sending the vote to the moment the last of {plan.screens} sampled "
        "screens has a tally that includes its position; votes without an answer count as never."
    )
