from __future__ import annotations

import pytest

from streamd.webrtc.errors import PreconditionMissing, StaleSession, UnsupportedChange
from streamd.webrtc.ice_credentials import Credentials
from streamd.webrtc.ice_exchange import Change, IceExchange
from streamd.webrtc.sdp_fragment import Fragment

FIRST, SECOND, THIRD = (Credentials(name * 4, name * 24) for name in "abc")


def fragment(credentials: Credentials | None = FIRST) -> Fragment:
    return Fragment(credentials, (), ended=False)


def test_the_tag_is_strong_and_candidates_go_with_it() -> None:
    ice = IceExchange(FIRST)
    assert ice.etag.startswith('"')
    assert ice.etag.endswith('"')
    assert ice.etag != IceExchange(FIRST).etag
    tag = ice.etag
    for one in (fragment(), fragment(None)):
        assert ice.judge(one, tag) is Change.TRICKLE
    assert ice.judge(fragment(), f'"other", {tag}') is Change.TRICKLE
    assert ice.etag == tag


def test_a_patch_must_say_which_session_it_means() -> None:
    ice = IceExchange(FIRST)
    with pytest.raises(PreconditionMissing):
        ice.judge(fragment(), None)
    for stale in ('"other"', "", "W/" + ice.etag, ice.etag.strip('"'), '"', "*,*"):
        with pytest.raises(StaleSession):
            ice.judge(fragment(), stale)


@pytest.mark.parametrize("asterisk", ["*", '"*"', ' "*" '])
def test_a_restart_brings_a_new_tag_and_ends_the_old_one(asterisk: str) -> None:
    ice = IceExchange(FIRST)
    old = ice.etag
    assert ice.judge(fragment(SECOND), asterisk) is Change.RESTART
    assert ice.etag == old
    new = ice.restart(SECOND)
    assert new == ice.etag != old
    with pytest.raises(StaleSession):
        ice.judge(fragment(SECOND), old)
    assert ice.judge(fragment(SECOND), new) is Change.TRICKLE


def test_a_restart_whose_answer_got_lost_may_be_asked_again() -> None:
    ice = IceExchange(FIRST)
    ice.restart(SECOND)
    assert ice.judge(fragment(SECOND), "*") is Change.REPEATED_RESTART
    assert ice.judge(fragment(THIRD), "*") is Change.RESTART
    tag = ice.etag
    assert ice.restart(SECOND) != tag, "begun anew, after it was given up"
    for known in (FIRST, SECOND):
        assert ice.judge(fragment(known), ice.etag) is Change.TRICKLE


def test_what_does_not_fit_is_unsupported_and_changes_nothing() -> None:
    ice = IceExchange(FIRST)
    tag = ice.etag
    for one, if_match in ((fragment(SECOND), tag), (fragment(None), "*"), (fragment(FIRST), "*")):
        with pytest.raises(UnsupportedChange):
            ice.judge(one, if_match)
    ice.restart(SECOND)
    with pytest.raises(UnsupportedChange):
        ice.judge(fragment(FIRST), "*")
    assert ice.judge(fragment(SECOND), ice.etag) is Change.TRICKLE
