from __future__ import annotations

import pytest

from streamd.feeds.handshake import PATH, NoCommonSubprotocol, check, subprotocol

OURS = frozenset({"http://own.example"})


def test_no_origin_is_no_browser() -> None:
    assert check(PATH, [], OURS) is None
    assert check(PATH + "?cf=1", ["http://own.example"], OURS) is None


@pytest.mark.parametrize(
    "origins",
    [
        ["https://own.example"],
        ["http://own.example:80"],
        ["http://own.example.evil"],
        ["http://own.example", "http://own.example"],
        ["null"],
        [""],
    ],
)
def test_an_origin_must_match_exactly(origins: list[str]) -> None:
    refusal = check(PATH, origins, OURS)
    assert refusal is not None
    assert refusal.status == 403
    assert "[feeds] origins" in refusal.sentence


def test_another_path_is_told_where_to_go() -> None:
    refusal = check("/", [], OURS)
    assert refusal is not None
    assert (refusal.status, PATH in refusal.sentence) == (404, True)


def test_subprotocols() -> None:
    assert subprotocol([]) is None
    assert subprotocol(["centrifuge-protobuf", "streamd.msgpack"]) == "streamd.msgpack"
    assert subprotocol(["centrifuge-json", "streamd.msgpack"]) == "centrifuge-json"
    with pytest.raises(NoCommonSubprotocol, match=r"streamd\.msgpack"):
        subprotocol(["centrifuge-protobuf"])
