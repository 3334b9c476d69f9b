"""What streamd adds to the answer that aiortc writes. Pure."""

from __future__ import annotations

import re


def as_lite_agent(answer: str) -> str:
    """The answer, saying that its author only answers checks (RFC 8839 §5.3) and takes
    candidates that turn up later (RFC 8840 §4.1.3)."""
    return re.sub(
        r"^(t=[^\r\n]*)", "\\1\r\na=ice-lite\r\na=ice-options:trickle", answer, count=1, flags=re.M
    )


def with_start_bitrate(answer: str, kilobits: int) -> str:
    """The answer, telling Chromium's encoder at what bitrate to begin (``x-google-start-bitrate``).

    Without it Chromium begins at 300 kbit/s, in a quarter of the camera's size, and grows slowly.
    Others ignore the parameter (RFC 8866 §6.15).
    """
    return re.sub(
        r"^(a=fmtp:[0-9]+ [^\r\n]*profile-level-id=[^\r\n]*)",
        rf"\1;x-google-start-bitrate={kilobits}",
        answer,
        flags=re.MULTILINE,
    )
