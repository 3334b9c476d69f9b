"""Parts, blocking reloads, hints and delta updates (bis), in one process and without a clock."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from itertools import pairwise

import pytest

from streamd import config
from streamd.media.playlist import DateRange
from streamd.media.units import Track
from streamd.relay.errors import BadDirective, NotInTime, TooManyWaiting
from streamd.relay.hls import Hls
from streamd.relay.hls_directives import Directives
from streamd.relay.hls_index import KINDS
from streamd.relay.window import Window
from tests.hls_playlist import Playlist, check, check_next, merged, parse
from tests.relay.recording import samples, until
from tests.relay.test_hls import ORIGIN, Broadcast
from tests.relay.units import AAC, FRAME, OTHER_VIDEO, VIDEO, picture, sound


def live(seconds: float = 10, window_seconds: int = 20) -> Broadcast:
    broadcast = Broadcast(window_seconds=window_seconds)
    broadcast.start()
    broadcast.run(seconds)
    return broadcast


def shown(broadcast: Broadcast, kind: str = "v") -> Playlist:
    return parse(broadcast.window.media_playlist("v" if kind == "v" else "a"))


async def ask(hls: Hls, name: str = "v.m3u8", *, msn: int, part: int | None = None) -> str:
    return (await hls.playlist(name, Directives(msn, part))).body.decode()


def test_every_playlist_of_a_broadcast_keeps_the_rules() -> None:
    broadcast = Broadcast(window_seconds=20)
    broadcast.start()
    broadcast.run(2.1)
    last = {kind: shown(broadcast, kind) for kind in KINDS}
    for number in range(1200):
        track = OTHER_VIDEO if number == 508 else None
        broadcast.run(0.04, key_every=40, track=track)
        for kind in KINDS:
            text = broadcast.window.media_playlist(kind)
            new = parse(text)
            check(new)
            check_next(last[kind], new)
            last[kind] = new
    assert last["v"].first > int(ORIGIN) + 5
    assert last["v"].discontinuity_sequence == last["a"].discontinuity_sequence == 1


def test_a_segment_is_its_parts() -> None:
    broadcast = live()
    for kind in KINDS:
        for segment in shown(broadcast, kind).whole.values():
            parts = [broadcast.window.resource(part.uri).body for part in segment.parts]
            assert len(parts) > 3
            assert b"".join(parts) == broadcast.window.resource(segment.uri).body


def test_the_parts_alone_can_be_played() -> None:
    broadcast = live()
    found = shown(broadcast)
    init = broadcast.window.resource(found.segments[0].map_uri).body
    bodies = [broadcast.window.resource(part.uri).body for part in found.parts().values()]
    played = samples(init + b"".join(bodies), "video")
    assert len(played) >= 240
    steps = {round((b.dts - a.dts) * 90_000) for a, b in pairwise(played)}
    assert steps == {FRAME}


@pytest.mark.parametrize(
    ("step", "expected"),
    [(1_500, 0.334), (3_000, 0.334), (6_000, 0.334), (9_000, 0.334), (18_000, 0.4)],
)
def test_part_targets_suit_the_pictures(step: int, expected: float) -> None:
    window = Window("a", config.Relay())
    window.reset(1, {"v": VIDEO}, ORIGIN)
    for number in range(900_000 // step):
        unit = picture(number, key=number * step % 180_000 == 0, duration=None)
        window.write(replace(unit, dts=number * step, pts=number * step))
    found = parse(window.media_playlist("v"))
    check(found)
    assert found.part_target == expected


def test_a_late_picture_makes_no_part_longer_than_its_target() -> None:
    window = Window("a", config.Relay())
    window.reset(1, {"v": VIDEO}, ORIGIN)
    time = 0
    for number in range(400):
        time += FRAME * (12 if number % 37 == 0 else 1)
        unit = picture(number, key=number % 50 == 0, duration=None)
        window.write(replace(unit, dts=time, pts=time))
    found = parse(window.media_playlist("v"))
    check(found, regular=False)


def test_no_keyframe_for_ten_seconds() -> None:
    broadcast = live(4)
    broadcast.run(14, key_every=10_000)
    found = shown(broadcast)
    check(found)
    assert not found.independent
    assert max(round(one.duration) for one in found.whole.values()) == 6
    assert sum(part.independent for part in found.parts().values()) < 5


@pytest.mark.parametrize("tracks", [{"v": VIDEO}, {"a": AAC}], ids=["pictures", "sound"])
def test_one_track_alone(tracks: dict[str, Track]) -> None:
    window = Window("a", config.Relay())
    window.reset(1, {track.kind: track for track in tracks.values()}, ORIGIN)
    for number in range(500):
        window.write(picture(number, key=number % 50 == 0) if "v" in tracks else sound(number))
    (kind,) = (track.kind for track in tracks.values())
    found = parse(window.media_playlist(kind))
    check(found)
    assert found.reports == []
    assert "AUDIO=" not in window.multivariant_playlist()


def test_the_other_renditions_place_is_told() -> None:
    broadcast = live()
    for kind, other in (("v", "a"), ("a", "v")):
        (report,) = shown(broadcast, kind).reports
        assert report["URI"] == f"{other}.m3u8"
        place = int(report["LAST-MSN"]), int(report["LAST-PART"])
        assert place in sorted(shown(broadcast, other).parts())[-2:]


def test_the_time_line_is_the_same_in_every_rendition() -> None:
    broadcast = live()
    broadcast.window.put_date_range(
        DateRange("q7", ORIGIN + 5, "streamd.poll", attributes={"X-POLL": "7", "X-ACTION": "open"})
    )
    broadcast.window.put_date_range(DateRange("old", ORIGIN - 90))
    (one,) = shown(broadcast).date_ranges
    assert one == (
        'ID="q7",CLASS="streamd.poll",START-DATE="2023-11-14T22:13:25.000Z",'
        'X-POLL="7",X-ACTION="open"'
    )
    assert shown(broadcast, "a").date_ranges == [one]
    broadcast.run(40)
    assert shown(broadcast).date_ranges == shown(broadcast, "a").date_ranges == []


async def test_a_reload_waits_for_exactly_its_part() -> None:
    broadcast = live()
    hls = broadcast.window.hls
    now = shown(broadcast)
    msn, part = now.next_sequence, len(now.growing)
    waiting = asyncio.create_task(ask(hls, msn=msn, part=part))
    await until(lambda: hls.places.taken == 1)
    broadcast.run(0.1)
    await asyncio.sleep(0)
    assert not waiting.done(), "the part is not whole"
    broadcast.run(0.4)
    new = parse(await waiting)
    assert (msn, part) in new.parts()
    assert hls.places.taken == 0


async def test_a_part_past_a_segments_end_is_the_next_ones_first() -> None:
    broadcast = live()
    hls = broadcast.window.hls
    now = shown(broadcast)
    beyond = len(now.whole[now.next_sequence - 1].parts)
    assert parse(await ask(hls, msn=now.next_sequence - 1, part=beyond)) == now, "it is there"
    waiting = asyncio.create_task(ask(hls, msn=now.next_sequence, part=7))
    await until(lambda: hls.places.taken == 1)
    broadcast.run(1.9)
    assert not waiting.done()
    broadcast.run(0.5)
    assert (now.next_sequence + 1, 0) in parse(await waiting).parts()


async def test_what_is_long_past_is_answered_with_all_there_is() -> None:
    broadcast = live(60)
    assert parse(await ask(broadcast.window.hls, msn=int(ORIGIN), part=3)) == shown(broadcast)


@pytest.mark.parametrize(("ahead", "part"), [(2, None), (3, 0), (0, 30), (1, 9)])
async def test_what_no_player_would_ask_is_refused(ahead: int, part: int | None) -> None:
    broadcast = live()
    msn = shown(broadcast).next_sequence + ahead
    with pytest.raises(BadDirective):
        await broadcast.window.hls.playlist("v.m3u8", Directives(msn, part))


async def test_a_wait_for_nothing_ends_after_three_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamd.relay.hls.WAIT_TARGETS", 0.005)
    broadcast = live()
    now = shown(broadcast)
    with pytest.raises(NotInTime):
        await ask(broadcast.window.hls, msn=now.next_sequence + 1)
    with pytest.raises(NotInTime):
        await broadcast.window.hls.part(now.hint)


async def test_those_who_wait_are_bounded() -> None:
    broadcast = live()
    hls = broadcast.window.hls
    hls.places.most = 1
    now = shown(broadcast)
    first = asyncio.create_task(ask(hls, msn=now.next_sequence))
    await until(lambda: hls.places.taken == 1)
    with pytest.raises(TooManyWaiting):
        await ask(hls, "a.m3u8", msn=now.next_sequence)
    with pytest.raises(TooManyWaiting):
        await hls.part(now.hint)
    assert hls.places.refused == 2
    broadcast.run(2.5)
    assert now.next_sequence in parse(await first).whole


async def test_the_hinted_part_comes_whole() -> None:
    broadcast = live()
    now = shown(broadcast)
    waiting = asyncio.create_task(broadcast.window.hls.part(now.hint))
    await asyncio.sleep(0)
    broadcast.run(0.5)
    found = await waiting
    assert found.immutable
    assert found.body == broadcast.window.resource(now.hint).body
    with pytest.raises(KeyError):
        await broadcast.window.hls.part(now.hint.replace(".m4s", "9.m4s"))


async def test_the_end_lets_everybody_go_and_directives_are_ignored() -> None:
    broadcast = live()
    hls = broadcast.window.hls
    now = shown(broadcast)
    names = re.sub(r"\.(\d+)\.m4s", lambda found: f".{int(found[1]) + 1}.m4s", now.hint)
    reload = asyncio.create_task(ask(hls, msn=now.next_sequence + 1))
    with pytest.raises(KeyError):
        await hls.part(names)
    await until(lambda: hls.places.taken == 1)
    broadcast.window.end()
    assert parse(await reload).ended
    assert parse(await ask(hls, msn=now.next_sequence + 50, part=3)).ended
    with pytest.raises(KeyError):
        await hls.part(broadcast.window.hls.renditions["v"].hint)


def test_delta_updates_make_the_same_playlist() -> None:
    broadcast = live(60, window_seconds=60)
    before = {kind: shown(broadcast, kind) for kind in KINDS}
    broadcast.run(5)
    for kind in KINDS:
        full = broadcast.window.media_playlist(kind)
        delta = broadcast.window.hls.media_playlist(kind, skip=True)
        parsed = parse(delta)
        assert parsed.skipped >= 8
        assert len(delta) < len(full)
        assert merged(before[kind], parsed) == parse(full)
        kept = list(parse(full).whole.values())[parsed.skipped :]
        growing = sum(part.duration for part in parsed.growing)
        assert sum(one.duration for one in kept) + growing > 36, "nothing after the skip boundary"


def test_a_short_playlist_has_no_delta_update() -> None:
    broadcast = live(20)
    assert parse(broadcast.window.hls.media_playlist("v", skip=True)).skipped == 0


def test_a_playlist_is_written_once_for_all_who_ask() -> None:
    broadcast = live()
    first = broadcast.window.resource("v.m3u8")
    assert broadcast.window.resource("v.m3u8") is first
    broadcast.run(0.4)
    assert broadcast.window.resource("v.m3u8") is not first
