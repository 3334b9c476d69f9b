"""A stream's notices: one a code, logged once, bounded."""

from __future__ import annotations

import structlog.testing

from streamd.relay import notices
from streamd.relay.notices import NoticeCode, Notices


def test_a_notice_is_kept_once_and_logged_once() -> None:
    kept = Notices("one", clock=iter([1.0, 2.0, 3.0]).__next__)
    with structlog.testing.capture_logs() as lines:
        kept.add(NoticeCode.B_FRAMES, profile="high")
        kept.add(NoticeCode.B_FRAMES, profile="high")
    assert [(n.code, n.since, n.facts) for n in kept] == [("b_frames", 1.0, {"profile": "high"})]
    assert len(lines) == 1
    assert lines[0]["stream"] == "one"


def test_new_facts_keep_the_time_and_are_logged() -> None:
    kept = Notices("one", clock=iter([1.0, 2.0]).__next__)
    with structlog.testing.capture_logs() as lines:
        kept.add(NoticeCode.LOSS, percent=2)
        kept.add(NoticeCode.LOSS, percent=5)
    (notice,) = kept
    assert (notice.since, notice.facts) == (1.0, {"percent": 5})
    assert len(lines) == 2


def test_a_notice_can_be_dropped_and_all_cleared() -> None:
    kept = Notices("one")
    kept.add(NoticeCode.LOSS)
    kept.add(NoticeCode.NO_AUDIO)
    kept.drop(NoticeCode.LOSS, NoticeCode.NO_KEYFRAME)
    assert [n.code for n in kept] == [NoticeCode.NO_AUDIO]
    kept.clear()
    assert not list(kept)


def test_there_is_room_for_every_code() -> None:
    kept = Notices("one")
    for code in NoticeCode:
        kept.add(code)
    assert len(list(kept)) == len(NoticeCode) <= notices.MOST


def test_a_refusal_goes_an_hour_after_the_last_one() -> None:
    now = 0.0
    kept = Notices("one", clock=lambda: now)
    kept.add(NoticeCode.REFUSED, codec="vp8")
    kept.add(NoticeCode.LOSS)
    now = 3_000.0
    kept.add(NoticeCode.REFUSED, codec="vp8")
    now = 6_500.0
    assert [(n.code, n.since) for n in kept] == [("refused", 0.0), ("loss", 0.0)]
    now = 6_600.0
    assert [n.code for n in kept] == ["loss"]
    kept.add(NoticeCode.REFUSED, codec="vp8")
    assert [(n.code, n.since) for n in kept][1] == ("refused", 6_600.0)
