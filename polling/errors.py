"""Every error polling raises on purpose.

    PollingError
    ├── PollError              about one poll; ``.poll``
    │   ├── UnknownPoll        no such poll
    │   ├── IllegalMove        the poll's state does not allow this; ``.state``, ``.move``
    │   │   ├── DeadlinePassed its close has been seen: the deadline can't be moved any more
    │   │   └── DeadlineSpent  the deadline was moved as often as may be
    │   ├── PollLocked         it has a vote, is over, or takes late answers: it can't change
    │   ├── PollKeyLost        the poll is open and its key file is gone
    │   ├── LedgerBroken       ledger and position disagree; nothing more is counted
    │   ├── NotMerged          what is asked for is not in the log yet; ``.seconds``
    │   ├── NotInLog           the log has no such leaf, size or statement, nor will it
    │   ├── LogForked          the log on this disk is not the one that was published
    │   └── VoteRefused        the vote was not counted and never will be as it is
    │       ├── UnknownChoice  ``.choice``
    │       ├── PollClosed     ``.state``: not open yet, or closed
    │       ├── NotEligible    ``.why``: the rules leave this voter's "tier" or "region" out
    │       ├── PollChanged    the poll was edited after its voter had read it
    │       ├── TooManyAsked   this voter has put as many questions as the poll takes
    │       ├── UnknownItem    no such question from a viewer, or not one to vote for
    │       ├── AlreadyVoted   this voter's vote is counted, under another ballot_id
    │       └── BallotConflict this ballot_id is counted with other choices
    ├── NoIdentity             the caller is anonymous
    ├── NoteRejected           a signed note, a key, a receipt or a proof does not hold
    ├── InvalidPoll            ``.field``: what is asked breaks a rule
    ├── InvalidBallot          ``.field``: the ballot has not the shape of one
    └── NotCounted             not acknowledged: try again with the same ballot_id
        ├── StoreDown          Valkey does not answer
        │   └── StoreUnsafe    it may answer before it has a write on disk
        └── Busy               too many votes are waiting

``str(error)`` is a sentence for people; facts stand in attributes. Whoever serves polls turns
these into HTTP or WebSocket codes.
"""

from __future__ import annotations


class PollingError(Exception):
    """Base of all errors raised on purpose."""


class PollError(PollingError):
    """Something about one poll."""

    def __init__(self, message: str, poll: str) -> None:
        super().__init__(message)
        self.poll = poll


class UnknownPoll(PollError):
    """No such poll."""

    def __init__(self, poll: str) -> None:
        super().__init__(f"There is no poll “{poll[:64]}”.", poll)


class IllegalMove(PollError):
    """The poll's state does not allow this move."""

    def __init__(self, poll: str, state: str, move: str) -> None:
        super().__init__(
            f"Poll “{poll}” is {state}: it is too late or too early to {move} it.", poll
        )
        self.state = state
        self.move = move


class DeadlinePassed(IllegalMove):
    """The poll's close is on its viewers' screens: its deadline can't be moved any more."""

    def __init__(self, poll: str) -> None:
        super().__init__(poll, "open", "extend")
        self.args = (
            "The time for this poll is over on its viewers' screens, so it can't be changed any "
            "more. Ask a new one.",
        )


class DeadlineSpent(IllegalMove):
    """The poll's deadline was moved as often as may be."""

    def __init__(self, poll: str, most: int) -> None:
        super().__init__(poll, "open", "extend")
        self.args = (
            f"This poll's deadline was moved {most} times, which is the most there may be. Let it "
            "run out or close it by hand.",
        )


class PollLocked(PollError):
    """It has a vote, is over, or takes another one's late answers: what it asks can't change."""

    def __init__(self, poll: str) -> None:
        super().__init__(
            "This poll can't be changed any more: it has a vote, it is over, or it takes the late "
            "answers of another one. Ask a new one.",
            poll,
        )


class PollKeyLost(PollError):
    """The poll is open and its key file is gone: who has voted can no longer be told."""

    def __init__(self, poll: str) -> None:
        super().__init__(
            f"The key of poll “{poll}” is missing, so a second vote by one person could not be "
            "told from a first. No vote is taken: put the key file back, or close the poll.",
            poll,
        )


class LedgerBroken(PollError):
    """The ledger's length and the last position disagree; nothing is counted on top of that."""

    def __init__(self, poll: str) -> None:
        super().__init__(
            f"The ledger of poll “{poll}” does not match its tally. Nothing was counted; "
            "run “python -m polling audit” to see where they differ.",
            poll,
        )


class NotMerged(PollError):
    """What is asked for is not in the log yet; ``seconds`` is when to ask again."""

    def __init__(self, poll: str, message: str, seconds: int = 5) -> None:
        super().__init__(message, poll)
        self.seconds = seconds


class NotInLog(PollError):
    """The log has no such leaf, size or statement, and waiting changes nothing."""

    def __init__(self, poll: str, message: str) -> None:
        super().__init__(message, poll)


class LogForked(PollError):
    """The log on this disk is not the one that was published: nothing is added to it."""

    def __init__(self, poll: str, here: int, published: int) -> None:
        super().__init__(
            f"The log of poll “{poll}” has {here} leaves on this disk, and another one with "
            f"{published} leaves was published. Bring var/log and var/ledger back from the machine "
            "or the backup that has it; nothing is added meanwhile.",
            poll,
        )


class VoteRefused(PollError):
    """The vote was not counted and never will be as it is."""


class UnknownChoice(VoteRefused):
    """The poll has no such choice."""

    def __init__(self, poll: str, choice: str) -> None:
        super().__init__("This poll has no such answer. Choose one of those shown.", poll)
        self.choice = choice


class PollClosed(VoteRefused):
    """The poll is not open: not yet, or no longer."""

    def __init__(self, poll: str, state: str) -> None:
        early = state in ("draft", "scheduled")
        super().__init__(
            "This poll has not opened yet." if early else "This poll is closed.",
            poll,
        )
        self.state = state


class NotEligible(VoteRefused):
    """The poll's rules leave this voter out; ``why`` is "tier" or "region"."""

    def __init__(self, poll: str, why: str) -> None:
        super().__init__(
            "This poll is for viewers of other regions than yours. Its rules name them."
            if why == "region"
            else "This poll asks for another kind of identity. Its rules say who may vote.",
            poll,
        )
        self.why = why


class PollChanged(VoteRefused):
    """The poll was edited after its voter had read it."""

    def __init__(self, poll: str) -> None:
        super().__init__(
            "The question was changed while you answered. Read it again, then vote.", poll
        )


class TooManyAsked(VoteRefused):
    """This voter has put as many questions as the poll takes of one person, or it is full."""

    def __init__(self, poll: str) -> None:
        super().__init__("No more questions are taken from you here. Vote for those shown.", poll)


class UnknownItem(VoteRefused):
    """There is no such question or answer of a viewer, or it is not shown."""

    def __init__(self, poll: str, item: str) -> None:
        super().__init__("There is no such entry in this poll. It may have been taken away.", poll)
        self.item = item


class AlreadyVoted(VoteRefused):
    """This voter's vote is counted, under another ballot_id."""

    def __init__(self, poll: str) -> None:
        super().__init__("You have already voted in this poll. Your first vote counts.", poll)


class BallotConflict(VoteRefused):
    """This ballot_id is counted with other choices, or with these and another nonce."""

    def __init__(self, poll: str) -> None:
        super().__init__(
            "This ballot was already counted, and what it said then stands. "
            "To send it again, send the same answer and nonce.",
            poll,
        )


class NoIdentity(PollingError):
    """The caller is anonymous."""

    def __init__(self) -> None:
        super().__init__("Voting needs an identity. Reload the page, then vote again.")


class NoteRejected(PollingError):
    """A signed note, a key, a receipt or a proof does not hold."""


class InvalidPoll(PollingError):
    """What is asked breaks a rule."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


class InvalidBallot(PollingError):
    """The ballot has not the shape of one."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


class NotCounted(PollingError):
    """Not acknowledged. The vote may or may not be on disk; a retry with its ballot_id is safe."""


class StoreDown(NotCounted):
    """Valkey does not answer, or cannot write."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(
            "The store does not answer. Nothing was acknowledged: it is safe to try again."
        )
        self.reason = reason


class StoreUnsafe(StoreDown):
    """The store may answer before it has a write on disk, so nothing is sent to it; ``reason``
    has what to set there.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.args = (
            "The store is not set up to keep what it is given, so nothing was sent to it. Tell "
            "the organisers; it is safe to try again.",
        )


class Busy(NotCounted):
    """Too many votes are waiting; ``waiting`` is how many."""

    def __init__(self, waiting: int) -> None:
        super().__init__("Too many votes are arriving at once. Try again in a moment.")
        self.waiting = waiting
