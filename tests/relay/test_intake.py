"""What comes in: refusals and notices of a publication, its line, its sound, its health."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from streamd import config
from streamd.errors import AlreadyPublishing, UnsupportedMedia
from streamd.media import h264
from streamd.relay.health import LinkHealth
from streamd.relay.intake import Intake
from streamd.relay.notices import NoticeCode
from streamd.relay.stream import Stream
from tests.media.test_h264 import encoded
from tests.relay.test_loudness import tone
from tests.relay.units import AAC, OTHER_VIDEO, VIDEO, picture, sound

HIGH_10 = h264.video_track(*encoded(320, 180, pix="yuv420p10le"))


class Watched:
    """A stream on a clock of the test's own."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.stream = Stream("a", config.Relay(), monotonic=lambda: self.now)

    @property
    def codes(self) -> set[NoticeCode]:
        return {notice.code for notice in self.stream.notices}

    def wait(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += 1.0
            self.stream.check_silence()


async def test_a_refused_encoder_reads_why_until_a_broadcast_goes_on_air() -> None:
    watched = Watched()
    for _ in range(2):
        publisher = watched.stream.publish("rtmp")
        assert watched.codes in (set(), {NoticeCode.PROFILE})
        with pytest.raises(UnsupportedMedia):
            publisher.announce([HIGH_10])
        publisher.close()
        assert watched.codes == {NoticeCode.PROFILE}
    publisher = watched.stream.publish("rtmp")
    watched.stream.notices.add(NoticeCode.AUDIO_UNSUPPORTED, codec="MP3")
    publisher.announce([VIDEO])
    assert watched.codes == {NoticeCode.PROFILE, NoticeCode.AUDIO_UNSUPPORTED}
    publisher.write(picture(0, key=True))
    assert watched.codes == {NoticeCode.AUDIO_UNSUPPORTED}, "told of this one, and kept"
    publisher.close()


async def test_a_configuration_that_becomes_undecodable_is_refused_amid_the_broadcast() -> None:
    watched = Watched()
    publisher = watched.stream.publish("rtmp")
    publisher.announce([VIDEO])
    publisher.write(picture(0, key=True))
    with pytest.raises(UnsupportedMedia, match="High 10"):
        publisher.write(picture(1, key=True, track=HIGH_10))
    assert watched.codes == {NoticeCode.PROFILE}
    assert watched.stream.health().width == 640, "nothing of it went on"
    publisher.close()


async def test_no_keyframe_before_the_stream_is_live() -> None:
    watched = Watched()
    publisher = watched.stream.publish("rtmp")
    publisher.announce([VIDEO])
    for number in range(11):
        publisher.write(picture(number * 25 + 1))
        watched.wait(1)
    assert NoticeCode.NO_KEYFRAME in watched.codes
    assert watched.stream.health().dropped == 11
    publisher.write(picture(300, key=True))
    assert NoticeCode.NO_KEYFRAME not in watched.codes
    publisher.close()


async def test_what_was_measured_is_over_with_the_broadcast() -> None:
    watched = Watched()
    publisher = watched.stream.publish("rtmp")
    publisher.announce([VIDEO, AAC])
    for second in range(7):
        publisher.write(picture(second * 25, key=True))
        watched.wait(1)
    assert watched.codes == {NoticeCode.NO_AUDIO}
    publisher.close()
    assert watched.codes == set()


async def test_health_is_of_the_publisher_and_its_line() -> None:
    watched = Watched()
    line = LinkHealth(loss_percent=1.5, rtt_ms=40.0, jitter_ms=3.0)
    publisher = watched.stream.publish("whip", link=lambda: line)
    publisher.announce([VIDEO, AAC])
    publisher.write(picture(0, key=True))
    watched.wait(2)
    publisher.write(picture(50, key=True, track=OTHER_VIDEO))
    health = watched.stream.health()
    assert health.link == line
    assert (health.width, health.height) == (1280, 720)
    assert health.uptime_seconds == 2.0
    publisher.lose()
    watched.wait(10)
    stalled = watched.stream.health()
    assert (stalled.state.value, stalled.link, stalled.source) == ("stalled", None, None)
    assert stalled.ends_in_seconds == 20.0
    again = watched.stream.publish("whip")
    again.announce([VIDEO])
    again.write(picture(0, key=True))
    assert watched.stream.health().uptime_seconds == 12.0, "the same broadcast goes on"
    again.close()
    assert watched.stream.health().uptime_seconds == 0.0


async def test_a_new_publisher_has_the_whole_time_once_more_and_no_longer() -> None:
    watched = Watched()
    first = watched.stream.publish("rtmp")
    first.announce([VIDEO])
    first.write(picture(0, key=True))
    first.lose()
    watched.wait(29)
    told: list[str] = []
    watched.stream.publish("rtmp", on_ended=lambda: told.append("told"))
    watched.wait(34)
    assert watched.stream.state.value == "stalled"
    watched.wait(1)
    assert (watched.stream.state.value, told) == ("ended", ["told"])


async def test_a_broadcast_whose_publisher_is_lost_can_be_ended_at_once() -> None:
    watched = Watched()
    told: list[str] = []
    watched.stream.end_lost()
    assert watched.stream.state.value == "idle"
    publisher = watched.stream.publish("whip", on_ended=lambda: told.append("told"))
    publisher.announce([VIDEO])
    publisher.write(picture(0, key=True))
    watched.wait(1)
    with pytest.raises(AlreadyPublishing):
        watched.stream.end_lost()
    watched.wait(1)
    watched.stream.end_lost()
    assert (watched.stream.state.value, told) == ("ended", ["told"])
    assert watched.stream.source is None


async def test_who_waits_for_a_place_on_air_keeps_it_when_the_lost_broadcast_is_ended() -> None:
    watched = Watched()
    first = watched.stream.publish("rtmp")
    first.announce([VIDEO])
    first.write(picture(0, key=True))
    first.lose()
    told: list[str] = []
    other = watched.stream.publish("rtmp", on_ended=lambda: told.append("told"))
    watched.stream.end_lost()
    assert watched.stream.state.value == "ended"
    other.announce([VIDEO])
    other.write(picture(0, key=True))
    assert watched.stream.state.value == "live"
    watched.wait(35)
    assert (watched.stream.state.value, told) == ("ended", ["told"]), "it is still watched"


async def test_the_level_of_the_sound_is_measured_when_somebody_asks() -> None:
    watched = Watched()
    track, units = tone("aac", 0.1, 0.5)
    publisher = watched.stream.publish("rtmp")
    publisher.announce([track])
    for unit in units:
        publisher.write(unit)
    assert watched.stream.health().level is None
    await watched.stream.measure_sound()
    level = watched.stream.health().level
    assert level is not None
    assert level.decibels == pytest.approx(-23.0, abs=1.5)
    publisher.close()
    assert watched.stream.health().level is None


async def test_timestamps_that_jump_go_on_and_are_told() -> None:
    watched = Watched()
    subscriber = watched.stream.subscribe("test")
    publisher = watched.stream.publish("rtmp")
    publisher.announce([VIDEO, AAC], origin=500.0)
    for number in (0, 1, 2, 90_000, 90_001, 90_002):
        publisher.write(picture(number, key=number == 0))
        watched.now += 0.04
    publisher.write(sound(0))
    times = []
    while (unit := subscriber.pop()) is not None:
        times.append(unit.dts)
    assert times == [0, 3_600, 7_200, 10_800, 14_400, 18_000, times[-1]]
    assert NoticeCode.TIMESTAMPS_JUMPED in watched.codes
    assert watched.stream.started_at == 500.0
    publisher.close()


async def test_media_time_that_began_before_its_origin_moves_the_origin() -> None:
    watched = Watched()
    publisher = watched.stream.publish("file")
    publisher.announce([VIDEO], origin=500.0)
    publisher.write(picture(-25, key=True))
    assert watched.stream.started_at == 499.0
    publisher.close()


async def test_the_watch_goes_on_after_a_publisher_that_cannot_be_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = asyncio.get_running_loop()
    faults: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: faults.append(context))
    monkeypatch.setattr(loop, "call_later", lambda _, look: loop.call_soon(look))
    looks = 0

    def fail() -> None:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise RuntimeError("a bug")

    monkeypatch.setattr(Intake, "check_silence", lambda _: fail())
    watched = Watched()
    publisher = watched.stream.publish("rtmp")
    for _ in range(5):
        await asyncio.sleep(0)
    publisher.close()
    assert looks > 1
    assert len(faults) == 1
