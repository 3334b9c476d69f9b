"""Whether a viewer's H.264 payload type can carry a stream's profile (RFC 6184 §8.1). Pure."""

from __future__ import annotations

import re
from enum import StrEnum


class Profile(StrEnum):
    """The profiles that WebRTC stacks tell apart."""

    CONSTRAINED_BASELINE = "Constrained Baseline"
    BASELINE = "Baseline"
    MAIN = "Main"
    CONSTRAINED_HIGH = "Constrained High"
    HIGH = "High"


_PATTERNS: tuple[tuple[int, int, int, Profile], ...] = (
    # profile_idc, bits of profile_iop that matter, their values (RFC 6184 table 5).
    (0x42, 0x4F, 0x40, Profile.CONSTRAINED_BASELINE),
    (0x4D, 0x8F, 0x80, Profile.CONSTRAINED_BASELINE),
    (0x58, 0xCF, 0xC0, Profile.CONSTRAINED_BASELINE),
    (0x42, 0x4F, 0x00, Profile.BASELINE),
    (0x58, 0xCF, 0x80, Profile.BASELINE),
    (0x4D, 0xAF, 0x00, Profile.MAIN),
    (0x64, 0xFF, 0x0C, Profile.CONSTRAINED_HIGH),
    (0x64, 0x00, 0x00, Profile.HIGH),
)

_DECODED_BY: dict[Profile, frozenset[Profile]] = {
    # Encoders that say Baseline make Constrained Baseline: none uses its error-resilience tools.
    Profile.CONSTRAINED_BASELINE: frozenset(Profile),
    Profile.BASELINE: frozenset(Profile),
    Profile.MAIN: frozenset((Profile.MAIN, Profile.HIGH)),
    Profile.CONSTRAINED_HIGH: frozenset((Profile.CONSTRAINED_HIGH, Profile.HIGH)),
    Profile.HIGH: frozenset((Profile.HIGH,)),
}

DEFAULT = "420010"
"""What a payload type without profile-level-id stands for: Baseline, level 1 (RFC 6184 §8.1)."""


def profile_of(level_id: str) -> Profile | None:
    """The profile of a profile-level-id (6 hexadecimal digits); None for others."""
    if not re.fullmatch(r"[0-9A-Fa-f]{6}", level_id):
        return None
    idc, iop = int(level_id[:2], 16), int(level_id[2:4], 16)
    for known, mask, value, profile in _PATTERNS:
        if idc == known and iop & mask == value:
            return profile
    return None


def answered(offered: str, streamed: str) -> str | None:
    """The profile-level-id to answer for an offered one; None where it cannot carry the stream.

    The stream's own where both are of one profile; else the offered profile at the stream's
    level, since a client takes an answer of another profile for another codec. The offered level
    is no bound: clients state a modest one and decode what comes.
    """
    theirs, ours = profile_of(offered), profile_of(streamed)
    if theirs is None or ours is None or theirs not in _DECODED_BY[ours]:
        return None
    return streamed if theirs is ours else offered[:4].lower() + streamed[4:]
