"""Messages into tracks and units: real pictures and sound, late tracks, changes, broken bytes."""

from __future__ import annotations

from itertools import pairwise

import pytest

from streamd.media import h264, opus
from streamd.media.units import Track, Unit
from streamd.relay.notices import NoticeCode
from streamd.rtmp.errors import CodecRefused, Refused
from streamd.rtmp.ingest import (
    BROKEN_IN_A_ROW,
    LONE_SOUND_SECONDS,
    WAIT_SECONDS,
    Announce,
    Event,
    Ingest,
    Tell,
)
from tests.rtmp.media import Video, encoded_audio, encoded_video, legacy, sound

VIDEO = encoded_video()
AUDIO = encoded_audio()


class Feed:
    """An ingest and what came out of it. Time passes with the media."""

    def __init__(self) -> None:
        self.ingest = Ingest()
        self.events: list[Event] = []

    def video(self, stamp: int, body: bytes, now: float | None = None) -> None:
        self.events += self.ingest.take("v", stamp, body, stamp / 1000 if now is None else now)

    def audio(self, stamp: int, body: bytes, now: float | None = None) -> None:
        self.events += self.ingest.take("a", stamp, body, stamp / 1000 if now is None else now)

    def play(self, video: Video = VIDEO, start: int = 0, count: int = 10, sounds: int = 18) -> None:
        """Pictures 40 ms apart with sound between them, each with its configuration first."""
        self.audio(start, AUDIO.header)
        self.video(start, video.header)
        media = [(start + 40 * n, "v", legacy(p)) for n, p in enumerate(video.pictures[:count])]
        media += [
            (start + n * 1024 // 48, "a", sound(f)) for n, f in enumerate(AUDIO.frames[:sounds])
        ]
        for stamp, kind, body in sorted(media, key=lambda one: one[0]):
            (self.video if kind == "v" else self.audio)(stamp, body)

    @property
    def announced(self) -> list[tuple[Track, ...]]:
        return [event.tracks for event in self.events if isinstance(event, Announce)]

    def units(self, kind: str) -> list[Unit]:
        return [event for event in self.events if isinstance(event, Unit) and event.kind == kind]

    @property
    def told(self) -> list[Tell]:
        return [event for event in self.events if isinstance(event, Tell)]


def kinds(tracks: tuple[Track, ...]) -> set[str]:
    return {track.kind for track in tracks}


def test_pictures_and_sound_come_out_as_they_went_in() -> None:
    feed = Feed()
    feed.play()
    assert [kinds(tracks) for tracks in feed.announced] == [{"v", "a"}]
    tracks = {track.kind: track for track in feed.announced[0]}
    assert (tracks["v"].width, tracks["v"].height) == (320, 180)
    assert tracks["v"].config == VIDEO.config
    assert (tracks["a"].sample_rate, tracks["a"].config) == (48_000, AUDIO.config)
    pictures, sounds = feed.units("v"), feed.units("a")
    assert [unit.payload for unit in pictures] == [p.avcc for p in VIDEO.pictures[:10]]
    assert [unit.key for unit in pictures] == [p.key for p in VIDEO.pictures[:10]]
    assert [unit.dts for unit in pictures] == [3_600 * n for n in range(10)]
    assert [unit.payload for unit in sounds] == list(AUDIO.frames[:18])
    assert [unit.dts for unit in sounds] == [1_024 * n for n in range(18)]
    assert {unit.duration for unit in sounds} == {1_024}
    assert all(unit.track is None for unit in pictures + sounds)
    assert feed.told == []


def test_media_time_starts_at_0_wherever_the_encoder_starts() -> None:
    feed = Feed()
    feed.play(start=0xFFFFFFE0)
    assert [unit.dts for unit in feed.units("v")] == [3_600 * n for n in range(10)]
    assert feed.units("a")[0].dts == 0


def test_sound_that_starts_first_shifts_the_picture_and_not_the_other_way_round() -> None:
    feed = Feed()
    feed.video(0, VIDEO.header)
    feed.audio(0, AUDIO.header)
    feed.video(100, legacy(VIDEO.pictures[0]))
    feed.audio(60, sound(AUDIO.frames[0]))
    assert feed.units("a")[0].dts == 0
    assert feed.units("v")[0].dts == 40 * 90


def test_sound_from_before_the_start_is_left_out() -> None:
    feed = Feed()
    feed.ingest.metadata({"videocodecid": 7.0})
    feed.video(100, VIDEO.header)
    feed.video(100, legacy(VIDEO.pictures[0]))
    feed.audio(60, AUDIO.header)
    feed.audio(60, sound(AUDIO.frames[0]))
    for n in range(1, 11):
        feed.video(100 + 40 * n, legacy(VIDEO.pictures[n]))
        feed.audio(60 + 40 * n, sound(AUDIO.frames[n]))
    assert [kinds(tracks) for tracks in feed.announced] == [{"v"}, {"v", "a"}]
    assert all(unit.dts >= 0 for unit in feed.units("a"))


def test_composition_times_and_nanoseconds() -> None:
    feed = Feed()
    feed.ingest.metadata({"videocodecid": 7.0})
    feed.video(0, VIDEO.header)
    feed.video(0, legacy(VIDEO.pictures[0], composition=80))
    # ModEx: 500,000 ns; CodedFramesX.
    feed.video(40, b"\xa7\x02\x07\xa1\x20\x03avc1" + VIDEO.pictures[1].avcc)
    first, second = feed.units("v")
    assert (first.dts, first.pts) == (0, 7_200)
    assert (second.dts, second.pts) == (3_645, 3_645)


def test_enhanced_avc1_mp4a_and_opus() -> None:
    feed = Feed()
    feed.video(0, b"\x90avc1" + VIDEO.config)
    feed.audio(0, b"\x90mp4a" + AUDIO.config)
    feed.video(0, b"\x91avc1\0\0\0" + VIDEO.pictures[0].avcc)
    feed.audio(0, b"\x91mp4a" + AUDIO.frames[0])
    feed.video(40, b"\xa3avc1" + VIDEO.pictures[1].avcc)
    assert [unit.payload for unit in feed.units("v")] == [p.avcc for p in VIDEO.pictures[:2]]
    assert feed.units("a")[0].payload == AUDIO.frames[0]
    packet = bytes((0xFC,)) + bytes(40)
    head = b"OpusHead\x01\x02\x38\x01\x80\xbb\0\0\0\0\0"
    for opening in (b"\x90Opus" + head, b"\x90Opus", b""):
        other = Feed()
        other.ingest.metadata({"audiocodecid": 1.0})
        if opening:
            other.audio(0, opening)
        other.audio(0, b"\x91Opus" + packet)
        other.audio(20, b"\x91Opus" + packet)
        (track,) = other.announced[0]
        assert (track.codec, track.timescale) == ("opus", 48_000)
        expected = opus.dops_from_head(head) if opening.endswith(head) else opus.build_dops(2)
        assert track.config == expected
        assert [unit.dts for unit in other.units("a")] == [0, 960]


def test_one_kind_alone_starts_at_once_where_metadata_says_so_and_after_a_second_otherwise() -> (
    None
):
    told = Feed()
    told.ingest.metadata({"videocodecid": 7.0, "width": 320.0})
    told.video(0, VIDEO.header)
    told.video(0, legacy(VIDEO.pictures[0]))
    assert [kinds(tracks) for tracks in told.announced] == [{"v"}]
    silent = Feed()
    silent.video(0, VIDEO.header)
    for n, picture in enumerate(VIDEO.pictures):
        silent.video(40 * n, legacy(picture))
        assert bool(silent.announced) == (n >= WAIT_SECONDS * 25)
    assert len(silent.units("v")) == len(VIDEO.pictures), "what waited is not lost"
    blind = Feed()
    blind.audio(0, AUDIO.header)
    for n, frame in enumerate(AUDIO.frames):
        blind.audio(n * 1024 // 48, sound(frame))
    assert [kinds(tracks) for tracks in blind.announced] == [{"a"}]
    assert [unit.dts for unit in blind.units("a")] == [1_024 * n for n in range(len(AUDIO.frames))]


def test_a_late_picture_joins_with_its_keyframe() -> None:
    feed = Feed()
    feed.ingest.metadata({"audiocodecid": 10.0})
    feed.audio(0, AUDIO.header)
    feed.audio(0, sound(AUDIO.frames[0]))
    feed.video(40, VIDEO.header)
    feed.video(40, legacy(VIDEO.pictures[1]))
    assert [kinds(tracks) for tracks in feed.announced] == [{"a"}]
    feed.video(80, legacy(VIDEO.pictures[0]))
    assert [kinds(tracks) for tracks in feed.announced] == [{"a"}, {"v", "a"}]
    assert feed.units("v")[0].dts == 80 * 90


def test_a_turned_picture_is_told_with_its_keyframe() -> None:
    feed = Feed()
    turned = encoded_video(180, 320)
    feed.play(count=5)
    feed.video(200, turned.header)
    feed.video(200, legacy(VIDEO.pictures[5]))
    feed.video(240, legacy(turned.pictures[0]))
    feed.video(280, legacy(turned.pictures[1]))
    marked = [(unit.dts // 3_600, unit.track) for unit in feed.units("v") if unit.track]
    assert [at for at, _ in marked] == [6]
    assert marked[0][1] is not None
    assert (marked[0][1].width, marked[0][1].height) == (180, 320)
    assert len(feed.announced) == 1
    assert 5 not in [unit.dts // 3_600 for unit in feed.units("v")], "it needed the old sets"


def test_repeated_headers_change_nothing() -> None:
    feed = Feed()
    feed.play(count=5)
    feed.video(200, VIDEO.header)
    feed.video(200, legacy(VIDEO.pictures[5]))
    feed.audio(210, AUDIO.header)
    feed.audio(210, sound(AUDIO.frames[9]))
    assert len(feed.units("v")) == 6
    assert len(feed.announced) == 1
    assert all(unit.track is None for unit in feed.units("v") + feed.units("a"))


def test_parameter_sets_within_the_stream() -> None:
    """No sequence header at all, then other sets before a keyframe."""
    turned = encoded_video(180, 320)
    feed = Feed()
    feed.ingest.metadata({"videocodecid": 7.0})
    feed.video(0, b"\x17\x00\0\0\0")
    for n, source in enumerate((VIDEO, turned)):
        sets = h264.parse_avcc(source.config)
        inline = h264.to_avcc([*sets.sps, *sets.pps]) + source.pictures[0].avcc
        feed.video(40 * n, b"\x17\x01\0\0\0" + inline)
    assert feed.announced[0][0].config == VIDEO.config
    assert feed.units("v")[0].track is None
    change = feed.units("v")[1].track
    assert change is not None
    assert change.config == turned.config


def test_short_lengths_and_empty_nals_are_rewritten() -> None:
    sets = h264.parse_avcc(VIDEO.config)
    config = bytearray(VIDEO.config)
    config[4] = 0xFD  # NAL lengths of 2 bytes
    nals = h264.split_avcc(VIDEO.pictures[0].avcc)
    short = b"\0\0" + b"".join(len(nal).to_bytes(2, "big") + nal for nal in nals)
    feed = Feed()
    feed.ingest.metadata({"videocodecid": 7.0})
    feed.video(0, b"\x17\x00\0\0\0" + bytes(config))
    feed.video(0, b"\x17\x01\0\0\0" + short)
    assert feed.units("v")[0].payload == VIDEO.pictures[0].avcc
    assert h264.parse_avcc(feed.announced[0][0].config) == sets


@pytest.mark.parametrize(
    ("rate", "layout", "channels"),
    [(44_100, "stereo", 2), (48_000, "mono", 1), (48_000, "5.1", 6), (22_050, "mono", 1)],
)
def test_any_aac_is_relayed(rate: int, layout: str, channels: int) -> None:
    made = encoded_audio(rate, layout)
    feed = Feed()
    feed.ingest.metadata({"audiocodecid": 10.0})
    feed.audio(0, made.header)
    for n, frame in enumerate(made.frames):
        feed.audio(n * 1024 * 1000 // rate, sound(frame))
    (track,) = feed.announced[0]
    assert (track.sample_rate, track.timescale, track.channels) == (rate, rate, channels)
    assert [unit.dts for unit in feed.units("a")] == [1_024 * n for n in range(len(made.frames))]


def test_another_sample_rate_is_a_new_generation() -> None:
    feed = Feed()
    feed.play()
    other = encoded_audio(44_100)
    feed.audio(400, other.header)
    feed.audio(400, sound(other.frames[0]))
    assert [kinds(tracks) for tracks in feed.announced] == [{"v", "a"}, {"v", "a"}]
    assert feed.announced[1][1].timescale == 44_100
    assert feed.units("a")[-1].dts == 400 * 441 // 10


def test_other_video_codecs_are_refused_with_a_sentence() -> None:
    for body, name in ((b"\x1cx", "H.265"), (b"\x90hvc1x", "H.265"), (b"\x90av01x", "AV1")):
        with pytest.raises(CodecRefused, match=f"The video is {name}.*set the encoder to H.264"):
            Ingest().take("v", 0, body, 0.0)


def test_sound_that_is_not_relayed_leaves_the_picture_and_is_told() -> None:
    feed = Feed()
    feed.video(0, VIDEO.header)
    feed.audio(0, b"\x2fmp3")
    feed.video(0, legacy(VIDEO.pictures[0]))
    assert [kinds(tracks) for tracks in feed.announced] == [{"v"}]
    assert Tell(NoticeCode.AUDIO_UNSUPPORTED, {"codec": "MP3"}) in feed.told
    xhe = Feed()
    xhe.audio(0, b"\xaf\x00" + bytes.fromhex("f9524000"))
    assert xhe.told[0].facts == {"codec": "AAC of object type 42"}


def test_sound_that_is_not_relayed_is_no_broadcast_alone() -> None:
    ingest = Ingest()
    ingest.take("a", 0, b"\x2fmp3", 0.0)
    with pytest.raises(CodecRefused, match="The audio is MP3"):
        ingest.take("a", 5_000, b"\x2fmp3", LONE_SOUND_SECONDS)


@pytest.mark.parametrize(
    "body",
    [
        b"\x27\x01",
        b"\x27\x01\0\0\0\xff\xff\xff\xff" + bytes(20),
        b"\x27\x01\0\0\0\0\0\0\x20short",
        b"\x27\x01\0\0\0\0\0",
        b"\x17\x00\0\0\0\x01\x42",
    ],
    ids=["header cut", "length of 4 GB", "longer than the message", "length cut", "avcC cut"],
)
def test_a_picture_whose_sizes_lie_is_left_out_up_to_the_next_keyframe(body: bytes) -> None:
    feed = Feed()
    feed.play(count=5)
    feed.video(200, body)
    for n in range(6, 12):
        feed.video(40 * n, legacy(VIDEO.pictures[n]))
    assert [tell.code for tell in feed.told] == [NoticeCode.BROKEN_INPUT]
    assert feed.told[0].facts["reason"]
    assert [unit.dts // 3_600 for unit in feed.units("v")] == [0, 1, 2, 3, 4, 10, 11]
    assert feed.ingest.broken == 1


def test_sound_before_its_configuration() -> None:
    feed = Feed()
    feed.audio(0, sound(AUDIO.frames[0]))
    assert [tell.code for tell in feed.told] == [NoticeCode.BROKEN_INPUT]
    feed.play()
    assert len(feed.units("a")) == 18


def test_nothing_but_broken_messages_is_refused() -> None:
    ingest = Ingest()
    for _ in range(BROKEN_IN_A_ROW - 1):
        ingest.take("v", 0, b"\x17", 0.0)
    with pytest.raises(Refused, match="in a row") as raised:
        ingest.take("v", 0, b"\x17", 0.0)
    assert raised.value.notice is NoticeCode.BROKEN_INPUT


def test_empty_messages_and_sequence_ends_mean_nothing() -> None:
    feed = Feed()
    feed.video(0, b"")
    feed.audio(0, b"")
    feed.play()
    feed.video(400, b"\x17\x02\0\0\0")
    assert feed.told == []
    assert len(feed.units("v")) == 10


def test_what_waits_for_the_other_track_is_bounded() -> None:
    feed = Feed()
    feed.video(0, VIDEO.header, now=0.0)
    for n in range(700):
        feed.video(n, legacy(VIDEO.pictures[0]), now=0.0)
    assert len(feed.announced) == 1
    assert len(feed.units("v")) == 700


def test_timestamps_rise_with_the_real_pictures() -> None:
    feed = Feed()
    feed.play(count=30, sounds=50)
    for kind in ("v", "a"):
        assert all(a.dts < b.dts for a, b in pairwise(feed.units(kind)))
