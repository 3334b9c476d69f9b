"""Offers as browsers make them, by hand."""

from __future__ import annotations

FINGERPRINT = ":".join(["AB"] * 32)

HEAD = """v=0
o=- 1 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=msid-semantic: WMS
"""
TRANSPORT = f"""c=IN IP4 0.0.0.0
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuvwx
a=ice-options:trickle
a=fingerprint:sha-256 {FINGERPRINT}
a=setup:actpass
a=rtcp-mux
a=recvonly
"""
VIDEO = """a=mid:0
a=rtpmap:96 VP8/90000
a=rtpmap:98 H264/90000
a=rtcp-fb:98 nack
a=rtcp-fb:98 nack pli
a=rtcp-fb:98 goog-remb
a=rtcp-fb:98 transport-cc
a=fmtp:98 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f
a=rtpmap:99 rtx/90000
a=fmtp:99 apt=98
a=rtpmap:100 H264/90000
a=fmtp:100 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f
a=rtpmap:102 H264/90000
a=rtcp-fb:* nack
a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:103 rtx/90000
a=fmtp:103 apt=102
a=rtpmap:104 H264/90000
a=fmtp:104 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=64001f
"""
AUDIO = """a=mid:1
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:0 PCMU/8000
"""


def offer(
    video: str | None = VIDEO,
    audio: str | None = AUDIO,
    formats: str = "96 98 99 100 102 103 104",
) -> str:
    """A recvonly offer; None leaves a section out."""
    text = HEAD
    if video is not None:
        text += f"m=video 9 UDP/TLS/RTP/SAVPF {formats}\n{TRANSPORT}{video}"
    if audio is not None:
        text += f"m=audio 9 UDP/TLS/RTP/SAVPF 111 0\n{TRANSPORT}{audio}"
    return text.replace("\n", "\r\n")
