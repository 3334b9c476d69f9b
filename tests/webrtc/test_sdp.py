from __future__ import annotations

import contextlib
import random
import re
from pathlib import Path

import pytest
from aiortc.sdp import SessionDescription
from hypothesis import given
from hypothesis import strategies as st

from streamd.errors import MalformedOffer, NoAcceptableCodec
from streamd.webrtc.sdp import ACCEPTED, check_offer
from streamd.webrtc.sdp_sections import LINES, OFFER_BYTES

CHROMIUM = Path(__file__).with_name("chromium_offer.sdp").read_bytes().decode()


def test_chromiums_offer_keeps_h264_and_opus_alone() -> None:
    offer = check_offer(CHROMIUM)
    assert offer.kinds == ("a", "v")
    read = SessionDescription.parse(offer.sdp)
    audio, video = read.media
    assert [codec.name for codec in audio.rtp.codecs] == ["opus"]
    assert [(codec.name, codec.payloadType) for codec in video.rtp.codecs] == [
        ("H264", 102),
        ("H264", 108),
        ("rtx", 103),
        ("rtx", 109),
    ]
    assert {str(codec.parameters.get("profile-level-id")) for codec in video.rtp.codecs[:2]} == {
        "42001f",
        "42e01f",
    }
    assert [str(feedback.type) for feedback in video.rtp.codecs[0].rtcpFeedback] == [
        "nack",
        "nack",
        "goog-remb",
    ]
    assert video.direction == audio.direction == "sendonly"
    assert [source.ssrc for source in video.ssrc] == [4189373272, 3052033028]
    assert video.ice is not None
    assert video.ice.usernameFragment == "Ync+"
    assert video.dtls is not None
    assert [fingerprint.algorithm for fingerprint in video.dtls.fingerprints] == ["sha-256"]
    assert not video.ice_candidates_complete


def test_an_offer_with_line_feeds_alone_is_read_too() -> None:
    assert check_offer(CHROMIUM.replace("\r\n", "\n")) == check_offer(CHROMIUM)


def without(pattern: str) -> str:
    lines = [line for line in CHROMIUM.split("\r\n") if not re.match(pattern, line)]
    return "\r\n".join(lines)


def replaced(old: str, new: str) -> str:
    assert old in CHROMIUM
    return CHROMIUM.replace(old, new)


@pytest.mark.parametrize(
    ("offer", "sentence"),
    [
        ("", "first line"),
        ("hello", "first line"),
        ("v=0\r\n", "no video section"),
        ("v=0\r\nnonsense\r\n", "Line 2"),
        ("v=0\r\na=\x00\r\n", "Line 2"),
        ("v=0\r\n" + "a=x\r\n" * LINES, "lines"),
        ("v=0\r\n" + "a" * OFFER_BYTES, "longer"),
        ("v=0\r\nm=video\r\n", "m="),
        (CHROMIUM + CHROMIUM[CHROMIUM.index("m=video") :], "more than one video"),
        (CHROMIUM + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n", "application"),
        (CHROMIUM[: CHROMIUM.index("m=video")], "no video section"),
        (replaced("a=sendonly", "a=recvonly"), "does not send"),
        (replaced("a=sendonly", "a=inactive"), "does not send"),
        (replaced("UDP/TLS/RTP/SAVPF", "RTP/AVP"), "protocol"),
        (re.sub(r"m=video \d+", "m=video 0", CHROMIUM), "switched off"),
        (without("a=rtcp-mux"), "rtcp-mux"),
        (without("a=group"), "BUNDLE"),
        (without("a=mid"), "a=mid"),
        (replaced("a=mid:1", "a=mid:0"), "share one"),
        (without("a=ice-ufrag"), "ice-ufrag"),
        (replaced("a=ice-pwd:Zoq", "a=ice-pwd:\u00e9"), "ice-pwd"),
        (without("a=setup"), "setup"),
        (replaced("a=setup:actpass", "a=setup:holdconn"), "setup"),
        (without("a=fingerprint"), "fingerprint"),
        (replaced("a=fingerprint:sha-256 EE:", "a=fingerprint:sha-256 "), "32 bytes"),
        (replaced("a=rtpmap:102 H264/90000", "a=rtpmap:102 H264"), "rtpmap"),
        (replaced("a=ssrc-group:FID 4189373272", "a=ssrc-group:FID x"), "ssrc"),
    ],
)
def test_a_broken_offer_is_refused_with_a_sentence(offer: str, sentence: str) -> None:
    with pytest.raises(MalformedOffer, match=re.escape(sentence)) as caught:
        check_offer(offer)
    assert str(caught.value).endswith((".", "”.", ")."))


@pytest.mark.parametrize(
    "offer",
    [
        without("a=rtpmap:[0-9]+ H264"),
        CHROMIUM.replace("packetization-mode=1", "packetization-mode=0"),
        CHROMIUM.replace("profile-level-id=42", "profile-level-id=64"),
        without("a=rtpmap:111"),
    ],
)
def test_without_h264_or_opus_the_accepted_codecs_are_named(offer: str) -> None:
    with pytest.raises(NoAcceptableCodec) as caught:
        check_offer(offer)
    assert caught.value.accepted == ACCEPTED
    assert "packetization-mode=1" in str(caught.value)


def test_other_encoders_levels_and_profiles_of_baseline_are_taken() -> None:
    for profile in ("42c01f", "42e028", "420033", "42C01E"):
        offer = check_offer(replaced("profile-level-id=42e01f", f"profile-level-id={profile}"))
        assert f"profile-level-id={profile.lower()}" in offer.sdp
        read = SessionDescription.parse(offer.sdp)
        assert len(read.media[1].rtp.codecs) == 4


def test_sound_is_optional_and_sendrecv_is_taken() -> None:
    head = CHROMIUM[: CHROMIUM.index("m=audio")].replace("BUNDLE 0 1", "BUNDLE 1")
    offer = check_offer(
        head + CHROMIUM[CHROMIUM.index("m=video") :].replace("a=sendonly", "a=sendrecv")
    )
    assert offer.kinds == ("v",)
    assert offer.sdp.count("a=sendonly") == 1


def test_transport_attributes_may_stand_at_the_session() -> None:
    moved = [
        line
        for line in CHROMIUM.split("\r\n")
        if re.match(r"a=(ice-ufrag|ice-pwd|fingerprint|setup):", line)
    ]
    rest = without(r"a=(ice-ufrag|ice-pwd|fingerprint|setup):")
    offer = rest.replace("t=0 0\r\n", "t=0 0\r\n" + "\r\n".join(dict.fromkeys(moved)) + "\r\n")
    assert check_offer(offer) == check_offer(CHROMIUM)


def test_parameter_sets_out_of_band_are_read() -> None:
    offer = check_offer(
        replaced(
            "profile-level-id=42001f",
            "profile-level-id=42001f;sprop-parameter-sets=Z0LAHtoB,aM48gA==",
        )
    )
    assert [nal[0] & 31 for nal in offer.parameter_sets] == [7, 8]
    with pytest.raises(MalformedOffer, match="base64"):
        check_offer(
            replaced("profile-level-id=42001f", "profile-level-id=42001f;sprop-parameter-sets=%")
        )


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_any_damage_gives_a_defined_error_or_an_offer_that_aiortc_reads(
    seed: int, wounds: int
) -> None:
    noise = random.Random(seed)
    lines = CHROMIUM.split("\r\n")
    for _ in range(wounds):
        at = noise.randrange(len(lines))
        line = lines[at]
        cut = noise.randrange(len(line) + 1)
        lines[at] = noise.choice(
            (
                line[:cut],
                line[:cut] + noise.choice(":/ ;=-\t\u06f4x9") + line[cut:],
                line[:cut] + line[cut + 1 :],
                lines[noise.randrange(len(lines))],
                line + " " + "9" * noise.randrange(20),
            )
        )
    with contextlib.suppress(MalformedOffer, NoAcceptableCodec):
        assert SessionDescription.parse(check_offer("\r\n".join(lines)).sdp).media


@given(st.text(max_size=300))
def test_any_text_gives_a_defined_error(text: str) -> None:
    with pytest.raises(MalformedOffer):
        check_offer(text)
    with contextlib.suppress(MalformedOffer, NoAcceptableCodec):
        check_offer("v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n" + text)


def test_the_clients_ice_and_the_sections_names_are_kept() -> None:
    offer = check_offer(CHROMIUM)
    lines = CHROMIUM.splitlines()
    assert f"a=ice-ufrag:{offer.credentials.ufrag}" in lines
    assert f"a=ice-pwd:{offer.credentials.password}" in lines
    assert offer.mids == ("0", "1")


def test_a_lite_client_is_refused_since_two_lite_agents_never_check_each_other() -> None:
    with pytest.raises(MalformedOffer, match="ice-lite"):
        check_offer(CHROMIUM.replace("t=0 0\r\n", "t=0 0\r\na=ice-lite\r\n", 1))
