from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from streamd import config
from streamd.errors import AlreadyPublishing, IllegalMove
from streamd.relay.lifecycle import StreamState
from streamd.relay.stream import Publisher, Stream
from tests.relay.recording import Recording
from tests.relay.units import AAC, OTHER_VIDEO, VIDEO, picture, sound


def made(**settings: Any) -> tuple[Stream, list[tuple[str, int]]]:
    changes: list[tuple[str, int]] = []
    stream = Stream(
        "a", config.Relay(**settings), lambda one: changes.append((one.state.value, one.gen))
    )
    return stream, changes


async def test_a_stream_is_live_from_its_first_keyframe_to_its_publishers_close() -> None:
    stream, changes = made()
    assert (stream.state, stream.gen, stream.started_at) == (StreamState.IDLE, 0, None)
    publisher = stream.publish("file")
    assert stream.source == "file"
    publisher.announce([VIDEO])
    publisher.write(picture(0))
    assert stream.state.value == "idle"
    publisher.write(picture(25, key=True))
    assert stream.state.value == "live"
    assert stream.started_at == pytest.approx(time.time() - 1.0, abs=0.5)
    publisher.close()
    publisher.close()
    assert stream.source is None
    assert changes == [("live", 1), ("ended", 1)]


async def test_one_publisher_at_a_time() -> None:
    stream, _ = made()
    first = stream.publish("file")
    with pytest.raises(AlreadyPublishing):
        stream.publish("whip")
    first.close()
    stream.publish("whip").close()
    assert stream.state.value == "idle"


async def test_publishing_again_is_a_new_generation() -> None:
    stream, changes = made()
    recording = Recording(stream)
    for _ in range(2):
        publisher = stream.publish("file")
        publisher.announce([VIDEO])
        publisher.write(picture(0, key=True))
        publisher.write(picture(1))
        publisher.close()
    assert changes == [("live", 1), ("ended", 1), ("live", 2), ("ended", 2)]
    assert {gen: [p.n for p in parts] for gen, parts in recording.parts.items()} == {
        1: [0, 1],
        2: [0, 1],
    }


async def test_announcing_again_is_a_new_generation_of_the_same_publication() -> None:
    stream, changes = made()
    recording = Recording(stream)
    publisher = stream.publish("whip")
    publisher.announce([VIDEO])
    publisher.write(picture(0, key=True))
    publisher.announce([VIDEO, AAC], origin=123.0)
    publisher.write(picture(1))
    assert stream.gen == 1
    publisher.write(sound(10))
    assert (stream.gen, stream.started_at) == (2, 123.0)
    publisher.write(picture(2))
    publisher.write(picture(3, key=True))
    assert changes == [("live", 1), ("live", 2)]
    assert set(recording.joins[2].tracks) == {"v", "a"}
    assert [part.key for part in recording.parts[2]] == [True]
    publisher.close()


async def test_frames_that_no_decoder_can_use_are_counted() -> None:
    stream, _ = made()
    publisher = stream.publish("whip")
    publisher.announce([VIDEO, AAC])
    publisher.write(sound(0))
    publisher.write(picture(0))
    publisher.write(picture(1))
    publisher.write(picture(2, key=True))
    assert stream.health().dropped == 2
    publisher.close()


async def test_misuse_is_refused() -> None:
    stream, _ = made()
    publisher = stream.publish("whip")
    with pytest.raises(IllegalMove):
        publisher.write(picture(0, key=True))
    with pytest.raises(ValueError, match="announce"):
        publisher.announce([])
    with pytest.raises(ValueError, match="announce"):
        publisher.announce([VIDEO, OTHER_VIDEO])
    publisher.announce([VIDEO])
    with pytest.raises(ValueError, match="not announced"):
        publisher.write(sound(0))
    publisher.write(picture(0, key=True))
    with pytest.raises(ValueError, match="not announced"):
        publisher.write(sound(0))
    publisher.close()
    with pytest.raises(IllegalMove):
        publisher.write(picture(1))
    second = stream.publish("whip")
    with pytest.raises(IllegalMove):
        second.write(picture(0, key=True))
    second.close()


async def test_decode_times_always_rise() -> None:
    stream, _ = made()
    subscriber = stream.subscribe("test")
    publisher = stream.publish("whip")
    publisher.announce([VIDEO])
    for number in (5, 6, 6, 2, 7):
        publisher.write(picture(number, key=number == 5))
    times = []
    while (unit := subscriber.pop()) is not None:
        times.append((unit.dts, unit.pts))
    assert times == [
        (18_000, 18_000),
        (21_600, 21_600),
        (21_601, 21_601),
        (21_602, 21_602),
        (25_200, 25_200),
    ]
    publisher.close()


async def test_a_keyframe_is_asked_for_where_one_helps() -> None:
    asked: list[str] = []
    clock = [1_000.0]
    settings = config.Relay(subscriber_units=2, join_bytes=100_000)
    stream = Stream("a", settings, monotonic=lambda: clock[0])
    publisher = stream.publish("whip", lambda: asked.append("key"))
    publisher.announce([VIDEO])
    publisher.write(picture(0, key=True))
    publisher.write(picture(9))
    assert asked == ["key"], "a gap that makes players drop frames"
    clock[0] += 1.0
    slow = stream.subscribe("slow")
    publisher.write(picture(10, key=True))
    publisher.write(picture(11))
    publisher.write(picture(12))
    assert slow.skipping
    assert len(asked) == 2, "a subscriber fell behind"
    clock[0] += 1.0
    publisher.write(picture(13, size=200_000))
    assert len(asked) == 3, "the join replay grew over its bound"
    assert stream.health().dropped == 4
    slow.close()
    assert stream.health().dropped == 4
    publisher.close()


async def test_a_subscriber_follows_from_one_publication_to_the_next() -> None:
    stream, _ = made()
    subscriber = stream.subscribe("test")
    for track in (VIDEO, OTHER_VIDEO):
        publisher = stream.publish("file")
        publisher.announce([track])
        publisher.write(picture(0, key=True))
        publisher.close()
    stream.close()
    assert [unit.track async for unit in subscriber] == [VIDEO, OTHER_VIDEO]
    assert [unit async for unit in stream.subscribe("late")] == []


async def test_silence_stalls_then_ends_and_a_unit_revives() -> None:
    clock = [1_000.0]
    ended: list[str] = []
    changes: list[str] = []
    stream = Stream(
        "a", config.Relay(), lambda one: changes.append(one.state.value), lambda: clock[0]
    )
    publisher = stream.publish("whip", on_ended=lambda: ended.append("told"))
    publisher.announce([VIDEO])
    publisher.write(picture(0, key=True))
    stream.check_silence()
    clock[0] += 5.0
    stream.check_silence()
    assert stream.state.value == "stalled"
    assert stream.window.join(None).gen == 1
    publisher.write(picture(1))
    assert stream.state.value == "live"
    clock[0] += 5.0
    stream.check_silence()
    clock[0] += 29.0
    stream.check_silence()
    assert (stream.state, ended) == (StreamState.STALLED, [])
    clock[0] += 1.0
    stream.check_silence()
    assert (stream.state.value, ended, publisher.closed) == ("ended", ["told"], True)
    assert changes == ["live", "stalled", "live", "stalled", "ended"]


async def test_a_publisher_that_never_sends_is_let_go() -> None:
    clock = [1_000.0]
    changes: list[str] = []
    stream = Stream(
        "a", config.Relay(), lambda one: changes.append(one.state.value), lambda: clock[0]
    )
    stream.publish("whip")
    clock[0] += 40.0
    stream.check_silence()
    assert stream.source is None
    assert changes == []
    stream.publish("whip").close()


async def test_shutdown_ends_the_publication_and_tells_its_publisher() -> None:
    ended: list[str] = []
    stream, changes = made()
    publisher = stream.publish("whip", on_ended=lambda: ended.append("told"))
    publisher.announce([VIDEO])
    publisher.write(picture(0, key=True))
    stream.close()
    assert publisher.closed
    assert ended == ["told"]
    assert changes[-1] == ("ended", 1)
    with pytest.raises(IllegalMove):
        stream.publish("whip")


async def test_hls_of_a_new_broadcast_shows_it_alone_under_names_never_used_before() -> None:
    names: list[list[str]] = []
    for stream in (made()[0], made()[0]):
        for _ in range(2):
            publisher = stream.publish("file")
            publisher.announce([VIDEO])
            for number in range(100):
                publisher.write(picture(number, key=number % 25 == 0))
            publisher.close()
            text = stream.window.media_playlist("v")
            names.append([line for line in text.splitlines() if not line.startswith("#")])
    assert [len(listed) for listed in names] == [4, 4, 4, 4]
    assert len({name for listed in names for name in listed}) == 16


class Watched:
    """A stream on a clock of the test's own; ``changes`` are its states."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.changes: list[tuple[str, int]] = []
        self.stream = Stream(
            "a",
            config.Relay(),
            lambda one: self.changes.append((one.state.value, one.gen)),
            lambda: self.now,
        )

    def broadcast(self, on_ended: Callable[[], None] = lambda: None) -> Publisher:
        publisher = self.stream.publish("whip", on_ended=on_ended)
        publisher.announce([VIDEO])
        publisher.write(picture(0, key=True))
        publisher.write(picture(1))
        return publisher

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.stream.check_silence()


async def test_a_connection_that_broke_off_leaves_the_stream_waiting_for_the_next() -> None:
    watched = Watched()
    lost = watched.broadcast()
    lost.lose()
    lost.lose()
    lost.close()
    assert (lost.closed, watched.stream.source, watched.stream.state.value) == (
        True,
        None,
        "stalled",
    )
    assert watched.stream.window.join(None).gen == 1
    with pytest.raises(IllegalMove):
        lost.write(picture(2))
    watched.wait(29.0)
    again = watched.broadcast()
    watched.wait(29.0)
    assert watched.changes == [("live", 1), ("stalled", 1), ("live", 2), ("stalled", 2)]
    again.write(picture(2))
    again.close()
    assert watched.changes[4:] == [("live", 2), ("ended", 2)]


async def test_nobody_came_back_in_time() -> None:
    watched = Watched()
    watched.broadcast().lose()
    watched.wait(29.9)
    assert watched.stream.state is StreamState.STALLED
    watched.wait(0.1)
    assert watched.stream.state.value == "ended"
    watched.broadcast()
    assert watched.changes == [("live", 1), ("stalled", 1), ("ended", 1), ("live", 2)]
    watched.stream.close()


async def test_a_publisher_that_fell_silent_and_then_broke_off_is_waited_for_once() -> None:
    watched = Watched()
    publisher = watched.broadcast()
    watched.wait(5.0)
    watched.wait(10.0)
    publisher.lose()
    watched.wait(19.9)
    assert watched.stream.state is StreamState.STALLED
    watched.wait(0.1)
    assert watched.changes == [("live", 1), ("stalled", 1), ("ended", 1)]


async def test_whoever_sent_nothing_ends_nobody_elses_broadcast() -> None:
    watched = Watched()
    watched.broadcast().lose()
    watched.wait(10.0)
    for announces in (False, True):
        visitor = watched.stream.publish("whip")
        if announces:
            visitor.announce([VIDEO])
            visitor.write(picture(7))
        visitor.close()
        assert watched.stream.state is StreamState.STALLED
    watched.wait(19.9)
    assert watched.stream.state is StreamState.STALLED
    watched.wait(0.1)
    assert watched.changes == [("live", 1), ("stalled", 1), ("ended", 1)]


async def test_whoever_takes_over_goes_on_with_the_same_stream() -> None:
    told: list[str] = []
    watched = Watched()
    watched.stream.take_over("nobody there")
    first = watched.broadcast(lambda: told.append("told"))
    watched.stream.take_over("a new publisher with the stream's key")
    assert (first.closed, told) == (True, ["told"])
    watched.broadcast().close()
    assert watched.changes == [("live", 1), ("stalled", 1), ("live", 2), ("ended", 2)]


async def test_hls_goes_on_after_a_break_with_a_discontinuity() -> None:
    watched = Watched()
    for close in (Publisher.lose, Publisher.close):
        publisher = watched.stream.publish("rtmp")
        publisher.announce([VIDEO])
        for number in range(100):
            publisher.write(picture(number, key=number % 25 == 0))
        close(publisher)
        text = watched.stream.window.media_playlist("v")
        assert ("#EXT-X-ENDLIST" in text) == (close is Publisher.close)
    assert text.count("#EXT-X-DISCONTINUITY\n") == 1
    assert text.count("#EXTINF") == 8


async def test_shutdown_ends_a_stream_that_waits() -> None:
    watched = Watched()
    watched.broadcast().lose()
    watched.stream.close()
    assert watched.changes[-1] == ("ended", 1)
