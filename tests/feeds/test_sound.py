"""The data saver's parts, from the packager's own."""

from __future__ import annotations

from itertools import pairwise

from streamd.feeds import fragments
from streamd.feeds.sound import GROUP_TICKS, Sound, SoundPart, still_of
from streamd.media.parts import Part
from streamd.media.units import MEDIA_TIMESCALE, Track, Unit
from streamd.relay.packager import Packager
from tests.relay.units import AAC, FRAME, OTHER_VIDEO, VIDEO, picture, sound


def broadcast(seconds: int, *tracks: Track, gop: int = 50) -> tuple[Packager, list[Part]]:
    """A packager and its parts: 25 pictures a second, a keyframe each two, AAC."""
    known = {track.kind: track for track in tracks or (VIDEO, AAC)}
    packager = Packager(known)
    units: list[tuple[float, Unit]] = []
    if "v" in known:
        units += [(n / 25, picture(n, key=n % gop == 0)) for n in range(seconds * 25)]
    if "a" in known:
        units += [(n * 1024 / 48_000, sound(n)) for n in range(seconds * 48_000 // 1024)]
    ordered = sorted(units, key=lambda timed: timed[0])
    return packager, [part for _, unit in ordered for part in packager.push(unit)]


def saved(sound: Sound, parts: list[Part]) -> list[SoundPart]:
    """All that comes out, the tail included."""
    return [made for part in parts for made in sound.push(part)] + sound.flush()


def test_sound_travels_whole_in_groups_in_media_time() -> None:
    packager, parts = broadcast(12)
    made = saved(Sound(dict(packager.inits)), parts)
    heard = [unit for one in made for unit in fragments.units(one.part.a or b"", "a")]
    assert [unit.dts for unit in heard] == [n * 1024 for n in range(len(heard))]
    assert len(heard) >= 12 * 48_000 // 1024 - 2
    spans = [after.part.t - before.part.t for before, after in pairwise(made)]
    assert all(GROUP_TICKS <= span < GROUP_TICKS * 1.3 for span in spans)
    assert all(one.part.key and one.part.v is None for one in made)
    numbers = [one.part.n for one in made]
    assert numbers == sorted(set(numbers))


def test_a_still_each_ten_seconds_from_the_first_keyframe() -> None:
    packager, parts = broadcast(25)
    made = saved(Sound(dict(packager.inits)), parts)
    stills = [one.still for one in made if one.still is not None]
    assert [still.t // MEDIA_TIMESCALE for still in stills] == [0, 10, 20]
    assert fragments.units(stills[1].v, "v") == [picture(250, key=True)]
    assert stills[1].init == packager.inits["v"]


def test_a_joiner_who_was_shown_one_waits_ten_seconds_for_the_next() -> None:
    packager, parts = broadcast(15)
    saver = Sound(dict(packager.inits))
    first = still_of(parts[0], packager.inits["v"])
    assert first is not None
    saver.still_shown(first.t)
    stills = [one.still.t // FRAME for one in saved(saver, parts) if one.still is not None]
    assert stills == [250]


def test_a_keyframe_just_before_the_ten_seconds_is_taken() -> None:
    packager, parts = broadcast(25, gop=245)
    stills = [one.still for one in saved(Sound(dict(packager.inits)), parts) if one.still]
    assert [still.t // FRAME for still in stills] == [0, 245, 490]


def test_new_parameter_sets_come_with_the_still() -> None:
    packager, parts = broadcast(2)
    saver = Sound(dict(packager.inits))
    saved(saver, parts)
    turned = packager.push(picture(300, key=True, track=OTHER_VIDEO))
    made = saved(saver, turned)
    assert made[0].still is not None
    assert made[0].still.init == packager.inits["v"]
    assert set(saver.inits) == {"a"}


def test_a_new_sound_configuration_ends_the_group_before_it() -> None:
    packager, parts = broadcast(1)
    saver = Sound(dict(packager.inits))
    for part in parts:
        saver.push(part)
    mono = Track("a", "mp4a.40.2", 44_100, b"\x12\x08", sample_rate=44_100, channels=1)
    changed = Unit("a", 60_000, 60_000, True, b"new", 1024, mono)
    late = Unit("a", 64_000, 64_000, True, b"more", 1024)
    before = packager.flush()
    after = [*packager.push(changed), *packager.push(late), *packager.flush()]
    made = saved(saver, [*before, *after])
    assert made[0].part.init is None
    assert made[1].part.init == {"a": packager.inits["a"]}
    assert made[1].part.t == 60_000 * MEDIA_TIMESCALE // 44_100


def test_without_sound_a_part_is_a_still_and_nothing_else() -> None:
    packager, parts = broadcast(12, VIDEO)
    made = saved(Sound(dict(packager.inits)), parts)
    assert [(one.part.a, one.still is not None) for one in made] == [(None, True)] * 2
    assert [one.part.t // MEDIA_TIMESCALE for one in made] == [0, 10]


def test_without_pictures_there_are_no_stills() -> None:
    packager, parts = broadcast(3, AAC)
    made = saved(Sound(dict(packager.inits)), parts)
    assert len(made) >= 7
    assert not any(one.still for one in made)
