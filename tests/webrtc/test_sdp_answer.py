from __future__ import annotations

from streamd.webrtc.sdp_answer import as_lite_agent, with_start_bitrate


def test_the_answer_says_once_and_for_the_session_that_ice_is_lite_and_trickled() -> None:
    answer = "v=0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=video 9 x 96\r\na=x:t=0 0\r\n"
    session, media = as_lite_agent(answer).split("m=video")
    assert session == (
        "v=0\r\ns=-\r\nt=0 0\r\na=ice-lite\r\na=ice-options:trickle\r\na=group:BUNDLE 0\r\n"
    )
    assert "ice-lite" not in media


def test_the_answer_names_a_start_bitrate_for_h264_alone() -> None:
    answer = "a=fmtp:102 packetization-mode=1;profile-level-id=42e01f\r\na=fmtp:103 apt=102\r\n"
    assert with_start_bitrate(answer, 2_000) == (
        "a=fmtp:102 packetization-mode=1;profile-level-id=42e01f;x-google-start-bitrate=2000\r\n"
        "a=fmtp:103 apt=102\r\n"
    )
