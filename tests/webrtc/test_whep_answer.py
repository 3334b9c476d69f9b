"""What is agreed on with a viewer, and how the answer says so; aiortc and our reader check it."""

from __future__ import annotations

import pytest
from aiortc.sdp import SessionDescription

from streamd.errors import MalformedOffer, NoAcceptableCodec
from streamd.webrtc.ice_credentials import Credentials
from streamd.webrtc.whep_answer import (
    Local,
    Source,
    accepted,
    answer,
    choose,
    counter_offer,
    offered,
)
from streamd.webrtc.whep_errors import ProfileMissing
from streamd.webrtc.whep_offer import read_description
from tests.webrtc.whep_sdp import FINGERPRINT, TRANSPORT, VIDEO, offer

LOCAL = Local(
    Credentials("ourufrag", "ourpassword0123456789xyz"),
    ("1 1 udp 2130706431 192.0.2.1 8189 typ host",),
    FINGERPRINT,
    "alef",
    "cname",
    {"v": Source(11, 12), "a": Source(21, 22)},
)


def test_the_streams_own_profile_is_answered() -> None:
    description = read_description(offer())
    chosen = choose(description, "42c01e")
    assert (chosen["v"].payload_type, chosen["v"].rtx) == (102, 103)
    assert "profile-level-id=42c01e" in chosen["v"].fmtp
    assert chosen["a"].payload_type == 111
    assert "stereo=1" in chosen["a"].fmtp


def test_a_high_stream_takes_the_payload_type_that_can_carry_it() -> None:
    chosen = choose(read_description(offer()), "640028")
    assert (chosen["v"].payload_type, chosen["v"].rtx) == (104, None)
    assert "profile-level-id=640028" in chosen["v"].fmtp


def test_a_profile_that_was_not_offered_is_named() -> None:
    description = read_description(offer(VIDEO.replace("64001f", "42e01f")))
    with pytest.raises(ProfileMissing, match="High") as refusal:
        choose(description, "640028")
    assert set(refusal.value.offered) == {"42001f", "42e01f"}
    with pytest.raises(ProfileMissing, match="6e0028"):
        choose(read_description(offer()), "6e0028")


@pytest.mark.parametrize(
    "text",
    [
        offer(VIDEO.replace("H264", "VP9")),
        offer(VIDEO.replace("packetization-mode=1", "packetization-mode=0")),
        offer().replace("opus/48000", "G722/8000"),
    ],
)
def test_no_codec_of_ours_is_no_acceptable_codec(text: str) -> None:
    with pytest.raises(NoAcceptableCodec):
        choose(read_description(text), "42c01e")


def test_the_answer_is_in_the_offers_order_and_only_sends() -> None:
    text = offer() + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:data\r\n"
    description = read_description(text)
    written = answer(description, choose(description, "42c01e"), LOCAL, passive=True)
    parsed = SessionDescription.parse(written)
    assert [one.kind for one in parsed.media] == ["video", "audio", "application"]
    video, audio, rejected = parsed.media
    assert (video.direction, audio.direction) == ("sendonly", "sendonly")
    assert rejected.port == 0
    assert parsed.group[0].items == ["0", "1"]
    assert "a=ice-lite" in written
    assert video.dtls is not None
    assert video.dtls.role == "server"
    assert [one.ssrc for one in video.ssrc] == [11, 12]
    assert video.ssrc_group[0].items == [11, 12]
    assert [one.payloadType for one in video.rtp.codecs] == [102, 103]
    assert video.ice_candidates[0].port == 8189
    assert {one.msid for one in (video, audio)} == {"alef video", "alef audio"}
    assert "recvonly" not in written
    assert "a=rtcp-mux-only" in written


def test_only_feedback_that_was_offered_is_answered() -> None:
    description = read_description(offer())
    assert choose(description, "42001f")["v"].feedback == ("nack", "nack pli", "goog-remb")
    assert choose(description, "42e01f")["v"].feedback == ("nack",)


def test_a_counter_offer_can_be_answered() -> None:
    made = offered(["v", "a"], "640028")
    parsed = SessionDescription.parse(counter_offer(made, LOCAL))
    assert [one.kind for one in parsed.media] == ["video", "audio"]
    assert parsed.media[0].rtp.codecs[0].parameters["profile-level-id"] == "640028"
    assert "a=setup:actpass" in counter_offer(made, LOCAL)
    text = (
        "v=0\ns=-\na=group:BUNDLE v a\n"
        f"m=video 9 UDP/TLS/RTP/SAVPF 102\n{TRANSPORT}a=mid:v\na=rtpmap:102 H264/90000\n"
        f"m=audio 9 UDP/TLS/RTP/SAVPF 111\n{TRANSPORT}a=mid:a\na=rtpmap:111 opus/48000/2\n"
    ).replace("actpass", "active")
    taken = accepted(read_description(text), made)
    assert (taken["v"].payload_type, taken["v"].rtx) == (102, None)
    assert taken["a"] == made["a"]
    with pytest.raises(MalformedOffer, match="setup"):
        accepted(read_description(text.replace("setup:active", "setup:actpass")), made)
    with pytest.raises(MalformedOffer, match="sections"):
        accepted(read_description(text), offered(["a", "v"], None))
    with pytest.raises(NoAcceptableCodec):
        accepted(read_description(text.replace("102", "104")), made)


def test_a_stream_without_pictures_yet_takes_what_browsers_send() -> None:
    assert choose(read_description(offer()), None)["v"].payload_type == 102
