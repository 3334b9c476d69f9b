from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from streamd import config
from streamd.errors import StreamError
from streamd.media.opus import opus_track
from streamd.media.parts import Part
from streamd.media.units import Kind, Track
from streamd.relay.window import Window, without_audio
from tests.relay.recording import samples
from tests.relay.test_opus_to_aac import spoken
from tests.relay.units import AAC, OTHER_VIDEO, VIDEO, picture, sound

BOTH: dict[Kind, Track] = {"v": VIDEO, "a": AAC}


def live(join_bytes: int = 1 << 20, tracks: dict[Kind, Track] | None = None) -> Window:
    window = Window("a", config.Relay(join_bytes=join_bytes))
    window.reset(1, tracks or BOTH, 1_700_000_000.0)
    return window


def test_a_joiner_gets_everything_since_the_last_keyframe() -> None:
    window = live()
    for number in range(12):
        window.write(picture(number, key=number % 5 == 0))
    join = window.join("aac")
    assert join.gen == 1
    assert set(join.tracks) == {"v", "a"}
    assert [part.n for part in join.parts] == [10, 11]
    assert join.parts[0].key


def test_a_joiner_without_audio_gets_none() -> None:
    window = live()
    window.write(picture(0, key=True))
    for number in range(4):
        window.write(sound(number))
    window.write(sound(4))
    window.write(picture(1))
    join = window.join(None)
    assert set(join.tracks) == {"v"}
    assert [(part.v is not None, part.a) for part in join.parts] == [(True, None), (True, None)]


def test_the_wish_for_another_codec_still_gets_the_streams_own() -> None:
    window = live()
    assert window.join("opus").tracks["a"].codec == "mp4a.40.2"


def test_an_audio_stream_keeps_its_audio_for_everyone() -> None:
    window = live(tracks={"a": AAC})
    window.write(sound(0))
    assert set(window.join(None).tracks) == {"a"}


def test_a_replay_over_its_bound_is_empty_until_the_next_keyframe() -> None:
    starved: list[bool] = []
    window = Window("a", config.Relay(join_bytes=5_000), lambda: starved.append(True))
    window.reset(1, {"v": VIDEO}, 0.0)
    window.write(picture(0, key=True, size=2_000))
    window.write(picture(1, size=2_000))
    assert len(window.join(None).parts) == 2
    for number in range(2, 6):
        window.write(picture(number, size=2_000))
    assert window.join(None).parts == ()
    assert starved == [True]
    window.write(picture(6, key=True, size=2_000))
    assert [part.n for part in window.join(None).parts] == [6]


def test_nothing_to_join_before_and_after() -> None:
    window = Window("a", config.Relay())
    with pytest.raises(StreamError, match="not live"):
        window.join("aac")
    window.reset(1, BOTH, 0.0)
    assert window.join("aac").parts == ()
    window.end()
    with pytest.raises(StreamError, match="not live"):
        window.join("aac")


def test_listeners_hear_every_part_in_order_until_they_leave() -> None:
    window = live()
    heard: list[int] = []
    unlisten = window.listen(lambda part: heard.append(part.n))
    window.write(picture(0, key=True))
    window.write(picture(1))
    unlisten()
    unlisten()
    window.write(picture(2))
    assert heard == [0, 1]


def test_a_listener_may_leave_within_its_callback() -> None:
    window = live()
    heard: list[str] = []

    def once(part: Part) -> None:
        heard.append("first")
        leave()

    leave = window.listen(once)
    window.listen(lambda part: heard.append("second"))
    window.write(picture(0, key=True))
    window.write(picture(1))
    assert heard == ["first", "second", "second"]


def test_a_new_generation_resets_before_its_first_part() -> None:
    window = live()
    events: list[object] = []

    def on_reset() -> None:
        events.append(window.join("aac").gen)

    window.listen(lambda part: events.append((part.n, part.v is not None)), on_reset)
    window.write(picture(0, key=True))
    window.write(sound(0))
    window.reset(2, BOTH, 5.0)
    window.write(picture(0, key=True))
    assert events == [(0, True), (1, False), 2, (0, True)]


def test_the_last_audio_goes_out_at_the_end() -> None:
    window = live()
    heard: list[Part] = []
    window.listen(heard.append)
    window.write(picture(0, key=True))
    window.write(sound(0))
    window.end()
    assert [part.a is not None for part in heard] == [False, True]


def test_a_joiner_after_a_change_gets_the_new_configuration() -> None:
    window = live()
    window.write(picture(0, key=True))
    before = window.join(None).tracks["v"]
    window.write(picture(1, key=True, track=OTHER_VIDEO))
    after = window.join(None)
    assert after.tracks["v"] != before
    assert after.parts[0].init is not None


def test_without_audio_keeps_the_video_configuration_only() -> None:
    window = live()
    heard: list[Part] = []
    window.listen(heard.append)
    window.write(picture(0, key=True, track=OTHER_VIDEO))
    part = replace(heard[0], a=b"x")
    stripped = without_audio(part)
    assert stripped is not None
    assert stripped.a is None
    assert stripped.init is not None
    assert set(stripped.init) == {"v"}
    assert without_audio(replace(part, v=None)) is None


async def test_each_wish_hears_its_own_codec_with_the_same_pictures() -> None:
    opus, spoken_units = spoken(2)
    window = live(tracks={"v": VIDEO, "a": opus})
    heard: dict[str | None, list[Part]] = {"opus": [], "aac": [], None: []}
    for wish, parts in heard.items():
        window.listen(parts.append, audio=wish)
    for number in range(50):
        window.write(picture(number, key=number % 25 == 0))
        for unit in spoken_units[2 * number : 2 * number + 2]:
            window.write(unit)
        await asyncio.sleep(0.002)
    joins = {wish: window.join(wish) for wish in ("opus", "aac")}
    window.end()
    await window.settled()
    assert joins["opus"].tracks["a"].codec == "opus"
    assert joins["aac"].tracks["a"].codec == "mp4a.40.2"
    assert joins["aac"].tracks["v"] == joins["opus"].tracks["v"]
    assert joins["aac"].parts
    assert heard["opus"] == heard[None]
    pictures = {wish: [part.v for part in parts if part.v] for wish, parts in heard.items()}
    assert pictures["aac"] == pictures["opus"]
    for wish, join in joins.items():
        assert [part.n for part in heard[wish]] == list(range(len(heard[wish])))
        audio = b"".join(part.a for part in heard[wish] if part.a)
        played = samples(join.tracks["a"].init + audio, "audio")
        assert played[-1].dts == pytest.approx(2, abs=0.1)


async def test_hls_and_followers_have_aac_of_an_opus_stream() -> None:
    opus, spoken_units = spoken(2)
    window = live(tracks={"v": VIDEO, "a": opus})
    followed: list[tuple[Kind, str]] = []
    window.follow(lambda segment, init: followed.append((segment.kind, init.codec)))
    for number in range(50):
        window.write(picture(number, key=number % 25 == 0))
        for unit in spoken_units[2 * number : 2 * number + 2]:
            window.write(unit)
    window.end()
    await window.settled()
    assert followed.count(("a", "mp4a.40.2")) == followed.count(("v", VIDEO.codec)) == 2
    assert "opus" not in window.multivariant_playlist()
    assert 'CHANNELS="2"' in window.multivariant_playlist()


async def test_sound_that_cannot_be_converted_stays_out_of_hls_and_the_pictures_go_on() -> None:
    told: list[str] = []
    window = Window("a", config.Relay(), on_no_aac=told.append)
    # Mapping family 255 with an empty table: libopus does not open it.
    broken = replace(opus_track(), config=bytes((0, 2)) + bytes(8) + bytes((255,)))
    window.reset(1, {"v": VIDEO, "a": broken}, 1_700_000_000.0)
    assert told
    for number in range(60):
        window.write(picture(number, key=number % 25 == 0))
        window.write(sound(number))
    window.end()
    assert "EXT-X-MEDIA" not in window.multivariant_playlist()
