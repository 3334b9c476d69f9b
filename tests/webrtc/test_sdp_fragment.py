from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamd.errors import MalformedOffer
from streamd.webrtc.host_candidates import candidates
from streamd.webrtc.ice_credentials import Credentials
from streamd.webrtc.sdp_fragment import FRAGMENT_BYTES, LINES, read_fragment, write_fragment

CREDENTIALS = Credentials("EsAw", "P2uYro0UCOQ4zxjKXaWCBui1")
TRICKLE = """a=group:BUNDLE 0 1\r
m=audio 9 UDP/TLS/RTP/SAVPF 111\r
a=mid:0\r
a=ice-ufrag:EsAw\r
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r
a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw\r
a=candidate:3471623853 1 udp 2122194687 name.local 61765 typ host generation 0 ufrag EsAw\r
a=candidate:473322822 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active generation 0\r
a=end-of-candidates\r
"""


def test_the_rfcs_example_is_read() -> None:
    fragment = read_fragment(TRICKLE)
    assert fragment.credentials == CREDENTIALS
    assert fragment.candidates == (
        "a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host",
    )
    assert fragment.ended


def test_credentials_may_be_repeated_and_may_be_missing_but_not_differ() -> None:
    again = TRICKLE + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=ice-ufrag:EsAw\r\n"
    assert read_fragment(again).credentials == CREDENTIALS
    assert read_fragment("m=audio 9 x 0\na=mid:0\n").credentials is None
    for broken in (
        TRICKLE + "a=ice-ufrag:Other\r\n",
        TRICKLE.replace("a=ice-pwd", "a=x-pwd"),
        TRICKLE.replace("EsAw", "E:"),
        TRICKLE.replace("P2uYro0UCOQ4zxjKXaWCBui1", "short"),
    ):
        with pytest.raises(MalformedOffer):
            read_fragment(broken)


@pytest.mark.parametrize(
    "text",
    ["", "hello", "v=0\r\n" + TRICKLE, "a=x\x00y", "{}", "a=\r\n", "a=x\r\n\r\na=y", "a=x\ra=y"],
)
def test_what_is_no_fragment_is_refused(text: str) -> None:
    with pytest.raises(MalformedOffer):
        read_fragment(text)


def test_sizes_are_bounded() -> None:
    with pytest.raises(MalformedOffer, match="longer"):
        read_fragment("a=" + "x" * FRAGMENT_BYTES)
    with pytest.raises(MalformedOffer, match="lines"):
        read_fragment("a=x\n" * (LINES + 1))


@given(
    st.one_of(st.text(max_size=400), st.lists(st.sampled_from(TRICKLE.splitlines())).map("\n".join))
)
def test_garbage_is_read_or_refused(text: str) -> None:
    try:
        fragment = read_fragment(text)
    except MalformedOffer:
        return
    assert fragment.credentials is None or fragment.credentials.well_formed()


def test_the_answer_to_a_restart_has_all_a_client_needs() -> None:
    credentials = Credentials.new()
    text = write_fragment(
        credentials,
        candidates(["203.0.113.7", "127.0.0.1"], 8_189),
        [("audio", "0"), ("video", "1")],
    )
    lines = text.split("\r\n")
    assert lines[0] == "a=ice-lite"
    assert "a=group:BUNDLE 0 1" in lines
    assert lines.index("m=audio 9 UDP/TLS/RTP/SAVPF 0") < lines.index("a=mid:0")
    assert lines.index("a=mid:0") < lines.index(f"a=ice-ufrag:{credentials.ufrag}")
    fragment = read_fragment(text)
    assert fragment.credentials == credentials
    assert len(fragment.candidates) == 2
    assert fragment.ended
