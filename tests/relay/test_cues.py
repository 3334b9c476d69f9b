"""Cues: boxes in parts by hand, equal EXT-X-DATERANGE, generations, the broadcast delay."""

from __future__ import annotations

import io
import re
import time

import av
import pytest

from streamd import config
from streamd.feeds import fragments
from streamd.media import fmp4
from streamd.media.parts import Part
from streamd.relay.cues import LEAD_SECONDS, MOST_CUES, SCHEME, Action, Cue, Cues
from streamd.relay.stream import Stream
from tests.relay.units import AAC, VIDEO, picture, sound

ORIGIN = 1_700_000_000.0
POLL = "abcdefghij"
T_SECONDS = 3.5


def opening(at: float) -> Cue:
    return Cue(POLL, Action.OPEN, ORIGIN + at)


def ticks(seconds: float) -> int:
    return round(seconds * 90_000)


def read_box(box: bytes) -> dict[str, object]:
    """An emsg box of version 1, field by field (ISO/IEC 23009-1 clause 5.10.3.3)."""
    assert int.from_bytes(box[:4]) == len(box)
    assert (box[4:8], box[8], box[9:12]) == (b"emsg", 1, b"\0\0\0")
    scheme, value, message = box[32:].split(b"\0", 2)
    return {
        "timescale": int.from_bytes(box[12:16]),
        "presentation_time": int.from_bytes(box[16:24]),
        "event_duration": int.from_bytes(box[24:28]),
        "id": int.from_bytes(box[28:32]),
        "scheme_id_uri": scheme.decode(),
        "value": value.decode(),
        "message_data": message,
    }


def test_the_box_is_the_standard_s() -> None:
    cue = opening(T_SECONDS)
    assert read_box(cue.box(ORIGIN)) == {
        "timescale": 90_000,
        "presentation_time": ticks(T_SECONDS),
        "event_duration": 0xFFFF_FFFF,
        "id": cue.number,
        "scheme_id_uri": SCHEME,
        "value": "",
        "message_data": b'{"poll":"abcdefghij","action":"open","rev":0}',
    }


def test_it_stands_in_every_part_from_its_lead_until_its_picture() -> None:
    told: list[Cue] = []
    cues = Cues(told.append)
    cues.begin(1, ORIGIN)
    cue = opening(30.0)
    cues.put(cue)
    assert cues.stamp(0) == b""
    assert told == []
    assert cues.stamp(ticks(30.0 - LEAD_SECONDS)) == b""
    within = cues.stamp(ticks(30.01 - LEAD_SECONDS))
    assert read_box(within)["id"] == cue.number
    assert told == [cue]
    assert cues.stamp(ticks(29.99)) is within  # the same bytes, not made again
    assert cues.stamp(ticks(30.0)) is within  # the picture's own part
    assert cues.stamp(ticks(30.04)) == b""
    assert told == [cue]


def test_the_same_cue_again_changes_nothing_and_one_poll_closes_once() -> None:
    cues = Cues()
    cues.begin(1, ORIGIN)
    cues.put(opening(1.0))
    version = cues.version
    cues.put(opening(1.0))
    assert cues.version == version
    planned, earlier = (Cue(POLL, Action.CLOSE, ORIGIN + at) for at in (60.0, 9.0))
    cues.put(planned)
    cues.put(Cue("another", Action.CLOSE, ORIGIN + 60.0))
    cues.put(earlier)
    assert list(cues) == [opening(1.0), earlier, Cue("another", Action.CLOSE, ORIGIN + 60.0)]


def test_a_moved_close_overrides_whatever_was_told_before() -> None:
    told: list[Cue] = []
    cues = Cues(told.append)
    cues.begin(1, ORIGIN)
    first, second, third = (
        Cue(POLL, Action.CLOSE, ORIGIN + at, rev) for at, rev in ((5.0, 0), (65.0, 1), (5.0, 2))
    )
    cues.put(first)
    assert read_box(cues.stamp(0))["id"] == first.number
    cues.put(second)
    assert list(cues) == [second]
    # Told at once, though its picture is far, and for as long as any cue is.
    box = read_box(cues.stamp(ticks(1.0)))
    assert (box["id"], box["presentation_time"]) == (second.number, ticks(65.0))
    assert box["message_data"] == b'{"poll":"abcdefghij","action":"close","rev":1}'
    assert cues.stamp(ticks(LEAD_SECONDS + 0.1)) == b""
    assert read_box(cues.stamp(ticks(65.1 - LEAD_SECONDS)))["id"] == second.number
    assert told == [first, second]
    cues.put(first)  # read before the move
    assert list(cues) == [second]
    cues.put(third)
    assert list(cues) == [third]
    assert (third.number, third.rev) != (first.number, first.rev)
    assert cues.rows()[0]["rev"] == 2


def test_their_number_is_bounded() -> None:
    cues = Cues()
    for number in range(MOST_CUES + 5):
        cues.put(opening(float(number)))
    assert len(list(cues)) == MOST_CUES
    assert next(iter(cues)).at == ORIGIN + 5


def test_another_generation_counts_from_its_own_start() -> None:
    cues = Cues()
    cues.begin(1, ORIGIN)
    cues.put(opening(8.0))
    assert cues.rows()[0]["t"] == ticks(8.0)
    cues.begin(2, ORIGIN + 6.0)
    row = cues.rows()[0]
    assert (row["gen"], row["t"], row["at"]) == (2, ticks(2.0), ORIGIN + 8.0)
    assert read_box(cues.stamp(0))["presentation_time"] == ticks(2.0)


def on_air(*, delay: float = 0.0, clock: list[float] | None = None) -> Stream:
    """A stream with three seconds of media, its media time 0 at ORIGIN."""
    now = clock if clock is not None else [0.0]
    stream = Stream("alef", config.Relay(), monotonic=lambda: now[0], delay_seconds=delay)
    publisher = stream.publish("test")
    publisher.announce((VIDEO, AAC), origin=ORIGIN)
    for number in range(76):
        publisher.write(picture(number, key=number % 25 == 0))
        for place in range(number * 2, number * 2 + 2):
            publisher.write(sound(place))
    return stream


async def test_every_part_and_both_playlists_tell_it() -> None:
    stream = on_air()
    parts: list[Part] = []
    stream.window.listen(parts.append)
    cue = opening(T_SECONDS)
    stream.cues.put(cue)
    publisher = stream._intake.publisher
    assert publisher is not None
    for number in range(76, 101):
        publisher.write(picture(number, key=number % 25 == 0))
    stamped = [part for part in parts if part.v is not None and part.v[4:8] == b"emsg"]
    plain = [part for part in parts if part.v is not None and part.v[4:8] == b"moof"]
    assert all(part.t <= ticks(T_SECONDS) for part in stamped)
    assert all(part.t > ticks(T_SECONDS) for part in plain)
    assert stamped
    assert plain
    body = stamped[0].v
    assert body is not None
    assert fragments.units(body, "v")[0].dts == stamped[0].t
    await stream.window.settled()
    tags = [
        re.findall(r"#EXT-X-DATERANGE:.*", stream.window.media_playlist(kind))
        for kind in ("v", "a")
    ]
    assert tags[0] == tags[1]
    date = "2023-11-14T22:13:23.500Z"
    assert tags[0] == [
        f'#EXT-X-DATERANGE:ID="{cue.id}",CLASS="streamd.poll",START-DATE="{date}",'
        f'X-POLL="{POLL}",X-ACTION="open",X-REV="0"'
    ]
    stream.close()


async def test_a_cue_is_half_a_second_past_the_newest_media_at_least() -> None:
    stream = on_air()
    soonest = stream.cue_time()
    assert soonest is not None
    assert soonest.at == pytest.approx(ORIGIN + 3.5, abs=0.3)
    assert soonest.lag == pytest.approx(time.time() - ORIGIN - 3.0, abs=5.0)
    wished = stream.cue_time(20.0)
    assert wished is not None
    assert wished.at == ORIGIN + 20.0
    past = stream.cue_time(0.5)
    assert past is not None
    assert past.at == soonest.at
    stream.close()
    assert stream.cue_time() is None


async def test_behind_a_delay_it_stands_where_the_publisher_is() -> None:
    clock = [100.0]
    stream = on_air(delay=30.0, clock=clock)
    assert stream.started_at is None  # nothing has come out yet
    soonest = stream.cue_time()
    assert soonest is not None
    assert soonest.at == pytest.approx(ORIGIN + 3.5, abs=0.3)
    stream.cues.put(Cue(POLL, Action.OPEN, soonest.at))
    parts: list[Part] = []
    stream.window.listen(parts.append)
    clock[0] = 131.0
    assert stream._delay is not None
    stream._delay.release_due()
    bodies = [part.v for part in parts if part.v is not None]
    assert bodies
    assert all(body[4:8] == b"emsg" for body in bodies)
    row = stream.cues.rows()[0]
    assert (row["gen"], row["t"]) == (1, round((soonest.at - ORIGIN) * 90_000))
    stream.close()


def test_libavformat_plays_media_with_the_boxes_in() -> None:
    cue = opening(T_SECONDS)
    units = [picture(number, key=number == 0) for number in range(3)]
    parts = [
        cue.box(ORIGIN) + fmp4.fragment(VIDEO, number + 1, [unit], [3_600])
        for number, unit in enumerate(units)
    ]
    file = io.BytesIO(fmp4.init_segment(VIDEO) + b"".join(parts))
    with av.open(file, "r", format="mp4") as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    assert [packet.dts for packet in packets] == [unit.dts for unit in units]
