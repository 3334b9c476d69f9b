"""Who sees a poll's results and a quiz's right answers, pure.

The rule is told to the voters before they vote, so nothing widens it: showing a poll on screen
does not, and neither does closing one whose results are the organiser's.
"""

from __future__ import annotations

from enum import Enum

from polling.poll_rules import Results
from polling.rules import FINISHED, UNOPENED, PollState


class Audience(Enum):
    """Who looks."""

    PUBLIC = "public"
    VOTED = "voted"
    ORGANISER = "organiser"


def sees_results(results: Results, state: PollState, audience: Audience) -> bool:
    """Whether ``audience`` sees the counts of a poll in ``state`` under its rule ``results``."""
    if audience is Audience.ORGANISER or results == "live":
        return True
    if results == "organiser":
        return False
    return state in FINISHED or (results == "after_vote" and audience is Audience.VOTED)


def sees_right(state: PollState, audience: Audience) -> bool:
    """Whether ``audience`` sees which choices of a quiz are right: not while ballots are taken."""
    return audience is Audience.ORGANISER or state in FINISHED


def sees_poll(state: PollState, opened: bool, audience: Audience) -> bool:
    """Whether ``audience`` is told that the poll exists: what never opened is its organiser's."""
    return audience is Audience.ORGANISER or (opened and state not in UNOPENED)
