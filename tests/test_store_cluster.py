"""streamd's store on a Cluster: keys and polls go where their slots are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog

from polling.drafting import draft
from polling.store import PollStore
from streamd import config
from streamd.errors import ConfigError
from streamd.keys import StreamKeys
from streamd.store import Store
from tests.cluster import Cluster, cluster


@pytest.fixture(scope="module")
def nodes() -> Iterator[Cluster]:
    with cluster() as made:
        yield made


@pytest.mark.parametrize("by_url", [True, False])
async def test_the_store_is_a_cluster(nodes: Cluster, by_url: bool) -> None:
    url = nodes.url if by_url else nodes.url.partition("?")[0]
    settings = config.Store(url=url, cluster=not by_url)
    store = Store(settings)
    assert store.address == nodes.url
    with structlog.testing.capture_logs() as logs:
        await store.start()
    try:
        assert store.ready
        assert not [line for line in logs if line["log_level"] == "warning"], logs
        keys = StreamKeys(store.client)
        key, record = await keys.add("alef")
        assert await keys.check(key, "alef") == record
        assert await keys.revoke(record.id)
        polls = PollStore.at(store.address)
        poll = draft("alef", "Q", ["a", "b"], "HQ", now=1.0)
        assert await polls.create(poll)
        assert await polls.get(poll.id) == poll
        await polls.close()
    finally:
        await store.stop()


async def test_a_node_that_could_lose_votes_is_named(nodes: Cluster) -> None:
    careless = nodes.nodes[4]
    careless.client.config_set("appendfsync", "everysec")
    store = Store(config.Store(url=nodes.url))
    try:
        with structlog.testing.capture_logs() as logs:
            await store.start()
        (warning,) = [line for line in logs if line["log_level"] == "warning"]
        assert "wait long" in warning["event"]
        assert "appendfsync always (it is everysec)" in warning["why"]
        assert store.ready
    finally:
        await store.stop()
        careless.client.config_set("appendfsync", "always")


def test_a_cluster_needs_its_address() -> None:
    with pytest.raises(ConfigError, match="cluster needs url"):
        config.load(None, {"STREAMD_STORE_CLUSTER": "true"})
