from __future__ import annotations

import pytest

from streamd import config
from streamd.errors import UnknownStream
from streamd.relay.lifecycle import StreamState
from streamd.relay.streams import Streams
from tests.relay.units import VIDEO, picture


async def test_streams_are_made_once_and_found_by_id() -> None:
    streams = Streams(config.Relay())
    first = streams.add("a")
    assert streams.add("a") is first
    assert streams.get("a") is first
    streams.add("b")
    assert [stream.id for stream in streams] == ["a", "b"]
    assert len(streams) == 2
    with pytest.raises(UnknownStream, match="no stream “c”"):
        streams.get("c")


async def test_every_change_is_heard_and_close_ends_all() -> None:
    heard: list[tuple[str, StreamState]] = []
    streams = Streams(config.Relay(), lambda stream: heard.append((stream.id, stream.state)))
    for name in ("a", "b"):
        publisher = streams.add(name).publish("file")
        publisher.announce([VIDEO])
        publisher.write(picture(0, key=True))
    await streams.close()
    assert heard == [
        ("a", StreamState.LIVE),
        ("b", StreamState.LIVE),
        ("a", StreamState.ENDED),
        ("b", StreamState.ENDED),
    ]
