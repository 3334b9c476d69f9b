from __future__ import annotations

import re

import pytest

from streamd import config
from streamd.media.units import Kind, Track
from streamd.relay.hls import KINDS
from streamd.relay.window import Window
from tests.relay.recording import samples
from tests.relay.units import AAC, OTHER_VIDEO, VIDEO, picture, sound

ORIGIN = 1_700_000_000.0
BOTH: dict[Kind, Track] = {"v": VIDEO, "a": AAC}


class Broadcast:
    """Writes pictures and sounds in step into a window."""

    def __init__(self, tracks: dict[Kind, Track] | None = None, token: str = "t0") -> None:
        self.window = Window("a", config.Relay(window_segments=4), token=token)
        self.tracks = tracks or BOTH
        self.gen = 0

    def start(self, origin: float = ORIGIN) -> None:
        self.gen += 1
        self.pictures = self.sounds = 0
        self.window.reset(self.gen, self.tracks, origin)

    def run(self, seconds: float, *, key_every: int = 50, track: Track | None = None) -> None:
        for _ in range(int(seconds * 25)):
            key = self.pictures % key_every == 0
            self.window.write(picture(self.pictures, key=key, track=track if key else None))
            self.pictures += 1
            while "a" in self.tracks and self.sounds * 1024 / 48_000 < self.pictures / 25:
                self.window.write(sound(self.sounds))
                self.sounds += 1


def uris(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("#")]


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


def test_the_joint_that_http_uses_agrees_with_the_names() -> None:
    broadcast = Broadcast()
    broadcast.start()
    broadcast.run(5)
    window = broadcast.window
    assert window.segment("v", 1, 0) == window.resource("v-t0-1-0.m4s").body
    assert window.init_segment("a", 1) == window.resource("a-t0-1-0.mp4").body
    assert window.media_playlist("a") == window.resource("a.m3u8").body.decode()


@pytest.mark.parametrize(
    "name",
    ["", "x.m3u8", "va.m3u8", "v-t0-1-99.m4s", "v-t0-1-0.mp3", "v-t0-1.m4s", "v-t0-a-b.m4s",
     "q-t0-1-0.m4s", "a-t0-9-0.mp4", "v-t0-1-0-0.m4s", "v-t1-1-0.m4s", "v-1-0.m4s",
     "../index.m3u8"],
)  # fmt: skip
def test_unknown_names(name: str) -> None:
    broadcast = Broadcast()
    broadcast.start()
    broadcast.run(5)
    with pytest.raises(KeyError):
        broadcast.window.resource(name)


def test_the_window_moves_and_old_segments_stay_a_while() -> None:
    """Section 6.2.2: three target durations stay listed; what went can still be fetched."""
    broadcast = Broadcast()
    broadcast.start()
    broadcast.run(60)
    text = broadcast.window.media_playlist("v")
    listed = uris(text)
    first = int(tag(text, "MEDIA-SEQUENCE"))
    assert listed[0] == f"v-t0-1-{first}.m4s"
    assert first > 0
    durations = [float(d) for d in re.findall(r"#EXTINF:([\d.]+),", text)]
    assert sum(durations) >= 18
    assert sum(durations[1:]) < 18 or len(listed) == 8, "no more than those"
    assert broadcast.window.resource(f"v-t0-1-{first - 1}.m4s").body
    broadcast.run(60)
    with pytest.raises(KeyError):
        broadcast.window.resource(listed[0])
    assert broadcast.window.init_segment("v", 1)


def test_both_tracks_show_the_same_times() -> None:
    broadcast = Broadcast()
    broadcast.start()
    broadcast.run(60)
    moments = {
        kind: re.findall(r"PROGRAM-DATE-TIME:(.*)", broadcast.window.media_playlist(kind))
        for kind in ("v", "a")
    }
    assert len(moments["v"]) == len(moments["a"])
    assert [m[:19] for m in moments["v"]] == [m[:19] for m in moments["a"]]
    assert tag(broadcast.window.media_playlist("v"), "MEDIA-SEQUENCE") == tag(
        broadcast.window.media_playlist("a"), "MEDIA-SEQUENCE"
    )


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
        assert uris(before)[-1] == f"{kind}-t0-1-2.m4s"
        assert after.startswith(f'#EXT-X-MAP:URI="{kind}-t0-2-0.mp4"\n')
        assert uris(after)[0] == f"{kind}-t0-2-3.m4s"
    broadcast.run(60)
    text = broadcast.window.media_playlist("v")
    assert "#EXT-X-DISCONTINUITY\n" not in text
    assert tag(text, "DISCONTINUITY-SEQUENCE") == "1"


def test_a_broadcast_after_the_end_lists_nothing_of_the_one_before_but_counts_on() -> None:
    broadcast = Broadcast()
    for number in range(1, 4):
        broadcast.start(ORIGIN + 10 * number)
        for name in ("index.m3u8", "v.m3u8", "a.m3u8"):
            with pytest.raises(KeyError):
                broadcast.window.resource(name)
        broadcast.run(5)
        for kind in ("v", "a"):
            text = broadcast.window.media_playlist(kind)
            assert "ENDLIST" not in text
            assert all(uri.startswith(f"{kind}-t0-{number}-") for uri in uris(text))
            assert tag(text, "MEDIA-SEQUENCE") == f"{3 * (number - 1)}"
            # The first of them is already one discontinuity after the last of the one before.
            if number > 1:
                assert text.count("#EXT-X-DISCONTINUITY\n") == 1
                assert text.index("#EXT-X-DISCONTINUITY\n") < text.index("#EXTINF")
            assert discontinuity_sequence(text) == max(0, number - 2)
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
                    re.split("-", uri)[2]: discontinuity_sequence(text) + before
                    for before, part in enumerate(text.split("#EXT-X-DISCONTINUITY\n"))
                    for uri in uris(part)
                }
                for text in map(broadcast.window.media_playlist, KINDS)
            ]
            shared = gens[0].keys() & gens[1].keys()
            assert f"{broadcast.gen}" in shared
            assert {gen: gens[0][gen] for gen in shared} == {gen: gens[1][gen] for gen in shared}
        if ended:
            broadcast.window.end()


def discontinuity_sequence(text: str) -> int:
    """0 where the playlist has no such tag (section 4.3.3.3)."""
    found = re.search(r"#EXT-X-DISCONTINUITY-SEQUENCE:(\d+)", text)
    return int(found[1]) if found else 0


def test_names_are_one_processs_own() -> None:
    before, after = Broadcast(token="aa"), Broadcast(token="bb")
    for broadcast in (before, after):
        broadcast.start()
        broadcast.run(5)
    old = uris(before.window.media_playlist("v"))
    new = uris(after.window.media_playlist("v"))
    assert len(old) == len(new) > 0
    assert not {*old} & {*new}
    assert all(re.fullmatch("[a-z0-9.-]{1,64}", name) for name in old)
    for name in old:
        with pytest.raises(KeyError):
            after.window.resource(name)


def test_a_new_configuration_is_a_discontinuity_with_its_own_map() -> None:
    broadcast = Broadcast()
    broadcast.start()
    broadcast.run(4)
    broadcast.run(8, track=OTHER_VIDEO)
    text = broadcast.window.media_playlist("v")
    before, after = text.split("#EXT-X-DISCONTINUITY\n")
    assert '#EXT-X-MAP:URI="v-t0-1-0.mp4"' in before
    assert '#EXT-X-MAP:URI="v-t0-1-1.mp4"' in after
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
