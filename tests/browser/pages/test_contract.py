"""The stage's rows have the keys and types of the real server's, and its refusals their names."""

from __future__ import annotations

import re
import secrets
from typing import Any

import pytest

from tests.browser.pages.asked import POLL, poll, receipt
from tests.browser.pages.conftest import Theatre
from tests.browser.rows import Client, poll_shape, shape
from tests.server import ROOT, Server

NONE = (0, 0, 0, 0)
POSTING_JS = ROOT / "static" / "js" / "poll" / "posting.js"


@pytest.fixture
def organiser(server: Server, stream_key: str) -> Client:
    """Who holds the key of stream ``alef``."""
    return Client(server.url, stream_key)


@pytest.fixture
def voter(server: Server) -> Client:
    """A device that has opened the watch page and may vote."""
    client = Client(server.url)
    client.visit("/watch/alef")
    client.prove()
    return client


def ask(organiser: Client, **changes: object) -> Any:
    question = {"question": "Which?", "choices": ["One", "Two", "Three"], "duration_seconds": 120}
    return organiser.ask(
        "POST", "/api/v1/streams/alef/polls", {**question, "open": True, **changes}
    )


def put(voter: Client, questions: Any) -> Any:
    body = {"id": secrets.token_hex(16), "text": "Why?"}
    return voter.ask("POST", f"/api/v1/polls/{questions['id']}/items", body)


def listed_part(row: Any) -> Any:
    """A poll whole, without what is only told of one poll at a time."""
    assert {"summary", "regions"} <= row.keys()
    return {name: value for name, value in row.items() if name not in ("summary", "regions")}


def ballot(*choices: str) -> dict[str, object]:
    return {
        "choices": list(choices),
        "ballot_id": secrets.token_hex(16),
        "nonce": secrets.token_hex(16),
    }


def slug(problem: Any) -> str:
    assert problem.keys() - {"why"} == {"type", "title", "status", "detail"}
    return str(problem["type"]).removeprefix("urn:streamd:problem:")


def test_rows_are_the_server_s(shared: Theatre, organiser: Client, voter: Client) -> None:
    shared.do(shared.stage.reset)
    shared.do(shared.stage.set_polls, "mina", poll(counts=NONE))
    fake = Client(shared.stage.url)

    real_row = voter.ask("GET", "/api/v1/streams/alef")
    assert shape(fake.ask("GET", "/api/v1/streams/mina")) == shape(real_row)
    real_token = voter.ask("POST", "/api/v1/token", {})
    assert shape(fake.ask("POST", "/api/v1/token", {})) == shape(real_token)

    asked = ask(organiser)
    assert poll_shape(poll(counts=NONE)) == poll_shape(listed_part(asked))
    [listed, *_] = voter.ask("GET", "/api/v1/polls?stream=alef")["polls"]
    [shown] = fake.ask("GET", "/api/v1/polls?stream=mina")["polls"]
    assert poll_shape(shown) == poll_shape(listed)
    real_receipt = voter.ask("POST", f"/api/v1/polls/{asked['id']}/votes", ballot("1"))
    assert shape(receipt(POLL, "0" * 32)) == shape(real_receipt)
    closed = organiser.ask("POST", f"/api/v1/polls/{asked['id']}/close", {})
    one = poll(state="closed", counts=(1, 0, 0, 0))
    assert poll_shape(one) == poll_shape(listed_part(closed))


def test_refusals_have_the_names_that_the_page_knows(organiser: Client, voter: Client) -> None:
    stranger = Client(voter.url)
    asked, other = ask(organiser), ask(organiser)
    coded = ask(organiser, rules={"who": ["code"]})
    questions = ask(organiser, kind="qa", choices=[])
    votes = f"/api/v1/polls/{asked['id']}/votes"
    counted = ballot("1")
    voter.ask("POST", votes, counted)
    given = {
        1001: voter.ask("POST", "/api/v1/polls/aaaaaaaaaa/votes", ballot("1")),
        1002: voter.ask("POST", f"/api/v1/polls/{other['id']}/votes", ballot("9")),
        1004: stranger.ask("POST", votes, ballot("1")),
        1005: voter.ask("POST", votes, ballot("2")),
        1006: voter.ask("POST", votes, {**counted, "choices": ["2"]}),
        1007: voter.ask("POST", f"/api/v1/polls/{coded['id']}/votes", ballot("1")),
        1008: voter.ask(
            "POST", f"/api/v1/polls/{other['id']}/votes", {**ballot("1"), "version": 9}
        ),
        1009: [put(voter, questions) for _ in range(4)][-1],
        1010: voter.ask("POST", f"/api/v1/polls/{questions['id']}/items/{'0' * 32}/upvote", {}),
    }
    for row in (asked, other, coded, questions):
        organiser.ask("POST", f"/api/v1/polls/{row['id']}/close", {})
    given[1003] = voter.ask("POST", f"/api/v1/polls/{other['id']}/votes", ballot("1"))

    source = POSTING_JS.read_text(encoding="utf-8")
    [table] = re.findall(r"CODES_BY_PROBLEM = \{(.*?)\}", source, re.DOTALL)
    names = dict(re.findall(r"(\w+): (\w+),", table.replace("NO_IDENTITY", "1004")))
    assert {name: int(code) for name, code in names.items()} == {
        slug(problem): code for code, problem in given.items()
    }
