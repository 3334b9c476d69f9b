"""The API's polls and identities on a streamd whose store is a Cluster: the same tests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from streamd import config
from streamd.keys import StreamKeys
from streamd.store import Store
from tests.cluster import Cluster, cluster
from tests.conftest import EVENT
from tests.server import Server, running
from tests.web.test_api import (
    test_a_vote_is_counted_once_and_its_receipt_repeated,
    test_votes_that_cannot_count,
)
from tests.web.test_polls import (
    desk,
    test_a_poll_is_edited_until_somebody_votes,
    test_a_quiz_hides_its_answer_while_votes_count,
    test_a_survey_from_the_question_to_the_summary,
    test_after_my_vote_i_see_the_tally_and_others_do_not,
    test_viewers_put_questions,
)

__all__ = [
    "desk",
    "test_a_poll_is_edited_until_somebody_votes",
    "test_a_quiz_hides_its_answer_while_votes_count",
    "test_a_survey_from_the_question_to_the_summary",
    "test_a_vote_is_counted_once_and_its_receipt_repeated",
    "test_after_my_vote_i_see_the_tally_and_others_do_not",
    "test_viewers_put_questions",
    "test_votes_that_cannot_count",
]


@pytest.fixture(scope="module")
def nodes() -> Iterator[Cluster]:
    """Three primaries and three replicas."""
    with cluster() as made:
        yield made


@pytest.fixture(scope="module")
def server(nodes: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """As everywhere, on the Cluster."""
    home = tmp_path_factory.mktemp("streamd-cluster")
    path = home / "config.toml"
    path.write_text(EVENT, encoding="utf-8")
    with running(home, "serve", "--config", str(path), STREAMD_STORE_URL=nodes.url) as started:
        yield started


@pytest.fixture(scope="module")
def stream_key(server: Server, nodes: Cluster) -> str:
    """The key of stream ``alef``."""

    async def add() -> str:
        async with Store.borrowed(config.Store(url=nodes.url)) as client:
            return (await StreamKeys(lambda: client).add("alef"))[0]

    return asyncio.run(add())
