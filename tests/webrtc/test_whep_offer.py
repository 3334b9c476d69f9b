"""A viewer's description, read: what is taken of it, and what is refused with a sentence."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamd.errors import MalformedOffer
from streamd.webrtc.whep_offer import read_description
from tests.webrtc.whep_sdp import AUDIO, FINGERPRINT, VIDEO, offer


def test_a_browsers_offer() -> None:
    description = read_description(offer())
    assert [one.kind for one in description.sections] == ["v", "a"]
    video = description.section("v")
    assert video is not None
    assert [one.payload_type for one in video.codecs] == [96, 98, 99, 100, 102, 103, 104]
    assert video.codecs[4].fmtp["profile-level-id"] == "42e01f"
    assert video.codecs[4].feedback == {"nack"}
    assert "nack pli" in video.codecs[1].feedback
    assert description.remote.credentials.ufrag == "abcd"
    assert description.remote.fingerprints == (("sha-256", FINGERPRINT),)
    assert description.remote.setup == "actpass"


def test_sections_that_nothing_can_be_sent_for_are_kept_to_be_rejected() -> None:
    text = offer() + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\n"
    text += "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:3\r\n"
    description = read_description(text)
    assert [one.kind for one in description.sections] == ["v", "a", None, None]
    assert [one.line for one in description.sections[2:]] == ["application", "video"]


def test_sendrecv_is_taken_too() -> None:
    read_description(offer().replace("a=recvonly", "a=sendrecv"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "first line"),
        ("v=0\r\n", "no “m=” section"),
        (offer().replace("a=recvonly", "a=sendonly"), "does not receive"),
        (offer().replace("a=recvonly", "a=inactive"), "does not receive"),
        (offer().replace("a=rtcp-mux\r\n", ""), "rtcp-mux"),
        (offer().replace("a=mid:1", "a=mid:0"), "share one"),
        (offer().replace("a=mid:1\r\n", ""), "a=mid"),
        (offer().replace("a=group:BUNDLE 0 1", "a=group:BUNDLE 0"), "BUNDLE"),
        (offer().replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"), "SAVPF"),
        (offer().replace("a=ice-pwd:abcdefghijklmnopqrstuvwx", "a=ice-pwd:short"), "ice-pwd"),
        (offer().replace("a=setup:actpass", "a=setup:holdconn"), "setup"),
        (offer().replace("sha-256 AB", "sha-256 XY"), "fingerprint"),
        (offer().replace("sha-256", "md5"), "fingerprint"),
        (offer().replace("m=video 9", "m=video 0").replace("m=audio 9", "m=audio 0"), "neither"),
        (offer().replace("opus/48000/2", "opus"), "rtpmap"),
        (offer(audio=VIDEO.replace("mid:0", "mid:1")).replace("m=audio", "m=video"), "one kind"),
        (offer() + "m=image 0 UDP t38\r\na=mid:9\r\n" * 7, "sections"),
        ("v=0\r\n" + "a=x:y\r\n" * 3_000, "lines"),
    ],
)
def test_refusals_say_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(MalformedOffer, match=said):
        read_description(text)


@given(st.data())
def test_mangled_offers_are_read_or_refused(data: st.DataObject) -> None:
    text = offer()
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 60)))
    put = data.draw(st.text(max_size=20))
    with contextlib.suppress(MalformedOffer):
        read_description(text[:start] + put + text[end:])


def test_only_video_or_only_audio() -> None:
    assert read_description(offer(audio=None)).section("a") is None
    assert read_description(offer(video=None, audio=AUDIO)).section("v") is None


@pytest.mark.parametrize(
    ("lines", "longest"),
    [
        ("", None),
        ("a=maxptime:120\n", 120),
        ("a=ptime:20\n", 20),
        ("a=ptime:20\na=maxptime:60\n", 20),
        ("a=maxptime:2.5\n", 2.5),
        ("a=maxptime:long\na=ptime:-1\n", None),
    ],
)
def test_how_long_a_packet_of_sound_may_be(lines: str, longest: float | None) -> None:
    sound = read_description(offer(audio=AUDIO + lines)).section("a")
    assert sound is not None
    assert sound.longest_ms == longest
