from __future__ import annotations

import re

import pytest

from streamd import config
from streamd.media.units import Kind, Track
from streamd.relay.hls_index import KINDS
from streamd.relay.window import Window
from tests.relay.recording import samples
from tests.relay.units import AAC, OTHER_VIDEO, VIDEO, picture, sound

ORIGIN = 1_700_000_000.0
PUBLICATION = f"{round(ORIGIN * 1e6):x}"
FIRST = int(ORIGIN)
BOTH: dict[Kind, Track] = {"v": VIDEO, "a": AAC}


class Broadcast:
    """Writes pictures and sounds in step into a window."""

    def __init__(self, tracks: dict[Kind, Track] | None = None, window_seconds: int = 20) -> None:
        self.window = Window("a", config.Relay(window_seconds=window_seconds))
        self.tracks = tracks or BOTH
        self.gen = 0

    def start(self, origin: float = ORIGIN) -> None:
        self.gen += 1
        self.pictures = self.sounds = 0
        self.window.reset(self.gen, self.tracks, origin)

    def run(
        self,
        seconds: float,
        *,
        key_every: int = 50,
        track: Track | None = None,
        sound_late: int = 0,
    ) -> None:
        """``sound_late``: pictures by which sound arrives behind those of its moment."""
        last = self.pictures + int(seconds * 25)
        while self.pictures < last:
            key = self.pictures % key_every == 0
            self.window.write(picture(self.pictures, key=key, track=track if key else None))
            self.pictures += 1
            heard = self.pictures if self.pictures == last else self.pictures - sound_late
            while "a" in self.tracks and self.sounds * 1024 / 48_000 < heard / 25:
                self.window.write(sound(self.sounds))
                self.sounds += 1


def uris(text: str) -> list[str]:
    """The whole segments."""
    return [line for line in text.splitlines() if not line.startswith("#")]


def name(kind: Kind, sequence: int, origin: float = ORIGIN) -> str:
    return f"{kind}-{round(origin * 1e6):x}-{sequence}.m4s"


def tag(text: str, name: str) -> str:
    found = re.search(rf"#EXT-X-{name}:(.*)", text)
    assert found is not None
    return found[1]


def test_nothing_is_served_before_a_segment_is_whole() -> None:
    broadcast = Broadcast()
    for name in ("index.m3u8", "v.m3u8", "a.m3u8"):
        with pytest.raises(KeyError):
            broadcast.window.resource(name)
    broadcast.start()
    broadcast.run(1.9)
    with pytest.raises(KeyError):
        broadcast.window.multivariant_playlist()
    broadcast.run(0.3)
    assert uris(broadcast.window.multivariant_playlist()) == ["v.m3u8"]


def test_every_name_in_the_playlists_can_be_fetched_and_played() -> None:
    broadcast = Broadcast()
    broadcast.start()
    broadcast.run(20)
    window = broadcast.window
    index = window.resource("index.m3u8")
    assert index.content_type == "application/vnd.apple.mpegurl"
    assert not index.immutable
    for kind, count in (("v", 400), ("a", 750)):
        text = window.resource(f"{kind}.m3u8").body.decode()
        mapped = re.findall(r'#EXT-X-MAP:URI="(.*)"', text)
        bodies = [window.resource(name) for name in [*mapped, *uris(text)]]
        assert all(body.immutable and body.content_type.endswith("/mp4") for body in bodies)
        played = samples(
            b"".join(body.body for body in bodies), "video" if kind == "v" else "audio"
        )
        assert len(played) >= count


@pytest.mark.parametrize(
    "path",
    ["", "x.m3u8", "va.m3u8", f"v-{PUBLICATION}-{FIRST + 99}.m4s", f"v-{PUBLICATION}-{FIRST}.mp3",
     f"v-{PUBLICATION}-{FIRST}.99.m4s", f"v-{PUBLICATION}-a.m4s", f"q-{PUBLICATION}-{FIRST}.m4s",
     f"a-{PUBLICATION}-i9.mp4", f"v-0-{FIRST}.m4s", "../index.m3u8"],
)  # fmt: skip
def test_unknown_names(path: str) -> None:
    broadcast = Broadcast()
    broadcast.start()
    broadcast.run(5)
    with pytest.raises(KeyError):
        broadcast.window.resource(path)


def test_the_window_moves_and_old_segments_stay_a_while() -> None:
    """Section 6.2.2: three target durations stay listed; what went can still be fetched."""
    broadcast = Broadcast()
    broadcast.start()
    broadcast.run(60)
    text = broadcast.window.media_playlist("v")
    listed = uris(text)
    first = int(tag(text, "MEDIA-SEQUENCE"))
    assert listed[0] == name("v", first)
    assert first > FIRST
    durations = [float(d) for d in re.findall(r"#EXTINF:([\d.]+),", text)]
    assert sum(durations) >= 20
    assert sum(durations[1:]) < 20, "no more than those"
    assert broadcast.window.resource(name("v", first - 1)).body
    broadcast.run(60)
    with pytest.raises(KeyError):
        broadcast.window.resource(listed[0])
    assert broadcast.window.resource(f"v-{PUBLICATION}-i0.mp4").body


def test_both_tracks_show_the_same_times_under_the_same_numbers() -> None:
    broadcast = Broadcast()
    broadcast.start()
    broadcast.run(60)
    moments = {}
    for kind in KINDS:
        text = broadcast.window.media_playlist(kind)
        found = re.findall(r"PROGRAM-DATE-TIME:(.{19})", text)
        moments[kind] = dict(enumerate(found, int(tag(text, "MEDIA-SEQUENCE"))))
    shared = moments["v"].keys() & moments["a"].keys()
    assert len(shared) >= 10
    assert all(moments["v"][number] == moments["a"][number] for number in shared)


def test_independence_is_claimed_until_it_is_lost() -> None:
    broadcast = Broadcast()
    broadcast.start()
    broadcast.run(6, key_every=125)
    assert "#EXT-X-INDEPENDENT-SEGMENTS" in broadcast.window.media_playlist("v")
    broadcast.run(20, key_every=10_000)
    assert "#EXT-X-INDEPENDENT-SEGMENTS" not in broadcast.window.media_playlist("v")
    assert "#EXT-X-INDEPENDENT-SEGMENTS" in broadcast.window.media_playlist("a")
    broadcast.run(60)
    assert "#EXT-X-INDEPENDENT-SEGMENTS" not in broadcast.window.media_playlist("v")


def test_the_end_is_said_and_the_last_segment_kept() -> None:
    broadcast = Broadcast()
    broadcast.start()
    broadcast.run(3)
    broadcast.window.end()
    text = broadcast.window.media_playlist("v")
    assert text.endswith("#EXT-X-ENDLIST\n")
    assert sum(float(d) for d in re.findall(r"#EXTINF:([\d.]+),", text)) == pytest.approx(3)


def test_a_generation_of_the_same_publication_continues_the_playlist() -> None:
    broadcast = Broadcast()
    broadcast.start()
    broadcast.run(5)
    broadcast.start(ORIGIN + 20)
    broadcast.run(5)
    for kind in ("v", "a"):
        text = broadcast.window.media_playlist(kind)
        assert "ENDLIST" not in text
        assert text.count("#EXT-X-DISCONTINUITY\n") == 1
        before, after = text.split("#EXT-X-DISCONTINUITY\n")
        assert uris(before)[-1] == name(kind, FIRST + 2)
        number = 2 if kind == "v" else 3
        assert after.startswith(f'#EXT-X-MAP:URI="{kind}-{PUBLICATION}-i{number}.mp4"\n')
        assert uris(after)[0] == name(kind, FIRST + 3)
    broadcast.run(60)
    text = broadcast.window.media_playlist("v")
    assert "#EXT-X-DISCONTINUITY\n" not in text
    assert tag(text, "DISCONTINUITY-SEQUENCE") == "1"


def test_a_broadcast_after_the_end_lists_nothing_of_the_one_before() -> None:
    """It counts anew, from its own origin: another process that was not there before does too."""
    broadcast = Broadcast()
    for number in range(1, 4):
        origin = ORIGIN + 10 * number
        broadcast.start(origin)
        for path in ("index.m3u8", "v.m3u8", "a.m3u8"):
            with pytest.raises(KeyError):
                broadcast.window.resource(path)
        broadcast.run(5)
        for kind in KINDS:
            text = broadcast.window.media_playlist(kind)
            assert "ENDLIST" not in text
            assert "#EXT-X-DISCONTINUITY\n" not in text
            assert uris(text)[0] == name(kind, int(origin), origin)
            assert tag(text, "MEDIA-SEQUENCE") == str(int(origin))
        broadcast.window.end()
        assert broadcast.window.media_playlist("v").endswith("#EXT-X-ENDLIST\n")


def test_the_old_broadcast_can_be_fetched_a_while_then_goes() -> None:
    """Section 6.2.2: a segment's own duration and that of the playlist that listed it."""
    broadcast = Broadcast()
    broadcast.start()
    broadcast.run(20)
    broadcast.window.end()
    text = broadcast.window.media_playlist("v")
    old = [*uris(text), *re.findall(r'#EXT-X-MAP:URI="(.*)"', text)]
    broadcast.start(ORIGIN + 30)
    broadcast.run(10)
    assert all(broadcast.window.resource(name).body for name in old)
    broadcast.run(60)
    for name in old:
        with pytest.raises(KeyError):
            broadcast.window.resource(name)


@pytest.mark.parametrize("ended", [True, False], ids=["broadcast again", "announced again"])
def test_a_track_that_was_away_has_the_others_discontinuity_sequence(ended: bool) -> None:
    """Section 6.2.4: both renditions, at the same time, in the same count."""
    broadcast = Broadcast()
    alone: dict[Kind, Track] = {"v": VIDEO}
    for tracks in (alone, BOTH, alone, BOTH, BOTH):
        broadcast.tracks = tracks
        broadcast.start(ORIGIN + 100 * broadcast.gen)
        broadcast.run(5)
        if "a" in tracks:
            gens = [
                {
                    when[:5]: discontinuity_sequence(text) + before
                    for before, part in enumerate(text.split("#EXT-X-DISCONTINUITY\n"))
                    for when in re.findall(r"DATE-TIME:\S+T\d\d:(\S+)", part)
                }
                for text in map(broadcast.window.media_playlist, KINDS)
            ]
            shared = gens[0].keys() & gens[1].keys()
            assert len(shared) >= 3
            assert {gen: gens[0][gen] for gen in shared} == {gen: gens[1][gen] for gen in shared}
        if ended:
            broadcast.window.end()


def discontinuity_sequence(text: str) -> int:
    """0 where the playlist has no such tag (section 4.3.3.3)."""
    found = re.search(r"#EXT-X-DISCONTINUITY-SEQUENCE:(\d+)", text)
    return int(found[1]) if found else 0


def test_another_process_gives_the_same_bytes_under_the_same_names() -> None:
    """Which had other broadcasts before, and hears picture and sound in another order."""
    one, other = Broadcast(), Broadcast()
    other.start(ORIGIN - 60)
    other.run(5)
    other.window.end()
    for broadcast, late in ((one, 0), (other, 7)):
        broadcast.start()
        broadcast.run(30, sound_late=late)
        broadcast.run(5, track=OTHER_VIDEO, sound_late=late)
        broadcast.start(ORIGIN + 40)
        broadcast.run(8, sound_late=late)
        broadcast.window.end()
    for kind in KINDS:
        texts = [each.window.media_playlist(kind) for each in (one, other)]
        assert texts[0] == texts[1]
        names = [*uris(texts[0]), *re.findall(r'URI="([^"]*m[p4s]+)"', texts[0])]
        assert len(names) > 60
        assert all(re.fullmatch("[a-z0-9.-]{1,64}", each) for each in names)
        for each in names:
            assert one.window.resource(each) == other.window.resource(each)


def test_a_new_configuration_is_a_discontinuity_with_its_own_map() -> None:
    broadcast = Broadcast()
    broadcast.start()
    broadcast.run(4)
    broadcast.run(8, track=OTHER_VIDEO)
    text = broadcast.window.media_playlist("v")
    before, after = text.split("#EXT-X-DISCONTINUITY\n")
    assert f'#EXT-X-MAP:URI="v-{PUBLICATION}-i0.mp4"' in before
    assert f'#EXT-X-MAP:URI="v-{PUBLICATION}-i2.mp4"' in after
    assert broadcast.window.media_playlist("a").count("#EXT-X-DISCONTINUITY\n") == 1
    assert "RESOLUTION=1280x720" in broadcast.window.multivariant_playlist()


def test_audio_that_never_comes_does_not_keep_the_pictures_back() -> None:
    broadcast = Broadcast({"v": VIDEO})
    broadcast.tracks = BOTH
    broadcast.start()
    broadcast.tracks = {"v": VIDEO}
    broadcast.run(5)
    text = broadcast.window.multivariant_playlist()
    assert "TYPE=AUDIO" not in text
    assert "mp4a" not in text


def test_bandwidth_is_the_peak_over_both_tracks() -> None:
    broadcast = Broadcast()
    broadcast.start()
    broadcast.run(10)
    text = broadcast.window.multivariant_playlist()
    peak = mean = 0.0
    for kind in ("v", "a"):
        playlist = broadcast.window.media_playlist(kind)
        sizes = [len(broadcast.window.resource(uri).body) for uri in uris(playlist)]
        seconds = [float(d) for d in re.findall(r"#EXTINF:([\d.]+),", playlist)]
        peak += max(size * 8 / s for size, s in zip(sizes, seconds, strict=True))
        mean += sum(sizes) * 8 / sum(seconds)
    found = re.search(r"BANDWIDTH=(\d+),AVERAGE-BANDWIDTH=(\d+)", text)
    assert found is not None
    assert float(found[1]) == pytest.approx(peak, rel=1e-3)
    assert float(found[2]) == pytest.approx(mean, rel=1e-3)
