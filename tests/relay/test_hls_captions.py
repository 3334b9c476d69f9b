"""The captions' rendition: listed once announced, beside the pictures' segments, never changed."""

from __future__ import annotations

import re

import pytest

from streamd.media.units import Kind, Track
from streamd.media.webvtt import Cue
from streamd.relay.hls_index import KINDS
from tests.relay.test_hls import FIRST, ORIGIN, PUBLICATION, Broadcast, uris
from tests.relay.units import AAC, sound


def cue(number: int, start: float, lasts: float = 2.0) -> Cue:
    """A caption that begins ``start`` seconds into the broadcast."""
    return Cue(str(number), ORIGIN + start, ORIGIN + start + lasts, f"line {number}")


def text(cast: Broadcast, name: str = "t.m3u8") -> str:
    return cast.window.resource(name).body.decode()


@pytest.fixture
def cast() -> Broadcast:
    made = Broadcast()
    made.start()
    return made


def test_without_a_captioner_there_is_no_such_rendition(cast: Broadcast) -> None:
    cast.run(8)
    assert "SUBTITLES" not in cast.window.multivariant_playlist()
    with pytest.raises(KeyError):
        cast.window.resource("t.m3u8")


def test_once_announced_it_stands_in_the_index(cast: Broadcast) -> None:
    cast.window.announce_captions("fa")
    cast.run(8)
    index = cast.window.multivariant_playlist()
    assert re.search(r'TYPE=SUBTITLES,.*LANGUAGE="fa".*URI="t.m3u8"', index)
    assert 'SUBTITLES="captions"' in index


def test_its_segments_stand_beside_the_pictures(cast: Broadcast) -> None:
    cast.window.announce_captions("en")
    cast.run(9)
    pictures, captions = cast.window.media_playlist("v"), text(cast)
    assert len(uris(captions)) == len(uris(pictures)) > 2
    for tag in ("PROGRAM-DATE-TIME", "MEDIA-SEQUENCE"):
        listed = re.findall(rf"#EXT-X-{tag}:.*", captions)
        assert listed == re.findall(rf"#EXT-X-{tag}:.*", pictures)[: len(listed)]
    assert "EXT-X-PART" not in captions
    assert "EXT-X-MAP" not in captions
    newest = int(re.findall(r"MEDIA-SEQUENCE:(\d+)", captions)[0]) + len(uris(captions)) - 1
    report = f'#EXT-X-RENDITION-REPORT:URI="t.m3u8",LAST-MSN={newest}'
    reported = re.findall(r'RENDITION-REPORT:URI="(.*?)",LAST-MSN=\d+,LAST-PART=\d+', captions)
    assert reported == [f"{kind}.m3u8" for kind in KINDS]
    for kind in KINDS:
        assert report in cast.window.media_playlist(kind).splitlines()
    found = cast.window.resource(uris(captions)[0])
    assert found.immutable
    assert found.content_type.startswith("text/vtt")


def test_a_caption_stands_in_each_segment_that_shows_it(cast: Broadcast) -> None:
    cast.window.announce_captions("en")
    cast.run(3)
    cast.window.put_caption(cue(1, 3.0, 4.0))
    cast.run(9)
    shown = [text(cast, name) for name in uris(text(cast))]
    assert shown[0] == "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n"
    having = [number for number, one in enumerate(shown) if "line 1" in one]
    assert len(having) >= 2
    assert all("00:00:03.000 --> 00:00:07.000" in shown[number] for number in having)


def test_a_late_caption_begins_with_the_segment_that_grows(cast: Broadcast) -> None:
    cast.window.announce_captions("en")
    cast.run(9)
    before = [text(cast, name) for name in uris(text(cast))]
    cast.window.put_caption(cue(1, 0.5))
    cast.run(4)
    after = [text(cast, name) for name in uris(text(cast))]
    assert after[: len(before)] == before
    assert "line 1" in "".join(after[len(before) :])


def test_after_a_new_generation_times_count_from_its_start(cast: Broadcast) -> None:
    cast.window.announce_captions("en")
    cast.run(6)
    cast.start(ORIGIN + 100)
    cast.run(1)
    cast.window.put_caption(cue(1, 101.0))
    cast.run(7)
    captions = text(cast)
    assert "#EXT-X-DISCONTINUITY\n" in captions
    body = "".join(text(cast, name) for name in uris(captions))
    assert "00:00:01.000 --> 00:00:03.000" in body


def test_what_the_pictures_no_longer_list_is_let_go(cast: Broadcast) -> None:
    cast.window.announce_captions("en")
    cast.run(6)
    (oldest, *_) = uris(text(cast))
    assert oldest == f"t-{PUBLICATION}-{FIRST}.vtt"
    cast.run(120)
    with pytest.raises(KeyError):
        cast.window.resource(oldest)
    assert len(cast.window.hls.captions._segments) < 40


def test_sound_alone_can_be_captioned() -> None:
    tracks: dict[Kind, Track] = {"a": AAC}
    cast = Broadcast(tracks)
    cast.start()
    cast.window.announce_captions("en")
    for number in range(12 * 48_000 // 1024):
        cast.window.write(sound(number))
    assert len(uris(text(cast))) > 2


@pytest.mark.parametrize("name", ["t-x-1.vtt", f"t-{PUBLICATION}-x.vtt", f"t-{PUBLICATION}-9.vtt"])
def test_other_names_are_unknown(cast: Broadcast, name: str) -> None:
    cast.window.announce_captions("en")
    cast.run(6)
    with pytest.raises(KeyError):
        cast.window.resource(name)
