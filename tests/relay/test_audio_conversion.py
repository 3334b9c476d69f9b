from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import av
import pytest

from streamd import config
from streamd.media.opus import opus_track
from streamd.media.units import Unit
from streamd.relay import audio_conversion
from streamd.relay.audio_conversion import MOST_WAITING, AudioConversion, start_conversion
from streamd.relay.notices import NoticeCode
from streamd.relay.opus_to_aac import OpusToAac
from streamd.relay.stream import Stream
from tests.relay.recording import Recording, until
from tests.relay.test_opus_to_aac import converted, spoken
from tests.relay.units import VIDEO, picture


def ignore(_: object) -> None:
    return


async def test_units_come_in_order_and_finish_gives_the_rest() -> None:
    track, units = spoken(2)
    made: list[Unit] = []
    conversion = AudioConversion(OpusToAac(track), made.extend, ignore)
    for unit in units:
        conversion.push(unit)
    await until(lambda: len(made) > 50)
    whole = converted(track, units)[1]
    conversion.finish(made.extend)
    await until(lambda: len(made) == len(whole))
    assert made == whole
    conversion.push(units[0])
    conversion.finish(made.extend)
    await until(
        lambda: not [one for one in threading.enumerate() if one.name == "audio conversion"]
    )
    assert made == whole


async def test_the_end_never_waits_and_comes_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio_conversion, "FINISH_SECONDS", 0.05)
    hold = threading.Event()
    monkeypatch.setattr(OpusToAac, "convert", lambda *_: hold.wait() and [])
    track, units = spoken(2)
    rest: list[list[Unit]] = []
    conversion = AudioConversion(OpusToAac(track), ignore, ignore)
    conversion.push(units[0])
    conversion.finish(rest.append)
    assert rest == [], "the thread still hangs, and the loop goes on"
    await until(lambda: bool(rest))
    assert rest == [[]]
    hold.set()
    await asyncio.sleep(0.05)
    assert rest == [[]]


async def test_what_is_stopped_says_no_more() -> None:
    track, units = spoken(2)
    made: list[Unit] = []
    conversion = AudioConversion(OpusToAac(track), made.extend, ignore)
    for unit in units:
        conversion.push(unit)
    conversion.stop()
    await until(
        lambda: not [one for one in threading.enumerate() if one.name == "audio conversion"]
    )
    assert made == []


async def test_a_full_queue_drops_and_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    hold = threading.Event()
    real = OpusToAac.convert

    def slowly(self: OpusToAac, unit: Unit) -> list[Unit]:
        hold.wait()
        return real(self, unit)

    monkeypatch.setattr(OpusToAac, "convert", slowly)
    track, units = spoken(2)
    conversion = AudioConversion(OpusToAac(track), ignore, ignore)
    for number in range(MOST_WAITING + 20):
        conversion.push(replace(units[number % 100], dts=number * 960, pts=number * 960))
    assert conversion.lost >= 19
    hold.set()
    conversion.finish(ignore)


async def test_a_layout_that_has_no_aac_is_a_sentence() -> None:
    assert isinstance(start_conversion(opus_track(2), ignore, ignore), AudioConversion)
    strange = replace(opus_track(2), channels=255)
    assert "255 channels" in str(start_conversion(strange, ignore, ignore))


async def test_a_failure_of_any_kind_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: OpusToAac, unit: Unit) -> list[Unit]:
        raise MemoryError

    monkeypatch.setattr(OpusToAac, "convert", fails)
    track, units = spoken(2)
    told: list[str] = []
    conversion = AudioConversion(OpusToAac(track), ignore, told.append)
    conversion.push(units[0])
    await until(lambda: bool(told))
    assert told == ["MemoryError"]


async def test_a_failure_is_told_and_the_stream_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0

    def fails(self: OpusToAac, unit: Unit) -> list[Unit]:
        nonlocal calls
        calls += 1
        if calls > 60:
            raise av.FFmpegError(1, "broken")
        return real(self, unit)

    real = OpusToAac.convert
    monkeypatch.setattr(OpusToAac, "convert", fails)
    track, units = spoken(2)
    stream = Stream("a", config.Relay())
    recording = Recording(stream)
    resets: list[str] = []
    stream.window.listen(ignore, lambda: resets.append("opus"), audio="opus")
    stream.window.listen(ignore, lambda: resets.append("aac"), audio="aac")
    publisher = stream.publish("whip")
    publisher.announce([VIDEO, track], origin=1_700_000_000.0)
    for number in range(75):
        publisher.write(picture(number, key=number % 25 == 0))
        for unit in units[2 * number : 2 * number + 2]:
            publisher.write(unit)
        await asyncio.sleep(0)
    await until(lambda: "aac" in resets[2:])
    assert resets[2:] == ["aac"], "only those who heard AAC have to join again"
    assert NoticeCode.AUDIO_UNSUPPORTED in [notice.code for notice in stream.notices]
    assert stream.window.join("aac").tracks["a"].codec == "opus"
    with pytest.raises(KeyError):
        stream.window.media_playlist("a")
    assert "TYPE=AUDIO" not in stream.window.multivariant_playlist()
    publisher.write(picture(75, key=True))
    publisher.close()
    assert stream.window.media_playlist("v").endswith("#EXT-X-ENDLIST\n")
    assert len(recording.fragments("a")) > 50, "Opus itself is not touched"
