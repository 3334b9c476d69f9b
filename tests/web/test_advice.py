"""What a broadcaster is told: every notice has words, figures speak from their bounds on."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from streamd.relay.health import Health, LinkHealth
from streamd.relay.lifecycle import StreamState
from streamd.relay.loudness import Level
from streamd.relay.notices import Notice, NoticeCode
from streamd.web.advice import advise
from streamd.web.advice_words import WORDS, Severity
from streamd.web.language import load_catalogues

CATALOGUES = load_catalogues()
WELL = Health(
    state=StreamState.LIVE,
    source="rtmp",
    uptime_seconds=60.0,
    ends_in_seconds=None,
    video_codec="avc1.42e01f",
    profile="Constrained Baseline",
    width=1280,
    height=720,
    fps=30.0,
    bitrate_kbps=2_500.0,
    keyframe_seconds=2.0,
    b_frames=0,
    audio_codec="mp4a.40.2",
    sample_rate=48_000,
    channels=2,
    audio=True,
    level=Level(-23.0, False, 0.0),
    link=LinkHealth(0.0, 40.0, 3.0),
    dropped=0,
    delay_seconds=0.0,
    notices=(),
)


def codes(health: Health) -> list[tuple[str, str]]:
    return [(one["code"], one["severity"]) for one in advise(health, CATALOGUES["en"])]


def test_all_is_well() -> None:
    assert advise(WELL, CATALOGUES["en"]) == []
    assert codes(replace(WELL, level=None, link=None)) == []
    assert codes(replace(WELL, state=StreamState.IDLE, fps=0.0, bitrate_kbps=0.0)) == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"state": StreamState.STALLED, "ends_in_seconds": 12.4}, ("stalled", "problem")),
        ({"link": LinkHealth(3.0)}, ("loss", "warning")),
        ({"link": LinkHealth(12.0)}, ("loss", "problem")),
        ({"link": LinkHealth(0.0, 450.0)}, ("slow_line", "note")),
        ({"level": Level(-80.0, False, 12.0)}, ("silence", "warning")),
        ({"level": Level(-1.0, True, 0.0)}, ("clipping", "warning")),
        ({"fps": 9.0}, ("low_fps", "warning")),
        ({"bitrate_kbps": 300.0}, ("low_bitrate", "warning")),
        ({"bitrate_kbps": 9_000.0}, ("high_bitrate", "warning")),
    ],
)
def test_figures_speak_from_their_bounds_on(
    changed: dict[str, object], told: tuple[str, str]
) -> None:
    assert codes(replace(WELL, **changed)) == [told]  # type: ignore[arg-type]


def test_a_young_broadcast_is_still_ramping_up() -> None:
    assert codes(replace(WELL, uptime_seconds=3.0, fps=5.0, bitrate_kbps=100.0)) == []


@pytest.mark.parametrize("language", ["en", "fa"])
@pytest.mark.parametrize("code", list(NoticeCode))
def test_every_notice_has_words_in_every_language(code: NoticeCode, language: str) -> None:
    (told,) = advise(replace(WELL, notices=(Notice(code, 1.0),)), CATALOGUES[language])
    assert told["code"] == code.value
    assert told["title"]
    assert told["advice"]
    if language == "fa":
        assert re.search("[؀-ۿ]", told["title"]), told
        assert re.search("[؀-ۿ]", told["advice"]), told


@pytest.mark.parametrize(
    ("code", "facts", "words"),
    [
        (NoticeCode.REFUSED, {"codec": "VP9", "medium": "video"}, "VP9 video cannot"),
        (NoticeCode.REFUSED, {"codec": "MP3", "medium": "audio"}, "MP3 sound cannot"),
        (NoticeCode.REFUSED, {"reason": "too many"}, "attempt to broadcast was refused"),
        (NoticeCode.PROFILE, {"profile": "High 10", "bits": 10}, "do not play"),
        (NoticeCode.PROFILE, {"profile": "High"}, "take another path"),
        (NoticeCode.LOSS, {"pictures": 4}, "Some of what you send is lost"),
        (NoticeCode.RECORDING_STOPPED, {"reason": "disk_full"}, "the disk is nearly full"),
        (NoticeCode.PICTURE_CHANGED, {"width": 720, "height": 1280}, "720 × 1280"),
    ],
)
def test_facts_stand_in_the_words(
    code: NoticeCode, facts: dict[str, str | int | float], words: str
) -> None:
    (one,) = advise(replace(WELL, notices=(Notice(code, 1.0, facts),)), CATALOGUES["en"])
    assert words in one["title"]


def test_titles_stay_while_figures_change() -> None:
    """They are read out by screen readers each time they change."""
    for percent in (2.0, 5.0, 9.0):
        (one,) = advise(replace(WELL, link=LinkHealth(percent)), CATALOGUES["en"])
        assert one["title"] == "Some of what you send is lost"
        assert one["advice"].startswith(f"{percent:.0f} % do not arrive")


def test_persian_has_its_own_digits_but_names_keep_theirs() -> None:
    notices = (
        Notice(NoticeCode.RARE_KEYFRAMES, 1.0, {"seconds": 10}),
        Notice(NoticeCode.PROFILE, 1.0, {"profile": "High 10", "bits": 10}),
    )
    profile, keyframes = advise(replace(WELL, notices=notices), CATALOGUES["fa"])
    assert "۱۰" in keyframes["title"]
    assert "High 10" in profile["advice"]


def test_the_worst_comes_first_and_nothing_twice() -> None:
    notices = (
        Notice(NoticeCode.PICTURE_CHANGED, 1.0),
        Notice(NoticeCode.B_FRAMES, 2.0),
        Notice(NoticeCode.LOSS, 3.0),
        Notice(NoticeCode.NO_AUDIO, 4.0),
    )
    found = codes(replace(WELL, notices=notices, link=LinkHealth(3.0)))
    assert found == [
        ("no_audio", "problem"),
        ("loss", "warning"),
        ("b_frames", "warning"),
        ("picture_changed", "note"),
    ]


def test_no_sentence_asks_for_a_fact_that_spoils_it() -> None:
    for words in WORDS.values():
        assert words.severity in Severity
        for text in (words.title, words.advice):
            assert text % dict.fromkeys(re.findall(r"%\((\w+)\)s", text), "")
