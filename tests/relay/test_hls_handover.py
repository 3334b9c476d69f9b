"""A process that joins late answers with the same bytes as one that was there from the start."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable

import pytest

from streamd import config
from streamd.media.playlist import DateRange
from streamd.media.units import Kind, Track
from streamd.media.webvtt import Cue
from streamd.relay import hls_state
from streamd.relay.errors import HandoverBroken, StateRefused
from streamd.relay.hls import Hls
from streamd.relay.hls_directives import Directives
from streamd.relay.hls_handover import Heir, hand_over
from streamd.relay.hls_index import KINDS
from streamd.relay.hls_rendition import Resource
from streamd.relay.hls_state import Message
from streamd.relay.window import Window
from tests.hls_playlist import check, parse
from tests.relay.recording import samples
from tests.relay.test_hls import ORIGIN, Broadcast
from tests.relay.test_opus_to_aac import spoken
from tests.relay.units import OTHER_VIDEO, VIDEO, picture, sound

ALONE: dict[Kind, Track] = {"v": VIDEO}
PLAYLISTS = ("index.m3u8", "v.m3u8", "a.m3u8", "t.m3u8")


class Late:
    """A process of its own that takes over ``broadcast``'s window, as of now."""

    def __init__(self, broadcast: Broadcast, window_seconds: int = 20) -> None:
        self.window = Window("a", config.Relay(window_seconds=window_seconds))
        self.heir = Heir("a", self.window.hls)
        self.messages: list[bytes] = []
        self.leave = hand_over(broadcast.window.hls, self._take)

    def _take(self, message: bytes) -> None:
        self.messages.append(message)
        self.heir.take(message)


def found(hls: Hls, name: str) -> Resource | None:
    try:
        return hls.resource(name)
    except KeyError:
        return None


def answers(hls: Hls) -> dict[str, object]:
    """All that can be asked of it now: playlists, delta updates, and what any of them names."""
    given: dict[str, object] = {name: found(hls, name) for name in PLAYLISTS}
    for kind in KINDS:
        if given[f"{kind}.m3u8"] is not None:
            given[f"{kind} delta"] = hls.media_playlist(kind, skip=True)
    named = set()
    for one in given.values():
        text = one.body.decode() if isinstance(one, Resource) else str(one)
        named |= set(re.findall(r"(?m)^[^#\n].*$", text)) | set(re.findall(r'URI="([^"]*)"', text))
    return given | {name: found(hls, name) for name in named}


def same(broadcast: Broadcast, late: Late, least: int = 0) -> None:
    one, other = answers(broadcast.window.hls), answers(late.window.hls)
    assert one.keys() == other.keys()
    assert [name for name in one if one[name] != other[name]] == []
    assert len(one) >= least


def alike(broadcast: Broadcast, late: Late) -> None:
    """What they know is the same too, so that they go on alike."""
    same(broadcast, late, least=20)
    states = [hls_state.encode(Message(0, each.window.hls.state)) for each in (broadcast, late)]
    assert states[0] == states[1]


def test_twenty_seconds_late_everything_is_the_same_at_once_and_from_then_on() -> None:
    broadcast = Broadcast()
    broadcast.start()
    broadcast.run(20.2, sound_late=3)
    late = Late(broadcast)
    same(broadcast, late, least=60)
    for _ in range(300):
        broadcast.run(0.12, sound_late=3)
        same(broadcast, late, least=60)
    retired = parse(late.window.media_playlist("v")).first - 1
    name = re.sub(
        r"-\d+\.m4s", f"-{retired}.m4s", late.window.hls.renditions["v"].listed[0].entry.uri
    )
    assert late.window.resource(name) == broadcast.window.resource(name)
    check(parse(late.window.media_playlist("v")))
    played = late.window.resource("v.m3u8").body.decode()
    names = [*re.findall(r'MAP:URI="(.*)"', played), *re.findall(r"(?m)^v-.*m4s$", played)]
    body = b"".join(late.window.resource(one).body for one in names)
    assert len(samples(body, "video")) > 450


def test_whatever_happens_to_the_broadcast_happens_to_both() -> None:
    broadcast = Broadcast()
    broadcast.window.announce_captions("fa")
    broadcast.start(ORIGIN - 60)
    broadcast.run(5)
    broadcast.window.end()
    broadcast.start()
    broadcast.run(9)
    broadcast.run(3.1, track=OTHER_VIDEO)
    broadcast.window.put_date_range(DateRange("1", ORIGIN + 4, "x", attributes={"X-A": b"\1"}))
    broadcast.window.put_caption(Cue("1", ORIGIN + 11, ORIGIN + 14, "one"))
    late = Late(broadcast)
    same(broadcast, late, least=30)
    events: list[Callable[[], None]] = [
        lambda: broadcast.window.put_caption(Cue("2", ORIGIN + 12, ORIGIN + 30, "two")),
        lambda: broadcast.window.announce_captions("en"),
        lambda: broadcast.window.put_date_range(
            DateRange("2", ORIGIN + 12, ends=ORIGIN + 13, attributes={"X-B": 1.5, "X-C": "c"})
        ),
        lambda: broadcast.run(4, track=VIDEO),
        lambda: broadcast.run(8, key_every=10_000),
        lambda: broadcast.start(ORIGIN + 60),
        lambda: setattr(broadcast, "tracks", ALONE),
        lambda: broadcast.start(ORIGIN + 90),
        lambda: broadcast.start(ORIGIN + 120),
    ]
    for event in events:
        event()
        same(broadcast, late)
        broadcast.run(4.04)
        same(broadcast, late, least=20)
    broadcast.window.end()
    alike(broadcast, late)


def test_wherever_it_joins_an_eventful_broadcast_it_goes_on_alike() -> None:
    """Keyframes few and irregular, lengths of pictures untold, sound behind, cuts that sound has
    yet to follow, captions that come late, parameters and generations that change."""
    broadcast = Broadcast()
    window = broadcast.window
    window.announce_captions("en")
    broadcast.start()
    lates: list[Late] = []
    for number in range(900):
        if number in (300, 560):
            broadcast.start(ORIGIN + number / 25 + 1)
        every = 40 if number < 300 else 33 if number >= 560 else 10_000
        key = broadcast.pictures % every == 0
        track = {120: OTHER_VIDEO, 240: VIDEO}.get(number)
        untold = picture(broadcast.pictures, key=key, track=track, duration=None)
        window.write(untold)
        broadcast.pictures += 1
        behind = number % 9
        while broadcast.sounds * 1024 / 48_000 < (broadcast.pictures - behind) / 25:
            window.write(sound(broadcast.sounds))
            broadcast.sounds += 1
        if number % 25 == 0:
            at = ORIGIN + number / 25 - 1.5
            window.put_caption(Cue(str(number), at, at + 2, "late"))
        if number % 47 == 46:
            lates.append(Late(broadcast))
    assert len(lates) == 19
    for late in lates:
        alike(broadcast, late)
    window.end()
    for late in lates:
        alike(broadcast, late)


@pytest.mark.parametrize("seconds", [None, 0.0, 0.5, 2.2, 3.0])
def test_a_process_may_join_at_any_moment(seconds: float | None) -> None:
    """Before the broadcast, before its first segment, between two parts."""
    broadcast = Broadcast()
    if seconds is not None:
        broadcast.start()
        broadcast.run(seconds, sound_late=2)
    late = Late(broadcast)
    same(broadcast, late)
    if seconds is None:
        broadcast.start()
    broadcast.run(9, sound_late=2)
    same(broadcast, late, least=20)
    broadcast.window.end()
    same(broadcast, late, least=20)
    last = Late(broadcast)
    same(broadcast, last, least=20)
    broadcast.start(ORIGIN + 30)
    broadcast.run(5)
    same(broadcast, last, least=10)


def test_sound_that_is_lost_is_lost_for_both() -> None:
    broadcast = Broadcast()
    broadcast.start()
    broadcast.run(5)
    late = Late(broadcast)
    broadcast.window.hls.drop_audio()
    broadcast.tracks = ALONE
    broadcast.run(9)
    same(broadcast, late, least=20)
    assert "TYPE=AUDIO" not in late.window.multivariant_playlist()


async def test_requests_that_wait_have_the_same_answers() -> None:
    broadcast = Broadcast()
    broadcast.start()
    broadcast.run(20.2)
    late = Late(broadcast)
    now = parse(broadcast.window.media_playlist("v"))
    directives = [Directives(now.next_sequence, 0, skip=skip) for skip in (False, True)]
    directives.append(Directives(now.next_sequence, None))
    hint = now.hints[0]["URI"].strip('"')
    waiting = [
        [asyncio.create_task(one.playlist("v.m3u8", each)) for each in directives]
        + [asyncio.create_task(one.part(hint))]
        for one in (broadcast.window.hls, late.window.hls)
    ]
    await asyncio.sleep(0)
    given: list[list[bytes]] = [[], []]
    for _ in range(75):
        broadcast.run(0.04)
        await asyncio.sleep(0)
        for tasks, bodies in zip(waiting, given, strict=True):
            for task in [task for task in tasks if task.done()]:
                tasks.remove(task)
                bodies.append((await task).body)
    assert waiting == [[], []]
    assert given[0] == given[1]
    assert any(b"#EXT-X-SKIP" not in body for body in given[0])


async def test_who_waits_at_the_late_process_for_what_it_takes_over_goes_on() -> None:
    broadcast = Broadcast()
    broadcast.start()
    broadcast.run(10)
    late = Late(broadcast)
    late.leave()
    now = parse(broadcast.window.media_playlist("v"))
    waiting = asyncio.create_task(
        late.window.hls.playlist("v.m3u8", Directives(now.next_sequence + 1, None))
    )
    await asyncio.sleep(0)
    broadcast.run(5)
    assert not waiting.done()
    again = hand_over(broadcast.window.hls, late.heir.take)
    assert (await waiting).body == broadcast.window.resource("v.m3u8").body
    again()


def sound_until(late: Late) -> float:
    """Seconds of sound that its playlist lists."""
    growing = late.window.hls.renditions["a"].opened
    if growing is None:
        return 0.0
    return growing.begins - ORIGIN + sum(part.duration for part in growing.parts)


async def test_opus_made_aac_where_the_publisher_is_is_the_same_sound_everywhere() -> None:
    """Its encoder has been at work for twenty seconds: no other one could go on as it does."""
    opus, units = spoken(2, 26)
    broadcast = Broadcast({"v": VIDEO, "a": opus})
    broadcast.start()
    late = None
    for number in range(26 * 25):
        if number == 20 * 25:
            late = Late(broadcast)
        broadcast.window.write(picture(number, key=number % 50 == 0))
        for unit in units[2 * number : 2 * number + 2]:
            broadcast.window.write(unit)
        await asyncio.sleep(0.002)
    assert late is not None
    deadline = time.monotonic() + 30
    while sound_until(late) < 25:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    broadcast.window.end()
    await broadcast.window.settled()
    same(broadcast, late, least=60)
    listed = late.window.resource("a.m3u8").body.decode()
    names = [*re.findall(r'MAP:URI="(.*)"', listed), *re.findall(r"(?m)^a-.*m4s$", listed)]
    body = b"".join(late.window.resource(name).body for name in names)
    assert samples(body, "audio")[-1].dts == pytest.approx(26, abs=1)


def test_a_message_that_is_missing_stops_it_until_a_state_comes() -> None:
    broadcast = Broadcast()
    broadcast.start()
    broadcast.run(5)
    window = Window("a", config.Relay(window_seconds=20))
    heir = Heir("a", window.hls)
    messages: list[bytes] = []
    leave = hand_over(broadcast.window.hls, messages.append)
    broadcast.run(3)
    with pytest.raises(HandoverBroken):
        heir.take(messages[1])  # before any state
    for message in messages[:40]:
        heir.take(message)
    before = answers(window.hls)
    for bad in (messages[41], messages[40], messages[39]):
        with pytest.raises(HandoverBroken):
            heir.take(bad)
    assert answers(window.hls) == before
    leave()
    leave()
    broadcast.run(1)
    anew = messages[:]
    hand_over(broadcast.window.hls, messages.append)
    for message in messages[len(anew) :]:
        heir.take(message)
    assert answers(window.hls) == answers(broadcast.window.hls)


@pytest.mark.parametrize("bad", [b"", b"\xc1", b"\x80", b"\x82\xa1n\x00\xa4what\x80"])
def test_what_is_no_message_is_refused(bad: bytes) -> None:
    with pytest.raises(HandoverBroken):
        Heir("a", Window("a", config.Relay()).hls).take(bad)


def test_a_process_with_other_settings_refuses() -> None:
    broadcast = Broadcast()
    broadcast.start()
    broadcast.run(5)
    with pytest.raises(StateRefused, match="same"):
        Late(broadcast, window_seconds=60)
