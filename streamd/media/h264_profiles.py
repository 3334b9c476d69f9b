"""H.264 profiles by name, and which of them browsers decode (ITU-T H.264 annex A)."""

from __future__ import annotations

from streamd.media.h264 import Sps

_NAMES = {
    44: "CAVLC 4:4:4 Intra",
    66: "Baseline",
    77: "Main",
    88: "Extended",
    100: "High",
    110: "High 10",
    122: "High 4:2:2",
    244: "High 4:4:4 Predictive",
}
_DECODED = frozenset({66, 77, 100})
_CHROMA = ("4:0:0", "4:2:0", "4:2:2", "4:4:4")
_CONSTRAINT_SET1 = 0x40
_CONSTRAINT_SETS_4_5 = 0x0C


def profile_name(sps: Sps) -> str:
    """The profile as encoders and their manuals write it, "Constrained Baseline" for example."""
    name = _NAMES.get(sps.profile, f"profile {sps.profile}")
    if sps.profile == 66 and sps.constraints & _CONSTRAINT_SET1:
        return f"Constrained {name}"
    if sps.profile == 100 and sps.constraints & _CONSTRAINT_SETS_4_5 == _CONSTRAINT_SETS_4_5:
        return f"Constrained {name}"
    return name


def chroma_name(sps: Sps) -> str:
    """The chroma format as "4:2:0"."""
    return _CHROMA[sps.chroma_format]


def bits(sps: Sps) -> int:
    """Bits a sample, of luma or chroma, whichever has more."""
    return max(sps.bit_depth_luma, sps.bit_depth_chroma)


def is_chroma_decoded(sps: Sps) -> bool:
    """Whether browsers decode pictures of this chroma format."""
    return sps.chroma_format <= 1


def is_profile_decoded(sps: Sps) -> bool:
    """Whether browsers decode this profile: Baseline, Main and High, eight bits a sample.

    What one browser's software decoder can do beyond that, hardware decoders and Safari cannot.
    """
    return sps.profile in _DECODED and bits(sps) == 8
