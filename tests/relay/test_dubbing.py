from __future__ import annotations

from streamd.media.parts import Init, Part
from streamd.media.units import Kind, Track
from streamd.relay.dubbing import Dubbing
from streamd.relay.packager import Packager
from tests.relay.recording import samples
from tests.relay.units import AAC, OPUS, OTHER_VIDEO, VIDEO, picture, sound

BOTH: dict[Kind, Track] = {"v": VIDEO, "a": OPUS}


def dubbing(tracks: dict[Kind, Track]) -> tuple[Packager, Dubbing]:
    packager = Packager(tracks)
    inits: dict[Kind, Init] = {k: init for k, init in packager.inits.items() if k != "a"}
    return packager, Dubbing(inits, AAC, 0, 1 << 20)


def test_the_pictures_are_the_same_bytes_with_other_sound() -> None:
    packager, dubbed = dubbing(BOTH)
    out: list[Part] = []
    for number in range(10):
        (part,) = packager.push(picture(number, key=number == 0))
        out += dubbed.push_audio([sound(2 * number), sound(2 * number + 1)])
        out += dubbed.push_part(part)
        assert out[-1].v is part.v
        assert out[-1].key == part.key
    assert [part.n for part in out] == list(range(10))
    track = dubbed.feed.inits["a"]
    assert track.codec == "mp4a.40.2"
    played = samples(track.init + b"".join(part.a or b"" for part in out), "audio")
    assert [round(sample.dts * 48_000) for sample in played] == [1024 * n for n in range(20)]


def test_sound_goes_alone_once_it_has_waited() -> None:
    _, dubbed = dubbing(BOTH)
    out = dubbed.push_audio([sound(number) for number in range(5)])
    assert [(part.v, part.a is not None, part.key) for part in out] == [(None, True, False)]
    (last,) = dubbed.flush()
    assert last.t == 3 * 1024 * 90_000 // 48_000
    assert dubbed.flush() == []


def test_a_part_of_the_other_sound_alone_is_left_out() -> None:
    _, dubbed = dubbing(BOTH)
    assert dubbed.push_part(Part(0, 0, key=False, a=b"opus")) == []


def test_without_pictures_every_part_can_start_a_decoder() -> None:
    _, dubbed = dubbing({"a": OPUS})
    out = dubbed.push_audio([sound(0), sound(1)])
    assert [(part.n, part.key) for part in out] == [(0, True), (1, True)]


def test_a_new_configuration_passes_on() -> None:
    packager, dubbed = dubbing(BOTH)
    before = dubbed.feed.inits["v"]
    (part,) = packager.push(picture(0, key=True, track=OTHER_VIDEO))
    (out,) = dubbed.push_part(part)
    assert out.init is not None
    assert set(out.init) == {"v"}
    dubbed.feed.keep(out)
    assert dubbed.feed.inits["v"] != before
