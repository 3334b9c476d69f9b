from __future__ import annotations

from streamd.media.units import Kind, Track, Unit
from streamd.relay.audio_hold import MOST_UNITS, AudioHold
from tests.relay.units import AAC, VIDEO, picture, sound

BOTH: dict[Kind, Track] = {"v": VIDEO, "a": AAC}


def order(units: list[Unit]) -> list[tuple[str, int]]:
    return [(unit.kind, unit.dts) for unit in units]


def test_sound_waits_for_the_picture_of_its_moment() -> None:
    hold = AudioHold(BOTH)
    assert hold.push(sound(0)) == []
    assert order(hold.push(picture(0, key=True))) == [("v", 0), ("a", 0)]
    assert hold.push(sound(1)) == []
    assert order(hold.push(picture(1))) == [("v", 3_600), ("a", 1_024)]
    assert order(hold.push(sound(1))) == [("a", 1_024)], "its picture is here"


def test_what_comes_out_does_not_depend_on_what_came_first() -> None:
    pictures = [picture(number, key=not number) for number in range(50)]
    sounds = [sound(number) for number in range(90)]
    outcomes = []
    for late in (0, 3, 20):
        hold = AudioHold(BOTH)
        out: list[Unit] = []
        heard = 0
        for number, one in enumerate(pictures):
            out += hold.push(one)
            while heard < len(sounds) and heard * 1024 / 48_000 < (number - late) / 25:
                out += hold.push(sounds[heard])
                heard += 1
        for one in sounds[heard:]:
            out += hold.push(one)
        outcomes.append([unit for unit in out + hold.rest() if unit.kind == "a"])
    assert outcomes[0] == outcomes[1] == outcomes[2] == sounds


def test_without_pictures_it_goes_on_after_two_seconds() -> None:
    hold = AudioHold(BOTH)
    out = [unit for number in range(200) for unit in hold.push(sound(number))]
    assert out == [sound(number) for number in range(len(out))]
    assert len(out) == 200 - 94
    assert hold.rest() == [sound(number) for number in range(len(out), 200)]


def test_what_waits_is_bounded_whatever_its_times() -> None:
    hold = AudioHold(BOTH)
    still = [Unit("a", 0, 0, True, b"x")] * (MOST_UNITS + 50)
    assert sum(len(hold.push(unit)) for unit in still) == 50


def test_one_track_alone_never_waits() -> None:
    assert order(AudioHold({"a": AAC}).push(sound(3))) == [("a", 3 * 1024)]
    assert order(AudioHold({"v": VIDEO}).push(picture(3))) == [("v", 3 * 3_600)]
