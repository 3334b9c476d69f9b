"""Device cookies and connect tokens: ours pass, everything else is refused."""

from __future__ import annotations

import base64
import time

import jwt
import pytest

from streamd.errors import Unauthenticated
from streamd.identity import ConnectTokens, DeviceCookies, TokenExpired


def test_a_cookie_is_taken_only_from_its_own_server() -> None:
    ours, theirs = DeviceCookies(b"a" * 32), DeviceCookies(b"b" * 32)
    value = ours.issue()
    assert ours.device(value) == value.split(".")[0]
    assert theirs.device(value) is None
    assert ours.device(value + "x") is None
    assert ours.device(None) is None
    assert ours.device("") is None
    assert ours.device(".") is None
    assert ours.device("ä.ö") is None
    assert ours.issue() != value


def test_a_token_names_its_voter() -> None:
    tokens = ConnectTokens(b"s" * 32, 300)
    identity = tokens.verify(tokens.issue("device:abc", "device"))
    assert (identity.voter, identity.tier) == ("device:abc", "device")
    assert 290 < identity.expires_at - time.time() <= 300


def test_an_expired_token_is_told_apart() -> None:
    tokens = ConnectTokens(b"s" * 32, -1)
    with pytest.raises(TokenExpired):
        tokens.verify(tokens.issue("device:abc", "device"))


def test_foreign_and_altered_tokens_are_refused() -> None:
    tokens = ConnectTokens(b"s" * 32, 300)
    good = tokens.issue("device:abc", "device")
    head, body, signature = good.split(".")
    unsigned = jwt.encode({"sub": "device:abc", "tier": "device"}, "", algorithm="none")
    other_kind = jwt.encode({"sub": "x"}, b"k" * 32, algorithm="HS256")
    foreign = ConnectTokens(b"t" * 32, 300).issue("device:abc", "device")
    for bad in (
        f"{head}.{body}.{signature[::-1]}",
        f"{head}.{body}",
        unsigned,
        other_kind,
        foreign,
        "",
        "a.b.c",
    ):
        with pytest.raises(Unauthenticated):
            tokens.verify(bad)


def test_a_token_carries_region_and_poll() -> None:
    tokens = ConnectTokens(b"s" * 32, 300)
    identity = tokens.verify(tokens.issue("code:ab", "code", "north", "p1"))
    assert (identity.region, identity.poll) == ("north", "p1")
    assert identity.may_vote_in("p1")
    assert not identity.may_vote_in("p2")
    assert tokens.verify(tokens.issue("device:a", "device")).may_vote_in("p2")


@pytest.mark.parametrize("rubbish", ["", "\udcff.x.y", "é", "." + "W1tb" * 1_000 + ".x", "." * 9])
def test_what_is_no_token_is_refused_and_breaks_nothing(rubbish: str) -> None:
    deep = base64.urlsafe_b64encode(b"[" * 3_000).decode()
    tokens = ConnectTokens(b"s" * 32, 300)
    for token in (rubbish, f"{deep}.{deep}.x"):
        with pytest.raises(Unauthenticated):
            tokens.verify(token)


def test_a_cookie_that_is_no_text_is_none_of_ours() -> None:
    assert DeviceCookies(b"a" * 32).device("\udcff.\udcff") is None
