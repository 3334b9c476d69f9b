"""Every error polling raises on purpose.

    PollingError
    ├── PollError              about one poll; ``.poll``
    │   ├── UnknownPoll        no such poll
    │   ├── IllegalMove        the poll's state does not allow this; ``.state``, ``.move``
    │   ├── PollKeyLost        the poll is open and its key file is gone
    │   ├── LedgerBroken       ledger and position disagree; nothing more is counted
    │   └── VoteRefused        the vote was not counted and never will be as it is
    │       ├── UnknownChoice  ``.choice``
    │       ├── PollClosed     ``.state``: not open yet, or closed
    │       ├── AlreadyVoted   this voter's vote is counted, under another ballot_id
    │       └── BallotConflict this ballot_id is counted with other choices
    ├── NoIdentity             the caller is anonymous
    ├── InvalidPoll            ``.field``: what is asked breaks a rule
    ├── InvalidBallot          ``.field``: the ballot has not the shape of one
    └── NotCounted             not acknowledged: try again with the same ballot_id
        ├── StoreDown          Valkey does not answer
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


class AlreadyVoted(VoteRefused):
    """This voter's vote is counted, under another ballot_id."""

    def __init__(self, poll: str) -> None:
        super().__init__("You have already voted in this poll. Your first vote counts.", poll)


class BallotConflict(VoteRefused):
    """This ballot_id is counted with other choices."""

    def __init__(self, poll: str) -> None:
        super().__init__("This ballot was already counted with another answer, which stands.", poll)


class NoIdentity(PollingError):
    """The caller is anonymous."""

    def __init__(self) -> None:
        super().__init__("Voting needs an identity. Reload the page, then vote again.")


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


class Busy(NotCounted):
    """Too many votes are waiting; ``waiting`` is how many."""

    def __init__(self, waiting: int) -> None:
        super().__init__("Too many votes are arriving at once. Try again in a moment.")
        self.waiting = waiting
