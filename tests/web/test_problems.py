"""The refusal table: whole, ordered, and its codes those of the contract."""

from __future__ import annotations

import inspect
from http import HTTPStatus

import pytest

from polling import errors as polls
from streamd import errors
from streamd.recording import errors as recordings
from streamd.web.problems import REFUSALS, refusal_for


def test_a_class_stands_above_its_bases() -> None:
    seen: list[type[Exception]] = []
    for kind, _ in REFUSALS:
        assert not [base for base in seen if issubclass(kind, base)], f"{kind} is never reached"
        seen.append(kind)


def test_every_refusal_is_the_clients_or_asks_to_come_back() -> None:
    for _, refusal in REFUSALS:
        assert 400 <= HTTPStatus(refusal.status) < 500 or refusal.status == 503
        assert refusal.slug.replace("-", "_").isidentifier()


@pytest.mark.parametrize("module", [errors, polls, recordings])
def test_every_leaf_that_a_request_can_meet_has_a_row(module: object) -> None:
    startup_only = {errors.ConfigError, errors.StoreHeld, recordings.DiskFull}
    kinds = [
        kind
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Exception) and not kind.__subclasses__()
    ]
    rows = tuple(kind for kind, _ in REFUSALS)
    for kind in set(kinds) - startup_only:
        if issubclass(kind, errors.MediaError):
            continue  # Raised by an ingest on its own task; no request waits for it.
        if kind is errors.VerifyFailed:
            continue  # Raised by `streamd verify`, a client of its own.
        if issubclass(kind, errors.PublishError):
            continue  # Raised by `streamd publish`, a client of its own that answers no request.
        if kind in (polls.NoteRejected, polls.LogForked):
            continue  # Raised by `streamd verify` and by the log's own task.
        assert issubclass(kind, rows), f"{kind.__name__} would be a 500"


def test_the_contracts_codes() -> None:
    expected = {
        polls.UnknownPoll: (404, "unknown_poll"),
        polls.UnknownChoice: (422, "unknown_choice"),
        polls.PollClosed: (409, "closed"),
        polls.NoIdentity: (401, "no_identity"),
        polls.AlreadyVoted: (409, "already_voted"),
        polls.BallotConflict: (409, "ballot_conflict"),
    }
    table = {kind: (refusal.status, refusal.slug) for kind, refusal in REFUSALS}
    assert {kind: table[kind] for kind in expected} == expected
    assert refusal_for(KeyError("x")) is None
